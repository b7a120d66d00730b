#!/usr/bin/env bash
# Exact samples of density-functional theory at 300 K, by PySCF on one core, beside those of
# GFN2-xTB: students, samples, a table, a picture.
#
#   ./run.sh [--json] [--only MOLECULE] [FOLDER]
#
# MOLECULE is ethanol or malonaldehyde. Works in FOLDER, by default the present one, and goes on
# where it was stopped. PYTHON names an interpreter that has pyscf, ase and matplotlib; without it
# run.sh makes an environment of its own in FOLDER/venv.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export OMP_NUM_THREADS=1

fail() { echo "run.sh: $*" >&2; exit 1; }
say() { echo "run.sh: $*" >&2; }

json="" folder=. only="ethanol malonaldehyde"
while [ $# -gt 0 ]; do
  case $1 in
    --json) json=--json ;;
    --only)
      only=${2:?run.sh: --only needs a molecule}
      shift
      ;;
    -*) fail "found '$1'; accepted: --json, --only MOLECULE, FOLDER" ;;
    *) folder=$1 ;;
  esac
  shift
done
for molecule in $only; do
  case $molecule in
    ethanol | malonaldehyde) ;;
    *) fail "no molecule '$molecule'; accepted: ethanol, malonaldehyde" ;;
  esac
done
for program in lmp mlff mlff-ase-client python3; do
  command -v $program > /dev/null || fail "no program $program in PATH (doc/guide/install.md)"
done
mkdir -p "$folder"
cd "$folder"
dft=$here/../few-labels/dft.py
. "$here/../few-labels/pyscf.sh"

# sampler NAME SMILES WORD...: a student, made once
sampler() {
  [ -e "$1/report.md" ] || say "$1: student"
  mlff make-sampler "$2" -o "$1" --no-plots -q "${@:3}" > /dev/null
}

# samples NAME PARTS MOVES: parts of a chain; those that are complete are kept
samples() {
  local k start="read_data -var start molecule.data"
  for ((k = 1; k <= $2; k++)); do
    if [ ! -e "$1/$k.restart" ]; then
      say "$1: samples, part $k of $2"
      (cd "$1" && lmp -in in.sample -screen none -log "log.$k" -var moves "$3" \
        -var begin $start -var restart partial.restart -var samples "$k.xyz" &&
        mv partial.restart "$k.restart")
    fi
    start="read_restart -var start $k.restart"
  done
}

# molecule NAME SMILES STUDENT PARTS: by PBE, and by GFN2-xTB
molecule() {
  sampler "$1-pbe" "$2" --student "$3" --minutes 30 --acceptance 0.95 --labels 200 --first-teacher gfn2 \
    --client "$client dft:DensityFunctional --kwargs '{\"functional\": \"pbe\"}'" --client-file "$dft" \
    --client-version "$client pyscf.dft:RKS --versions"
  samples "$1-pbe" "$4" 50
  sampler "$1-gfn2" "$2" --student "$3" --minutes 4
  samples "$1-gfn2" 4 500
}

for molecule in $only; do
  case $molecule in
    ethanol) molecule ethanol CCO molecule-mlp 12 ;;
    malonaldehyde) molecule malonaldehyde 'O=C/C=C\O' painn 6 ;;
  esac
done
"$python" "$here/table.py" $json $only
