#!/usr/bin/env bash
# Distils liquid water from the universal model 7net-0: classical dynamics, labels of some of its frames, mlff distill, a longer
# training, dynamics of the student, and what the teacher says of its frames.
#
#   ./run.sh [FOLDER]      works in FOLDER, by default the present one; goes on where it was stopped
#
# PYTHON names the interpreter that has sevenn and ase, TEACHER another client of the i-PI protocol.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for program in lmp mlff mlff-ase-client; do
  command -v $program > /dev/null || { echo "run.sh: no program $program in PATH (doc/guide/install.md)" >&2; exit 1; }
done
mkdir -p "${1:-.}"
cd "${1:-.}"
cp -n "$here"/{water.mol,in.classical,in.water,water.yaml,water-7net0-painn32.yaml} . 2>/dev/null || true
teacher=${TEACHER:-}
if [ -z "$teacher" ]; then
  teacher="${PYTHON:-python3} $(command -v mlff-ase-client) sevenn.calculator:SevenNetCalculator"
  teacher+=" --kwargs '{\"model\": \"7net-0\", \"device\": \"cpu\"}'"
fi
atoms=192    # of 64 molecules

# liquids and vapours of several densities by a flexible classical model, and the liquid at room temperature
if [ ! -e classical.xyz ]; then
  lmp -log none -in in.classical -var output classical.partial
  mv classical.partial classical.xyz
fi
tail -n $((atoms + 2)) classical.xyz > liquid.xyz
[ -e half.xyz ] || awk -v n=$((atoms + 2)) 'int((NR - 1) / n) % 2 == 0' classical.xyz > half.xyz
label() { [ -e "$2" ] || mlff label --structures "$1" --client "$teacher" -o "$2" "${@:3}"; }
label half.xyz classical-labelled.xyz --units real

# what students meet on their own way, cold and hot, at no pressure and compressed
sed -i "s|^  client: .*|  client: >-|; /^    mlff-ase-client/c\\    $teacher" water.yaml
mlff distill water.yaml
[ -e water-7net0-painn32.safetensors ] || mlff train water-7net0-painn32.yaml

# 100 ps at 300 K and 1 bar, and what the teacher says of 50 of its frames
if [ ! -e npt.xyz ]; then
  lmp -log log.npt -in in.water -var output npt.partial
  mv npt.partial npt.xyz
fi
label npt.xyz npt-labelled.xyz
[ -e npt-student.xyz ] || mlff eval --model water-7net0-painn32.safetensors --data npt-labelled.xyz -o npt-student.xyz
grep "^density [0-9]" log.npt
