# mlff_add_plugin(FOLDER...): the plugin, lib/lammps/mlffplugin.so, with the styles of these folders in lib/libmlff_styles.so. A style
# joins by its header: names stand in no other list. Neither links LAMMPS or MPI, whose symbols are those of the program that loads it.
function(mlff_add_plugin)
  set(text "")
  foreach(folder ${ARGN})
    file(GLOB headers CONFIGURE_DEPENDS ${folder}/*.h)
    foreach(header ${headers})
      file(STRINGS ${header} lines REGEX "^[A-Z][A-Za-z]*Style\\(")
      foreach(line ${lines})
        if(NOT line MATCHES "^(Pair|Fix|Compute|Command)Style\\(")
          message(FATAL_ERROR "${header}: the plugin cannot offer '${line}'; teach src/lammps_plugin/plugin_styles.cpp this kind of style.")
        endif()
      endforeach()
      if(lines)
        string(APPEND text "#include \"${header}\"\n")
      endif()
    endforeach()
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/plugin/mlff_style_headers.h CONTENT "${text}")

  # what the sources need of LAMMPS and MPI, without the libraries
  add_library(mlff_lammps_compile INTERFACE)
  target_include_directories(mlff_lammps_compile SYSTEM INTERFACE $<TARGET_PROPERTY:mlff_lammps_headers,INTERFACE_INCLUDE_DIRECTORIES>
    ${MPI_CXX_INCLUDE_DIRS})
  target_compile_definitions(mlff_lammps_compile INTERFACE $<TARGET_PROPERTY:mlff_lammps_headers,INTERFACE_COMPILE_DEFINITIONS>)

  set(folder ${PROJECT_SOURCE_DIR}/src/lammps_plugin)
  add_library(mlff_plugin_styles MODULE ${folder}/plugin_styles.cpp ${folder}/plugin_kokkos_stream.cpp $<TARGET_OBJECTS:mlff_styles>)
  target_link_libraries(mlff_plugin_styles PRIVATE mlff_kstep mlff_replica mlff_ipi mlff_lammps_compile $<$<BOOL:${MLFF_XTB}>:mlff_xtb> OpenMP::OpenMP_CXX)
  target_include_directories(mlff_plugin_styles PRIVATE ${ARGN} ${CMAKE_BINARY_DIR}/generated/plugin)
  target_compile_definitions(mlff_plugin_styles PRIVATE MLFF_PLUGIN_LAMMPS="${MLFF_LAMMPS_VERSION}")
  # symbols of ours must not meet those of another library in the process: all but one are hidden
  file(WRITE ${CMAKE_BINARY_DIR}/generated/plugin/exported "{ global: mlff_offer_styles; local: *; };\n")
  target_link_options(mlff_plugin_styles PRIVATE LINKER:--version-script=${CMAKE_BINARY_DIR}/generated/plugin/exported)
  set_target_properties(mlff_plugin_styles PROPERTIES PREFIX lib OUTPUT_NAME mlff_styles LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
  mlff_target(mlff_plugin_styles)

  # LAMMPS opens all files of the folder whose names end in plugin.so
  mlff_add_plugin_entry(mlff_plugin lib/lammps ${MLFF_LAMMPS_NUMBER})
  add_dependencies(mlff_plugin mlff_plugin_styles)
endfunction()

# mlff_add_plugin_entry(TARGET FOLDER NUMBER): the file that LAMMPS opens, for LAMMPS of this NUMBER (20260704), in a folder of the build
function(mlff_add_plugin_entry target folder number)
  add_library(${target} MODULE ${PROJECT_SOURCE_DIR}/src/lammps_plugin/plugin_entry.cpp)
  target_link_libraries(${target} PRIVATE mlff_lammps_compile ${CMAKE_DL_LIBS})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_definitions(${target} PRIVATE MLFF_PLUGIN_LAMMPS_NUMBER=${number} MLFF_PLUGIN_STYLES="../libmlff_styles.so")
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME mlffplugin CXX_VISIBILITY_PRESET hidden
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${folder})
  mlff_target(${target})
endfunction()
