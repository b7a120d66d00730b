# Finds the LibTorch inside the torch Python package: CMAKE_PREFIX_PATH first, then the virtual environment that quickstart.sh keeps.
set(MLFF_TORCH_VERSION 2.13.0)
set(MLFF_PYTHON ${MLFF_CACHE}/venv-torch-${MLFF_TORCH_VERSION}/bin/python CACHE FILEPATH "Python with the torch package")
if(SKBUILD)
  # pip hides the environment that it installs into from the build, but the package may be there
  execute_process(COMMAND ${MLFF_PYTHON} -c "import sysconfig; print(sysconfig.get_path('platlib'))" OUTPUT_VARIABLE packages OUTPUT_STRIP_TRAILING_WHITESPACE)
  list(APPEND CMAKE_PREFIX_PATH ${packages}/torch/share/cmake)
elseif(NOT Torch_DIR AND EXISTS ${MLFF_PYTHON})
  execute_process(COMMAND ${MLFF_PYTHON} -c "import importlib.util as u, pathlib as p; print(p.Path(u.find_spec('torch').origin).parent / 'share' / 'cmake')"
    OUTPUT_VARIABLE torch_cmake OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  list(APPEND CMAKE_PREFIX_PATH ${torch_cmake})
endif()
find_package(Torch ${MLFF_TORCH_VERSION} QUIET)
if(Torch_FOUND)
  set(MLFF_TORCH ON)
elseif(MLFF_TORCH STREQUAL "AUTO")
  set(MLFF_TORCH OFF)
  message(STATUS "No LibTorch ${MLFF_TORCH_VERSION} here: its engine is left out")
  return()
else()
  message(FATAL_ERROR "LibTorch ${MLFF_TORCH_VERSION} was not found. Run ./quickstart.sh, which installs it, or give "
    "-D MLFF_PYTHON=<python that has torch==${MLFF_TORCH_VERSION}>, or build without it: -D MLFF_TORCH=OFF.")
endif()
message(STATUS "LibTorch ${Torch_VERSION}: ${TORCH_INSTALL_PREFIX}")
