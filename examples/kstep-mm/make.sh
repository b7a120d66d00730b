#!/usr/bin/env bash
# The jump networks of this example, opls-jump8.safetensors and gfnff-jump8.safetensors: some minutes of one core. What is there is kept.
#
# MLFF, LMP  programs (default ../../build/bin/mlff and lmp)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

mlff=${MLFF:-../../build/bin/mlff}
lmp=${LMP:-../../build/bin/lmp}
for program in "$mlff" "$lmp"; do
  [ -x "$program" ] || { echo "make.sh: no program '$program'; build it with ../../quickstart.sh --full, or set MLFF and LMP" >&2; exit 1; }
done

if [ ! -f opls-jump8.safetensors ]; then
  mkdir -p data
  seed=1
  for temperature in 300 400 500; do
    for part in train-a train-b valid test; do
      seed=$((seed + 1))
      [ -f "data/$part-$temperature.xyz" ] && continue
      rm -f data/part.xyz
      "$lmp" -in in.label -log none -screen none -var temperature $temperature -var seed $seed -var windows $([ $part = valid ] || [ $part = test ] && echo 4 || echo 12) -var output data/part.xyz
      mv data/part.xyz "data/$part-$temperature.xyz"
    done
  done
  "$mlff" train opls-jump8.yaml
fi
if [ ! -f gfnff-jump8.safetensors ]; then
  "$mlff" make-jump CCO --method gfnff --minutes 4 --jobs 1 --lmp "$lmp" -o gfnff
  cp gfnff/jump.safetensors gfnff-jump8.safetensors
fi
