# Installs a build, moves the tree, and uses it: cmake -D build=BUILD -D source=SOURCE -D work=FOLDER -P check_install.cmake
# A consumer must find, link and run the library; programs must find their files; no binary may hold the path of the source tree.
cmake_minimum_required(VERSION 3.25)

# run(PATTERN WORD...): fails unless the command succeeds and its output matches; leaves the output in `output`
function(run pattern)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE found ERROR_VARIABLE found RESULT_VARIABLE status WORKING_DIRECTORY ${work})
  if(NOT status EQUAL 0 OR NOT found MATCHES "${pattern}")
    list(JOIN ARGN " " line)
    message(FATAL_ERROR "'${line}' ended with ${status}; its output should match '${pattern}':\n${found}")
  endif()
  set(output "${found}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${work})
file(MAKE_DIRECTORY ${work})
foreach(variable MLFF_POTENTIALS LAMMPS_POTENTIALS LD_LIBRARY_PATH)
  unset(ENV{${variable}})
endforeach()
run("" ${CMAKE_COMMAND} --install ${build} --prefix ${work}/first)
file(RENAME ${work}/first ${work}/moved)
set(tree ${work}/moved)

# the package from elsewhere
run("" ${CMAKE_COMMAND} -S ${source}/unittest/consumer -B ${work}/consumer -G Ninja -D CMAKE_BUILD_TYPE=Release -D CMAKE_PREFIX_PATH=${tree} -D CMAKE_CXX_COMPILER=${compiler})
run("" ${CMAKE_COMMAND} --build ${work}/consumer)
run("energy -4209\\.8917456[0-9]+\nforce 2\\.28653" ${work}/consumer/consumer ethanol-rmd17-painn32.safetensors)

# the programs
run("^mlff ${version}.*\nLAMMPS [0-9]+ [A-Z][a-z]+ [0-9]+\nLibTorch .*\nxtb " ${tree}/bin/mlff --version)
run("ethanol-rmd17-painn32" ${tree}/bin/mlff info ethanol-rmd17-painn32.safetensors)
run("Potentials can be run with LAMMPS here" ${tree}/bin/mlff doctor)
foreach(script bash-completion/completions/mlff zsh/site-functions/_mlff fish/vendor_completions.d/mlff.fish)
  if(NOT EXISTS ${tree}/share/${script})
    message(FATAL_ERROR "share/${script} is not installed")
  endif()
endforeach()
run("mlff.*kstep/hybrid|kstep/hybrid.*mlff" ${tree}/bin/lmp -h)
file(WRITE ${work}/in.ethanol "units metal\natom_style atomic\natom_modify map array\nboundary f f f\nread_data ${source}/examples/ethanol/ethanol.data\n"
  "pair_style mlff engine host\npair_coeff * * ethanol-rmd17-painn32.safetensors C O H\nrun 0\n")
run("\nmlff ${version}" ${tree}/bin/lmp -in in.ethanol -log log.ethanol)
if(NOT output MATCHES "Total wall time")
  message(FATAL_ERROR "lmp did not end:\n${output}")
endif()
file(READ ${work}/log.ethanol log)
string(REGEX MATCHALL "\nmlff ${version}" lines "${log}")
list(LENGTH lines n)
if(NOT n EQUAL 1)
  message(FATAL_ERROR "log.ethanol holds ${n} lines with the version of mlff; expected one")
endif()

# an environment variable comes before what was installed
file(MAKE_DIRECTORY ${work}/named)
file(COPY_FILE ${tree}/share/mlff/potentials/ethanol-rmd17-painn32.safetensors ${work}/named/elsewhere.safetensors)
set(ENV{MLFF_POTENTIALS} ${work}/named)
run("" ${tree}/bin/mlff info elsewhere.safetensors)

# paths of the source tree and of the build folder
file(GLOB binaries ${tree}/bin/* ${tree}/lib/*.so*)
foreach(binary ${binaries})
  foreach(path ${source} ${build})
    file(STRINGS ${binary} lines REGEX "${path}/")
    if(lines)
      list(GET lines 0 line)
      message(FATAL_ERROR "${binary} holds the path ${path}: ${line}")
    endif()
  endforeach()
endforeach()
file(REMOVE_RECURSE ${work})
