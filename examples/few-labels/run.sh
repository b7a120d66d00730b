#!/usr/bin/env bash
# A potential from 100 labels of DFT by PySCF, trained from nothing and after GFN2-xTB: frames,
# labels, trainings, comparison.
#
#   ./run.sh [FOLDER]      works in FOLDER, by default the present one; goes on where it was stopped
#
# PYTHON names an interpreter that has pyscf, ase and matplotlib; without it run.sh makes an
# environment of its own in FOLDER/venv.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export OMP_NUM_THREADS=1

fail() { echo "run.sh: $*" >&2; exit 1; }
say() { echo "run.sh: $*"; }

for program in lmp mlff mlff-ase-client python3; do
  command -v $program > /dev/null || fail "no program $program in PATH (doc/guide/install.md)"
done
mkdir -p "${1:-.}"
cd "${1:-.}"
cp -n "$here"/*.yaml . 2> /dev/null || true

. "$here/pyscf.sh"

# once FILE COMMAND...: the command writes FILE.partial; a FILE that is there is kept
once() {
  local file=$1
  [ ! -e "$file" ] || return 0
  say "$file"
  rm -f "$file.partial"
  timed "$@"
  mv "$file.partial" "$file"
}

# timed NAME COMMAND...: adds a line with the seconds of user and system to the file times
timed() {
  local name=$1 TIMEFORMAT="$1 %U %S"
  shift
  { time "$@" 2>&3; } 3>&2 2>> times
}

# label OUTPUT FRAMES WORD...: labels that are complete are kept; those of a run that was stopped go
# on
label() {
  [ ! -e "$1" ] || return 0
  say "$1"
  timed "$1" mlff label --structures "$2" -o "$1" "${@:3}"
}

dft() {
  label "$1" "$2" --client "$client dft:DensityFunctional" --client-file "$here/dft.py" \
    --client-version "$client pyscf.dft:RKS --versions"
}

# dynamics OUTPUT TEMPERATURE SEED FRAMES: GFN2-xTB, a frame every 100 fs
dynamics() {
  once "$1" lmp -in "$here/../label/in.langevin" -log none -screen none \
    -var data malonaldehyde.data -var temperature "$2" -var seed "$3" -var frames "$4" \
    -var every 200 -var output "$1.partial"
}

# of twenty conformers the lowest, which has the hydrogen bond
[ -e malonaldehyde.data ] || mlff molecule 'O=C/C=C\O' --conformers 20 -o malonaldehyde.data
once start.xyz lmp -in "$here/in.start" -log none -screen none -var output start.xyz.partial
dynamics train.xyz 300 1 100
dynamics test-300.xyz 300 2 40
dynamics test-600.xyz 600 3 40
[ -e scan.xyz ] || "$python" "$here/scan.py" start.xyz 20 scan.xyz
for name in scan train test-300 test-600; do dft $name-dft.xyz $name.xyz; done

# many cheap frames: geometries far from each other, and hot dynamics from twelve conformers
cheap() {
  if [ ! -e "$1.complete" ]; then
    say "$1"
    timed "$1" mlff label --molecule 'O=C/C=C\O' --seed 1 --jobs 1 -q -o "$@"
    touch "$1.complete"
  fi
}
cheap wide --sampling wide --frames 3000
cheap hot --temperature 600 1000 1500 --trajectories 4 --frames 125 --every 20

for name in nothing nothing-long after replay; do
  if [ ! -e $name.safetensors ]; then
    say "training $name"
    timed $name mlff train --no-plots -q $name.yaml
  fi
done
"$python" "$here/table.py" . few-labels.png
