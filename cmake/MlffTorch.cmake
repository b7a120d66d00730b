# Finds the LibTorch inside the torch Python package: CMAKE_PREFIX_PATH first, then the virtual environment that quickstart.sh keeps.
set(MLFF_TORCH_VERSION 2.13.0)
set(MLFF_PYTHON ${MLFF_CACHE}/venv-torch-${MLFF_TORCH_VERSION}/bin/python CACHE FILEPATH "Python with the torch package")
if(NOT Torch_DIR AND EXISTS ${MLFF_PYTHON})
  execute_process(COMMAND ${MLFF_PYTHON} -c "import importlib.util as u, pathlib as p; print(p.Path(u.find_spec('torch').origin).parent / 'share' / 'cmake')"
    OUTPUT_VARIABLE torch_cmake OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  list(APPEND CMAKE_PREFIX_PATH ${torch_cmake})
endif()
find_package(Torch ${MLFF_TORCH_VERSION} QUIET)
if(NOT Torch_FOUND)
  message(FATAL_ERROR "LibTorch ${MLFF_TORCH_VERSION} was not found. Run ./quickstart.sh, which installs it, or give "
    "-D MLFF_PYTHON=<python that has torch==${MLFF_TORCH_VERSION}>, or build without it: -D MLFF_TORCH=OFF.")
endif()
message(STATUS "LibTorch ${Torch_VERSION}: ${TORCH_INSTALL_PREFIX}")
