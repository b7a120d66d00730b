#!/usr/bin/env bash
# Crystalline silicon with a student in the inner steps and the dear force in the outer ones, beside
# velocity Verlet with the dear force alone; a student that was distilled from it, and one of another
# potential, with which 4 fs are the limit.
#
#   ./run.sh [--json] [FOLDER]   works in FOLDER, by default work; goes on where it was stopped
#
# PS       ps of each run at constant energy (50; 0: timings only)
# OUTER    outer steps, fs ("4 8 10")
# TIMING   ps of each timing (1), REPEATS how many of each method (3)
# JOBS     runs at a time (1)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export OMP_NUM_THREADS=1

fail() { echo "run.sh: $*" >&2; exit 1; }
say() { echo "run.sh: $*" >&2; }

json=
if [ "${1:-}" = --json ]; then json=--json; shift; fi
ps=${PS:-50} outer=${OUTER:-4 8 10} timing=${TIMING:-1} repeats=${REPEATS:-3} jobs=${JOBS:-1}
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

lammps frames.log in.frames
[ -e labelled.xyz ] || mlff label --structures frames.xyz --model silicon-mlearn-painn64 -o labelled.xyz >&2
for student in student-1 student-2; do
  cp -n "$here/$student.yaml" . 2> /dev/null || true
  [ -e $student.safetensors ] || mlff train --no-plots $student.yaml >&2
done

# name of the files, method, step; the student of those of another potential
rows=(verlet-0.5:verlet:0.5 verlet-2:verlet:2)
for step in $outer; do rows+=("mts-$step:mts:$step"); done
rows+=(sw-4:mts-sw:4)
# dynamics LOG ROW WORD...
dynamics() {
  local name method step student=student-1.safetensors
  IFS=: read -r name method step <<< "$2"
  case $method in mts-sw) method=mts student=silicon-sw-painn32 ;; esac
  lammps "$1" in.mts -var method "$method" -var outer "$step" -var student "$student" -var name "$name" "${@:3}"
}

if awk -v ps="$ps" 'BEGIN { exit !(ps > 0) }'; then
  for row in "${rows[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    dynamics "${row%%:*}.log" "$row" -var ps "$ps" &
  done
  while [ "$(jobs -rp | wc -l)" -gt 0 ]; do wait -n; done
fi
# all methods in each round, so that a busy hour does not meet one method alone
for repeat in $(seq "$repeats"); do
  for row in "${rows[@]}"; do
    dynamics "${row%%:*}.time-$repeat.log" "$row" -var ps "$timing" -var measure no
  done
done
lammps guard.log in.guard
"$python" "$here/../mts-water/report.py" $json --peak first_peak "${rows[@]}"
