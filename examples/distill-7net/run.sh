#!/usr/bin/env bash
# Distils sodium chloride from the universal model 7net-0: frames, labels, student, its dynamics, labels of these, student, comparison.
#
#   ./run.sh [FOLDER]      works in FOLDER, by default the present one; goes on where it was stopped
#
# TEACHER names another client of the i-PI protocol, PYTHON the interpreter that has sevenn and ase.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for program in lmp mlff mlff-ase-client; do
  command -v $program > /dev/null || { echo "run.sh: no program $program in PATH (doc/guide/install.md)" >&2; exit 1; }
done
mkdir -p "${1:-.}"
cd "${1:-.}"
cp -n "$here"/{salt.xyz,in.salt,student.yaml,nacl-7net0-painn32.yaml} . 2>/dev/null || true
teacher=${TEACHER:-}
if [ -z "$teacher" ]; then
  teacher="${PYTHON:-python3} $(command -v mlff-ase-client) sevenn.calculator:SevenNetCalculator"
  teacher+=" --kwargs '{\"model\": \"7net-0\", \"device\": \"cpu\"}'"
fi

label() { [ -e "$2" ] || mlff label --structures "$1" --client "$teacher" "${@:3}" -o "$2"; }

# crystals that are displaced, strained, compressed and expanded
label salt.xyz start.xyz --repeat 2 2 2 --rattle 0.12 --strain 0.02 --volume 0.85 1.25 --frames 120
[ -e student.safetensors ] || mlff train student.yaml

# what the student meets on its own way, from cold to nearly molten
if [ ! -e hot.xyz ]; then
  for temperature in 300 600 900 1200; do
    lmp -log none -in in.salt -var potential student.safetensors -var temperature $temperature -var seed 1$temperature \
      -var output hot-$temperature.xyz
  done
  cat hot-{300,600,900,1200}.xyz > hot.partial
  mv hot.partial hot.xyz
fi
label hot.xyz hot-labelled.xyz
[ -e nacl-7net0-painn32.safetensors ] || mlff train nacl-7net0-painn32.yaml

# its dynamics at 300 K, and what the teacher says of them
if [ ! -e met.xyz ]; then
  lmp -log log.met -in in.salt -var potential nacl-7net0-painn32.safetensors -var output met.partial
  mv met.partial met.xyz
fi
label met.xyz met-labelled.xyz
mlff eval --model nacl-7net0-painn32.safetensors --data met-labelled.xyz -o met-student.xyz --force
grep "lattice constant" log.met
