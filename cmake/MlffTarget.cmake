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
