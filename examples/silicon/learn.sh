#!/usr/bin/env bash
# Silicon from DFT: frames of the training set displaced, and a melt, labelled by the universal model 7net-0, teach the network first;
# then the training set itself, and what the result says of its test set and of the crystal.
#
#   ./learn.sh [FOLDER]     works in FOLDER, by default the present one; goes on where it was stopped
#
# FOLDER holds training.json and test.json of data/Si of the repository materialsvirtuallab/mlearn. PYTHON names the interpreter that has
# sevenn and ase, TEACHER another client of the i-PI protocol.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for program in lmp mlff mlff-ase-client; do
  command -v $program > /dev/null || { echo "learn.sh: no program $program in PATH (doc/guide/install.md)" >&2; exit 1; }
done
mkdir -p "${1:-.}"
cd "${1:-.}"
python=${PYTHON:-python3}
cp -n "$here"/{Si.sw,in.melt,silicon-mlearn-painn64.yaml} . 2>/dev/null || true
for set in training test; do
  [ -e Si_$set.xyz ] || $python "$here/mlearn.py" $set.json Si_$set.xyz
done
teacher=${TEACHER:-}
if [ -z "$teacher" ]; then
  teacher="$python $(command -v mlff-ase-client) sevenn.calculator:SevenNetCalculator"
  teacher+=" --kwargs '{\"model\": \"7net-0\", \"device\": \"cpu\"}'"
fi

# crystals from 300 to 1600 K, then melts: of 5000 K, brought to 1500 to 5000 K
run=0
sample() {    # TEMPERATURE SCALE MELT STEPS
  run=$((run + 1))
  [ -e melt-$run.lammpstrj ] && return
  lmp -log none -screen none -in in.melt -var temperature "$1" -var scale "$2" -var melt "$3" -var seed $((7000 + run)) -var steps "$4" \
    -var frames melt.partial
  mv melt.partial melt-$run.lammpstrj
}
for temperature in 300 700 1200 1600; do
  for scale in 0.97 0.985 1.0 1.015 1.03; do sample $temperature $scale $temperature 2000; done
done
for temperature in 1500 2000 2500 3500 5000; do
  for scale in 0.92 0.945 0.97 0.985 1.0 1.03; do sample $temperature $scale 5000 6000; done
done
[ -e around.xyz ] || $python "$here/frames.py" around Si_training.xyz
[ -e melt.xyz ] || $python "$here/frames.py" melt $(ls -v melt-*.lammpstrj)
for frames in around melt; do
  [ -e $frames-7net.xyz ] || mlff label --structures $frames.xyz --client "$teacher" -o $frames-7net.xyz
done

[ -e silicon-mlearn-painn64.safetensors ] || mlff train silicon-mlearn-painn64.yaml
mlff eval --model silicon-mlearn-painn64.safetensors --data Si_test.xyz
