# Shared by quickstart.sh and test.sh (sourced, not run): installs what is missing, fetches LAMMPS, configures and builds. This is the
# full build; the one without LAMMPS is in wheel_road.sh.
#
# Settings from the environment:
#   LAMMPS_SOURCE_DIR  an existing LAMMPS tree instead of a download
#   MLFF_CACHE         what is kept between builds (default ${XDG_CACHE_HOME:-~/.cache}/mlff)
#   MLFF_TORCH=OFF     build without LibTorch
#   MLFF_LAMMPS_PACKAGES  LAMMPS packages to build besides those that are needed, separated by semicolons
#   MLFF_LAMMPS_KOKKOS=few  of the Kokkos styles of LAMMPS those alone that tests need
#   MLFF_FAST_BUILD    ON: a short first build, of which other build folders have nothing, as ccache keeps
#                      nothing of it (what quickstart.sh --full does on a machine that has built nothing)
#   MLFF_BUILD         build folder (default: build in the checkout)

program=$(basename "$0")
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export MLFF_CACHE=${MLFF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mlff}
build=${MLFF_BUILD:-$top/build}
torch_version=2.13.0
# of the tests
ase_version=3.29.0
extxyz_version=0.4.6
tblite_version=0.8.0
nanobind_version=3.1.0
venv=$MLFF_CACHE/venv-torch-$torch_version
use_torch=${MLFF_TORCH:-ON}
python=python3
# containers run as root with few slots; both are harmless elsewhere
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

say() { printf '\n== %s\n' "$*"; }
die() { printf '\n%s: %s\n' "$program" "$*" >&2; exit 1; }

# a step that failed although everything was there: a full disk is the usual reason
explain() {
  local folder
  for folder in "$MLFF_CACHE" "$build"; do
    if [ -d "$folder" ] && [ "$(df -Pk "$folder" | awk 'NR == 2 {print $4}')" -lt 102400 ]; then
      die "the disk of '$folder' is full: $(df -Ph "$folder" | awk 'NR == 2 {print $4}') left; free some space and run this again, it continues where it stopped."
    fi
  done
  die "$1"
}

# need_space FOLDER KIB WHAT
need_space() {
  local free
  mkdir -p "$1" 2>/dev/null || die "cannot create the folder '$1'; set MLFF_CACHE or MLFF_BUILD to a folder you can write."
  free=$(df -Pk "$1" | awk 'NR == 2 {print $4}')
  [ "$free" -ge "$2" ] || die "$3 needs $(($2 / 1024)) MiB in '$1', which has $((free / 1024)) MiB left; free some space, or set MLFF_CACHE or MLFF_BUILD."
}

# Debian packages of every build. Each line: package, and a file that proves it is there on any system.
common_packages() {
  cat <<END
g++ command:${CXX:-c++}
cmake command:cmake
ninja-build command:ninja
python3 command:python3
nlohmann-json3-dev header:nlohmann/json.hpp
libcli11-dev header:CLI/CLI.hpp
libspdlog-dev header:spdlog/spdlog.h
libzip-dev header:zip.h
libyaml-cpp-dev header:yaml-cpp/yaml.h
libfftw3-dev header:fftw3.h
libssl-dev header:openssl/evp.h
pkg-config command:pkg-config
libxtb-dev header:xtb.h
librdkit-dev header:rdkit/RDGeneral/RDConfig.h
libboost-dev header:boost/shared_ptr.hpp
END
  python_header_package
}

# those of the full build and its tests
packages() {
  common_packages
  cat <<END
ccache command:ccache
curl command:curl
xz-utils command:xz
libopenmpi-dev command:mpicxx
openmpi-bin command:mpirun
libyaml-dev header:yaml.h
libgtest-dev header:gtest/gtest.h
libgmock-dev header:gmock/gmock.h
END
}

# the header that extensions of python3 are compiled with
python_header() {
  python3 -c 'import sysconfig; print(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null
}

# its package; a Python that is not the system's has its own
python_header_package() {
  case $(command -v python3) in
    '' | /usr/bin/python3) echo "python3-dev file:$(python_header)" ;;
  esac
}

# missing_packages LIST: LIST is a function that prints lines as packages does
missing_packages() {
  local package proof
  while read -r package proof; do
    case $proof in
      command:*) command -v "${proof#command:}" >/dev/null || echo "$package" ;;
      file:*) [ -e "${proof#file:}" ] || echo "$package" ;;
      header:*) printf '#include <%s>\n' "${proof#header:}" | "${CXX:-c++}" -std=c++20 -M -x c++ - >/dev/null 2>&1 || echo "$package" ;;
    esac
  done < <("$1")
}

# ensure_packages [LIST]: installs what is missing of a list, by default that of the build
ensure_packages() {
  local list=${1:-packages} missing sudo=
  [ -z "${CXX:-}" ] || command -v "$CXX" >/dev/null || die "no compiler '$CXX', which CXX names; unset CXX or give a C++20 compiler such as g++ 11 or newer."
  missing=$(missing_packages "$list" | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || die "these are missing and this system has no apt-get to install them: $missing"
  if [ "$(id -u)" != 0 ]; then
    sudo=sudo
    { command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; } ||
      die "these packages are missing, and only root can install them: apt-get install $missing"
  fi
  say "installing $missing"
  # an old list may name packages that are gone; a list that cannot be refreshed may still do
  $sudo apt-get update -qq || true
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
    explain "apt-get could not install: $missing (is the network reachable?)"
  missing=$(missing_packages "$list" | tr '\n' ' ')
  [ -z "$missing" ] || die "still missing after their installation: $missing"
}

ensure_compiler() {
  local version
  version=$("${CXX:-c++}" -dumpfullversion -dumpversion 2>/dev/null) || die "no C++ compiler works: tried '${CXX:-c++}'; install g++ 11 or newer, or set CXX."
  printf '#include <span>\nint main() { return int(std::span<int>().size()); }\n' | "${CXX:-c++}" -std=c++20 -fsyntax-only -x c++ - 2>/dev/null ||
    die "the compiler '${CXX:-c++}' ($version) cannot compile C++20; use g++ 11 or newer."
}

# make_venv FOLDER: an empty virtual environment in place of what is there
make_venv() {
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || die "Python 3.10 or newer is needed; found $(python3 --version)."
  rm -rf "$1"
  if ! python3 -m venv "$1" >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      apt-get install -y -qq --no-install-recommends python3-venv >/dev/null || die "python3 has no venv module, and python3-venv cannot be installed."
      rm -rf "$1"
    fi
    python3 -m venv "$1" || die "python3 cannot make a virtual environment; install the package python3-venv."
  fi
}

# ensure_python TESTS: the virtual environment: torch for the engine, matplotlib for the pictures, and for the tests programs that write
# extended XYZ, and what builds and tests the Python module
ensure_python() {
  local wanted=(matplotlib) for_tests=() package missing=
  if [ "$1" = ON ]; then
    for_tests=("ase==$ase_version" "extxyz==$extxyz_version" "tblite==$tblite_version" "nanobind==$nanobind_version" pytest)
  fi
  if [ "$use_torch" = ON ]; then
    wanted+=("torch==$torch_version")
  else
    venv=$MLFF_CACHE/venv-plain
  fi
  python=$venv/bin/python
  # two set-ups at once would build the environment on top of each other
  mkdir -p "$MLFF_CACHE" 2>/dev/null || die "cannot create the cache folder '$MLFF_CACHE'; set MLFF_CACHE to a folder you can write."
  exec 8> "$MLFF_CACHE/.lock-python"
  if command -v flock >/dev/null; then flock 8; fi
  if [ -f "$venv/.complete" ] && "$python" -c pass 2>/dev/null; then
    # what later versions want besides is listed in the file
    for package in "${for_tests[@]}"; do
      grep -qxF "$package" "$venv/.complete" || missing="$missing $package"
    done
    [ -z "$missing" ] || install_for_tests $missing
    exec 8>&-
    return 0
  fi
  say "installing ${wanted[*]} into $venv"
  need_space "$MLFF_CACHE" 3000000 "the Python environment"
  make_venv "$venv"
  "$python" -m pip install --quiet --disable-pip-version-check "${wanted[@]}" ||
    explain "pip could not install ${wanted[*]} (is the network reachable?)"
  printf '%s\n' "${wanted[@]}" > "$venv/.complete"
  [ ${#for_tests[@]} = 0 ] || install_for_tests "${for_tests[@]}"
  exec 8>&-
}

# install_for_tests PACKAGE...: without them the tests that need them are skipped
install_for_tests() {
  local package
  say "installing $* into $venv for the tests"
  # one by one, as some have no build for some machines
  for package; do
    if "$python" -m pip install --quiet --disable-pip-version-check "$package"; then
      printf '%s\n' "$package" >> "$venv/.complete"
    else
      say "pip could not install $package: the tests that need it are skipped"
    fi
  done
}

# python_module TESTS: ON if the Python module can be built to be tested
python_module() {
  if [ "$1" = ON ] && [ -e "$(python_header)" ] && "$python" -c 'import nanobind, numpy, pytest' 2>/dev/null; then
    echo ON
  else
    echo OFF
  fi
}

# as many at a time as there are cores, up to eight
tests_at_a_time() {
  local cores
  cores=$(nproc 2>/dev/null || echo 2)
  echo $((cores > 8 ? 8 : cores))
}

# configure_and_build TESTS TARGET...
configure_and_build() {
  local tests=$1 module options=()
  shift
  case ${MLFF_FAST_BUILD:-OFF} in
    ON) options+=(-D MLFF_FAST_BUILD=ON -D CCACHE=) ;;
    OFF) ;;
    *) die "MLFF_FAST_BUILD is '$MLFF_FAST_BUILD'; accepted: ON, OFF" ;;
  esac
  if [ -n "${MLFF_LAMMPS_KOKKOS:-}" ]; then options+=(-D MLFF_LAMMPS_KOKKOS="$MLFF_LAMMPS_KOKKOS"); fi
  if [ -n "${MLFF_LAMMPS_PACKAGES+set}" ]; then
    options+=(-D MLFF_LAMMPS_PACKAGES="$MLFF_LAMMPS_PACKAGES")
  fi
  ensure_packages
  ensure_compiler
  ensure_python "$tests"
  module=$(python_module "$tests")
  [ "$tests$module" != ONOFF ] || say "the Python module is not tested here: it needs nanobind, pytest, and $(python_header)"
  LAMMPS_SOURCE_DIR=$("$top/cmake/fetch-lammps.sh") || exit 1
  [ -d "$build/lammps" ] || need_space "$build" 1500000 "the build"
  say "configuring in $build (LAMMPS in $LAMMPS_SOURCE_DIR)"
  mkdir -p "$build"
  (cd "$top" && cmake --preset default -B "$build" -D LAMMPS_SOURCE_DIR="$LAMMPS_SOURCE_DIR" -D MLFF_CACHE="$MLFF_CACHE" \
    -D MLFF_PYTHON="$python" -D MLFF_TORCH="$use_torch" -D MLFF_TESTS="$tests" -D MLFF_PYTHON_MODULE="$module" \
    "${options[@]}") > "$build/configure.log" 2>&1 ||
    { tail -25 "$build/configure.log" >&2; explain "cmake stopped; the lines above and $build/configure.log say why."; }
  say "building (the first time some twenty minutes on two cores)"
  NINJA_STATUS="[%f/%t, %es] " ninja -C "$build" "$@" || explain "the build stopped; the lines above say why."
}
