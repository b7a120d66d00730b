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

# For who installs a wheel and waits for the compiler, and for tests on a machine that has built nothing yet. Builds after changes are
# faster without, and with ccache, which then finds less.
if(MLFF_PLUGIN AND NOT CCACHE)
  set(fast ON)
else()
  set(fast OFF)
endif()
option(MLFF_FAST_BUILD "Read headers once and compile the files of a folder together: a first build takes half the time" ${fast})

# mlff_read_once(NAME HEADER...): headers that take longer than the files around them are read once for all of a target, or with REUSE_FROM
# ANOTHER for both.
function(mlff_read_once name)
  if(NOT MLFF_FAST_BUILD)
    return()
  elseif(ARGV1 STREQUAL "REUSE_FROM")
    target_precompile_headers(${name} ${ARGN})
  else()
    target_precompile_headers(${name} PRIVATE ${ARGN})
  endif()
endfunction()

# mlff_unite(NAME REGEX): sources of a target whose names match are compiled together by folder; a folder with many files in three groups,
# which several cores share.
function(mlff_unite name regex)
  if(NOT MLFF_FAST_BUILD)
    return()
  endif()
  set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${name} SOURCES)
  list(FILTER sources INCLUDE REGEX "${regex}")
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
    if(group)
      set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
    endif()
  endforeach()
endfunction()
