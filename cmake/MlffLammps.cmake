# Adds LAMMPS as a sub-project, unchanged, and offers mlff_add_styles(FOLDER ...) that makes our styles built-in ones.
# Offers MLFF_LAMMPS_VERSION ("4 Jul 2026") and MLFF_LAMMPS_NUMBER (20260704).
# Source tree: -D LAMMPS_SOURCE_DIR=, else the tree in the cache folder, else a download (cmake/fetch-lammps.sh).
include(MlffLammpsVersion)
set(LAMMPS_SOURCE_DIR "" CACHE PATH "LAMMPS source tree of 10Sep2025 or newer, with Kokkos in lib/kokkos")
execute_process(COMMAND ${CMAKE_COMMAND} -E env LAMMPS_SOURCE_DIR=${LAMMPS_SOURCE_DIR} MLFF_CACHE=${MLFF_CACHE}
  ${CMAKE_CURRENT_LIST_DIR}/fetch-lammps.sh OUTPUT_VARIABLE lammps_tree OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE status)
if(status)
  message(FATAL_ERROR "No usable LAMMPS source tree; the line before this one says why.")
endif()
set(MLFF_LAMMPS_TREE ${lammps_tree})
mlff_lammps_version(${MLFF_LAMMPS_TREE}/src/version.h)

# the first ones are used by our styles, examples and tests
set(MLFF_LAMMPS_PACKAGES "KSPACE;MANYBODY;EXTRA-FIX;EXTRA-PAIR;EXTRA-COMPUTE;MISC" CACHE STRING "LAMMPS packages to build besides KOKKOS, MOLECULE, REPLICA, RIGID, PLUGIN and EXTRA-DUMP")
foreach(package KOKKOS MOLECULE REPLICA RIGID PLUGIN EXTRA-DUMP ${MLFF_LAMMPS_PACKAGES})
  if(NOT IS_DIRECTORY ${MLFF_LAMMPS_TREE}/src/${package})
    message(FATAL_ERROR "MLFF_LAMMPS_PACKAGES names '${package}', but '${MLFF_LAMMPS_TREE}/src' has no such folder. Accepted: the names of LAMMPS packages, such as KSPACE or EXTRA-FIX, separated by semicolons.")
  endif()
  set(PKG_${package} ON CACHE BOOL "LAMMPS package" FORCE)
endforeach()
set(BUILD_SHARED_LIBS ON CACHE BOOL "")
set(BUILD_MPI ON CACHE BOOL "")
set(BUILD_OMP ON CACHE BOOL "")
set(Kokkos_ENABLE_SERIAL ON CACHE BOOL "")
set(Kokkos_ENABLE_OPENMP ON CACHE BOOL "")
set(Kokkos_ENABLE_DEPRECATED_CODE_4 ON CACHE BOOL "")
set(FFT_KOKKOS KISS CACHE STRING "")
foreach(library JPEG PNG FFMPEG CURL GZIP)
  set(WITH_${library} OFF CACHE BOOL "")
endforeach()
set(MPI_CXX_SKIP_MPICXX ON)

add_subdirectory(${MLFF_LAMMPS_TREE}/cmake lammps EXCLUDE_FROM_ALL)
set_target_properties(lmp PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin EXCLUDE_FROM_ALL OFF)
if(MLFF_DEBUG)
  mlff_keep_libraries(lmp)
endif()
set_target_properties(lammps PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
find_package(MPI REQUIRED COMPONENTS CXX)
set(MLFF_MPIRUN ${MPIEXEC_EXECUTABLE} --oversubscribe --bind-to none --mca mpi_yield_when_idle 1)

# The headers of our styles are copied into one folder of the build: LAMMPS' compile commands then never change when we add a style,
# and only the few LAMMPS files that include the generated style lists are compiled again.
set(MLFF_STYLE_HEADERS ${CMAKE_BINARY_DIR}/styles)
target_include_directories(lammps PRIVATE ${MLFF_STYLE_HEADERS})
file(MAKE_DIRECTORY ${MLFF_STYLE_HEADERS})

# Targets that compile against LAMMPS use its definitions and folders, without becoming a part of it.
add_library(mlff_lammps_headers INTERFACE)
target_include_directories(mlff_lammps_headers SYSTEM INTERFACE ${MLFF_LAMMPS_TREE}/src)
target_compile_definitions(mlff_lammps_headers INTERFACE $<TARGET_PROPERTY:lammps,INTERFACE_COMPILE_DEFINITIONS>)
target_link_libraries(mlff_lammps_headers INTERFACE MPI::MPI_CXX)

function(mlff_add_styles)
  get_directory_property(generated DIRECTORY ${MLFF_LAMMPS_TREE}/cmake DEFINITION LAMMPS_STYLE_HEADERS_DIR)
  include(${MLFF_LAMMPS_TREE}/cmake/Modules/StyleHeaderUtils.cmake)
  foreach(folder ${ARGN})
    file(GLOB headers CONFIGURE_DEPENDS ${folder}/pair_*.h ${folder}/fix_*.h ${folder}/compute_*.h)
    foreach(header ${headers})
      get_filename_component(name ${header} NAME)
      configure_file(${header} ${MLFF_STYLE_HEADERS}/${name} COPYONLY)
    endforeach()
  endforeach()
  RegisterStyles(${MLFF_STYLE_HEADERS})
  GenerateStyleHeaders(${generated})
endfunction()
