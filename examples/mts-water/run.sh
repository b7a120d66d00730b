#!/usr/bin/env bash
# Liquid water with the student in the inner steps and a dear force in the outer ones, beside
# velocity Verlet with the dear force alone: the same physics, and what it costs.
#
#   ./run.sh [--json] [FOLDER]   works in FOLDER, by default work; goes on where it was stopped
#
# PS       ps of each run (5; 0: timings only)
# OUTER    outer steps, fs ("1 2")
# ENSEMBLE nve, langevin (friction 10/ps), nvt or npt (nve)
# TIMING   ps of each timing (0.2), REPEATS how many of each method (3)
# JOBS     runs at a time (1)
# SETTLE   ps at constant temperature before (1)
# CLIENT   command of a client of the i-PI protocol that gives the dear force; without it the mean of
#          the student and of a larger potential, which is trained first
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export OMP_NUM_THREADS=1

fail() { echo "run.sh: $*" >&2; exit 1; }
say() { echo "run.sh: $*" >&2; }

json=
if [ "${1:-}" = --json ]; then json=--json; shift; fi
ps=${PS:-5} outer=${OUTER:-1 2} ensemble=${ENSEMBLE:-nve} settle=${SETTLE:-1} timing=${TIMING:-0.2} repeats=${REPEATS:-3} jobs=${JOBS:-1}
python=${PYTHON:-python3}
for program in lmp mlff; do
  command -v $program > /dev/null || fail "no program $program in PATH (doc/guide/install.md)"
done
"$python" -c "import numpy" 2> /dev/null || fail "$python lacks numpy: pip install numpy"
mkdir -p "${1:-work}"
cd "${1:-work}"

# lammps LOG INPUT WORD...: a LOG that is there is that of a run that ended
lammps() {
  [ ! -e "$1" ] || return 0
  say "$1"
  lmp -in "$here/$2" -log "$1.partial" -screen none "${@:3}" || fail "LAMMPS failed: $PWD/$1.partial"
  mv "$1.partial" "$1"
}

lammps start.log in.start
dear=mlff teacher="water-7net0-painn32 teacher.safetensors"
if [ -n "${CLIENT:-}" ]; then
  dear=ipi teacher=$PWD/client.sh
  printf '#!/usr/bin/env bash\nexec %s\n' "$CLIENT" > client.sh
  chmod +x client.sh
elif [ ! -e teacher.safetensors ]; then
  cp "$here/teacher.yaml" .
  [ -e labelled.xyz ] || mlff label --structures frames.xyz --model water-7net0-painn32 -o labelled.xyz >&2
  mlff train teacher.yaml >&2
fi

# dynamics LOG METHOD STEP WORD...
dynamics() {
  lammps "$1" in.mts -var method "$2" -var outer "$3" -var dear $dear -var teacher "$teacher" "${@:4}"
}

start=start.data
rows=(verlet-0.5:verlet:0.5)
for step in $outer; do rows+=("mts-$step:mts:$step"); done
if awk -v ps="$ps" 'BEGIN { exit !(ps > 0) }'; then
  # from the liquid of the student to that of the dear force
  dynamics settle.log mts 1 -var ensemble nvt -var ps "$settle" -var measure no -var name settled -var keep yes
  start=settled.data
  for row in "${rows[@]}"; do
    IFS=: read -r name method step <<< "$row"
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    dynamics "$name.log" "$method" "$step" -var ps "$ps" -var start $start -var ensemble "$ensemble" -var name "$name" &
  done
  while [ "$(jobs -rp | wc -l)" -gt 0 ]; do wait -n; done
fi
# all methods in each round, so that a busy hour does not meet one method alone
for repeat in $(seq "$repeats"); do
  for row in "${rows[@]}"; do
    IFS=: read -r name method step <<< "$row"
    dynamics "$name.time-$repeat.log" "$method" "$step" -var ps "$timing" -var measure no -var start $start
  done
done
thermostat=
[ "$ensemble" = nve ] || thermostat=--thermostat
"$python" "$here/report.py" $json $thermostat "${rows[@]}"
