#!/usr/bin/env bash
# Programs of density-functional theory as forces of LAMMPS and as teachers: silicon by CP2K, water by NWChem.
#
#   ./run.sh [FOLDER]      works in FOLDER, by default the present one; goes on where it was stopped
#
# Installs the Debian packages cp2k and nwchem where they are missing and the user may. CLIENTS: how many clients label at a time (2).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
clients=${CLIENTS:-2}
export OMP_NUM_THREADS=1

fail() { echo "run.sh: $*" >&2; exit 1; }
say() { echo "run.sh: $*"; }

for program in lmp mlff python3; do
  command -v $program > /dev/null || fail "no program $program in PATH (doc/guide/install.md)"
done
# lmp -h tells nothing of styles of a plugin
printf '%s\n' 'units metal' 'region box block 0 1 0 1 0 1' 'create_box 1 box' 'pair_style ipi' |
  lmp -log none -screen none > /dev/null 2>&1 || fail "$(command -v lmp) has no pair_style ipi (doc/guide/install.md)"
missing=()
command -v cp2k.psmp > /dev/null || missing+=(cp2k)
command -v nwchem > /dev/null || missing+=(nwchem)
if [ ${#missing[@]} != 0 ]; then
  [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null ||
    fail "missing: ${missing[*]}; as root: apt-get install ${missing[*]}"
  say "installing ${missing[*]}"
  apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null ||
    fail "apt-get could not install ${missing[*]}; is 'apt-get update' needed?"
fi

mkdir -p "${1:-.}"
cd "${1:-.}"
cp -n "$here"/{silicon.xyz,silicon.inp,in.silicon,water.xyz,water.nw,in.water,water.yaml} . 2> /dev/null || true

# once FILE COMMAND...: the command writes FILE.partial; a FILE that is there is kept
once() {
  local file=$1
  shift
  [ -e "$file" ] || { "$@" && mv "$file.partial" "$file"; }
}

# label OUTPUT WORD...: labels that are complete are kept; those of a run that was stopped go on
label() { [ -e "$1" ] || mlff label -o "$1" --clients "$clients" "${@:2}"; }

say "silicon by CP2K in LAMMPS"
once log.silicon lmp -in in.silicon -log log.silicon.partial
say "frames of silicon, labelled by CP2K"
label silicon-labelled.xyz --structures silicon.xyz --rattle 0.05 --volume 0.95 1.05 --frames 6 \
  --client 'cp2k.psmp -i silicon.inp' --client-file silicon.inp --client-version 'cp2k.psmp --version | head -1'
python3 "$here/check.py" silicon.inp silicon-labelled.xyz

say "water by NWChem in LAMMPS"
once log.water lmp -in in.water -log log.water.partial
say "frames of water, labelled by NWChem"
label water-labelled.xyz --structures water.xyz --rattle 0.05 --frames 80 --client 'nwchem water.nw' --client-file water.nw
python3 "$here/check.py" water.nw water-labelled.xyz

say "a student of water"
[ -e water-pbe-painn16.safetensors ] || mlff train water.yaml
mlff eval --model water-pbe-painn16.safetensors --data dynamics.xyz -o dynamics-student.xyz --force
lmp -in in.water -log log.student -screen none -var force mlff -var output student.xyz
grep -H -e "lattice constant [0-9]" -e "O-H" -e "total energy changed" log.silicon log.water log.student | grep -v print
