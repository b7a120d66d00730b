# mlff_target(NAME): compile options of our own targets. LAMMPS is never touched by them.
function(mlff_target name)
  # -Wrestrict: g++ 12 reports std::string concatenation
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wno-unused-parameter -Wno-restrict
    # no program holds the path of the source tree
    -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
  if(MLFF_DEBUG)
    target_compile_options(${name} PRIVATE -Og -g -UNDEBUG -D_GLIBCXX_ASSERTIONS -fsanitize=address,undefined -fno-sanitize-recover=undefined)
  endif()
  if(MLFF_COVERAGE)
    target_compile_options(${name} PRIVATE -O1 --coverage)
  endif()
endfunction()
