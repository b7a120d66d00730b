# mlff_target(NAME): compile options of our own targets. LAMMPS is never touched by them.
function(mlff_target name)
  # -Wrestrict: g++ 12 reports std::string concatenation
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wno-unused-parameter -Wno-restrict
    # no program holds the path of the source tree
    -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
  if(MLFF_DEBUG)
    target_compile_options(${name} PRIVATE -Og -g -UNDEBUG -D_GLIBCXX_ASSERTIONS -fsanitize=address,undefined -fno-sanitize-recover=undefined)
    get_target_property(type ${name} TYPE)
    if(type STREQUAL "EXECUTABLE")
      mlff_keep_libraries(${name})
    endif()
  endif()
  if(MLFF_COVERAGE)
    target_compile_options(${name} PRIVATE -O1 --coverage)
  endif()
endfunction()

# mlff_keep_libraries(NAME): a program that never unloads a library, so that reports of leaks can name the library that leaked.
function(mlff_keep_libraries name)
  target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/unittest/support/keep_libraries.cpp)
  target_link_options(${name} PRIVATE -Wl,--export-dynamic-symbol=dlclose)
endfunction()

# mlff_build_fast(NAME HEADER...): for who installs a wheel and waits for the compiler: headers that take longer than the files around them
# are read once, and the files of a folder are compiled together; a folder with many files in three groups, which several cores share. A
# build with ccache, which then would find less, does neither.
function(mlff_build_fast name)
  if(NOT MLFF_PLUGIN OR CCACHE)
    return()
  endif()
  target_precompile_headers(${name} PRIVATE ${ARGN})
  set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${name} SOURCES)
  foreach(source ${sources})
    get_filename_component(folder ${source} DIRECTORY)
    file(GLOB siblings ${folder}/*.cpp)
    list(LENGTH siblings n)
    get_filename_component(group "${folder}" NAME)
    if(n GREATER 10)
      list(FIND siblings ${source} place)
      math(EXPR place "${place} % 3")
      string(APPEND group _${place})
    endif()
    if(group AND source MATCHES "\\.cpp$")
      set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
    endif()
  endforeach()
endfunction()
