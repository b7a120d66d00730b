#!/usr/bin/env bash
# Labels alone against distillation, and sizes: trains everything that is not there yet and prints a table. See doc/studies/distillation.md.
#
#   ./study.sh FOLDER TRAIN.npz TEST.npz TEACHER_FRAMES.xyz...
#
# TEACHER_FRAMES are frames labelled by the teachers (README.md). Each run has the same number of steps; runs that are complete are not repeated.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mlff=${MLFF:-$here/../../build/bin/mlff}
steps=${STEPS:-12000}
[ $# -ge 4 ] || { sed -n 4,6p "$0"; exit 1; }
folder=$1 train=$(realpath "$2") test=$(realpath "$3")
shift 3
teacher=$(realpath "$@" | paste -sd,)
mkdir -p "$folder"
cd "$folder"
export OMP_NUM_THREADS=1

# run NAME FEATURES LABELLED_FRAMES SEED distilled|labels
run() {
  local more=
  [ "$5" = labels ] || more="    - {file: [$teacher]}"
  cat > "$1.yaml" <<END
model: {features: $2, layers: 2, radial: 20, cutoff: 5.0}
data:
  train:
    - {file: $train, frames: $3}
$more
  valid_fraction: 0.05
loss: {energy: {weight: 0.1}, force: {weight: 1.0, kind: huber, delta: 0.02}}
training: {steps: $steps, batch_atoms: 90, validate_every: 1000, learning_rate: 3.0e-3, final_learning_rate: 1.0e-6, seed: $4}
output: $1.safetensors
END
  [ -f "$1.safetensors" ] || "$mlff" train --no-plots "$1.yaml" > "$1.log" 2>&1
  [ -s "$1.json" ] || { "$mlff" eval --json --threads 1 --model "$1.safetensors" --data "$test" > "$1.part" 2> /dev/null && mv "$1.part" "$1.json"; }
}

for seed in 1 2 3; do
  for frames in 100 50 300 1000; do
    for kind in labels distilled; do run "F32-$frames-$kind-$seed" 32 $frames $seed $kind; done
  done
done
for features in 16 64 128; do
  for kind in labels distilled; do run "F$features-1000-$kind-1" $features 1000 1 $kind; done
done
grep -H '"force_mae_meV_per_A"' ./*.json | grep -v '    ' | sed 's/^.\///; s/\.json:.*: / /; s/,$//' | sort -V
