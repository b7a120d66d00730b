#!/usr/bin/env bash
# Every method of this example, one after the other, and a table of what they cost: ./run.sh [--json]
# Speeds are ps per second of CPU time, so that other programs on the machine hardly count.
#
# PS       ps of each method (default 20; 200 for the numbers in README.md)
# METHODS  which (default: all)
# LMP      program (default ../../build/bin/lmp); LMP=lmp in an environment that has the package
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

ps=${PS:-20}
lmp=${LMP:-../../build/bin/lmp}
methods=${METHODS:-vv0.5 vv1 jump8-c1 jump8-c0 jump16-c0 student-metropolis respa}
export OMP_NUM_THREADS=1
command -v "$lmp" >/dev/null || { echo "run.sh: no program '$lmp'; build it with ../../quickstart.sh --full, or set LMP" >&2; exit 1; }

# steps SHARE: LAMMPS steps that make ps picoseconds, with SHARE fs each
steps() { awk -v ps="$ps" -v fs="$1" 'BEGIN { printf "%d", 1000 * ps / fs }'; }

# one METHOD INPUT FS_PER_STEP WARM_STEPS EVERY WORDS...
one() {
  local method=$1 input=$2 fs=$3 warm=$4 every=$5
  shift 5
  "$lmp" -in "$input" -log "log.$method" -screen none -var name "$method" -var steps "$(steps "$fs")" -var warm "$warm" -var every "$every" "$@"
}

run() {
  case $1 in
    vv0.5)              one "$1" in.kstep 0.5 4000 80 -var dt 0.0005 -var words 'control corrector' ;;
    vv1)                one "$1" in.kstep 1 2000 40 -var dt 0.001 -var words 'control corrector' ;;
    jump8-c1)           one "$1" in.kstep 4.25 600 10 ;;
    jump8-c0)           one "$1" in.kstep 8 300 5 -var words 'jump network 16 0.0005 corrector 0' ;;
    jump16-c0)          one "$1" in.kstep 16 150 3 -var file ethanol-gfn2-jump16.safetensors -var words 'jump network 32 0.0005 corrector 0' ;;
    zero8-c1)           one "$1" in.kstep 4.25 600 10 -var words 'jump network 16 0.0005 corrector 1 control zero' ;;
    student-metropolis) one "$1" in.kstep 40 60 1 -var file ethanol-gfn2-mlp.safetensors -var words 'jump student 80 0.0005' ;;
    student-painn)      one "$1" in.kstep 40 60 1 -var file ethanol-gfn2-painn32.safetensors -var words 'jump student 80 0.0005' ;;
    respa)              one "$1" in.respa 5 500 8 ;;
    *) echo "run.sh: no method '$1'; it has: vv0.5 vv1 jump8-c1 jump8-c0 jump16-c0 zero8-c1 student-metropolis student-painn respa" >&2; exit 1 ;;
  esac
}

for method in $methods; do
  echo "run.sh: $method, $ps ps" >&2
  run "$method"
done

# what the last run of a log says: method ps/s acceptance force-calls/ps T_C T_O T_H T_H(O)
row() {
  awk -v method="$1" -v ps="$ps" '
    /^Loop time/ { seconds = $4 }
    /CPU use with/ { seconds *= $1 / 100 }
    /^Pair style xtb: .* calls/ { before = calls; calls = $4 }
    /ps simulated in/ { ps = $4 }
    / accepted, acceptance / { accepted = $NF }
    /temperature of elements:|temperature of hydrogens:/ { for (k = 4; k < NF; k++) if ($k ~ /^[A-Z]/) T[$k] = $(k + 1) }
    END {
      printf "%s %.4g %s %.4g %s %s %s %s\n", method, ps / seconds, accepted == "" || method ~ /^vv|respa/ ? "null" : accepted, (calls - before) / ps,
        T["C"], T["O"], T["H"], "H(O)" in T ? T["H(O)"] : "null"
    }' "log.$1"
}

table=$(for method in $methods; do row "$method"; done)
if [ "${1:-}" = --json ]; then
  awk '
    { rows[NR] = $0; speed[$1] = $2 }
    function ratio(a, b) { return b > 0 ? sprintf("%.4g", a / b) : "null" }
    END {
      printf "{\n  \"rows\": [\n"
      for (n = 1; n <= NR; n++) {
        split(rows[n], c, " ")
        printf "    {\"method\": \"%s\", \"ps_per_s\": %s, \"speedup_vs_vv0.5\": %s, \"speedup_vs_vv1\": %s, \"acceptance\": %s, \"force_calls_per_ps\": %s, ", c[1], c[2],
          ratio(c[2], speed["vv0.5"]), ratio(c[2], speed["vv1"]), c[3], c[4]
        printf "\"temperature_by_element\": {\"C\": %s, \"O\": %s, \"H\": %s, \"H(O)\": %s}}%s\n", c[5], c[6], c[7], c[8], n < NR ? "," : ""
      }
      printf "  ]\n}\n"
    }' <<< "$table"
else
  { echo "method ps/s acceptance calls/ps T_C T_O T_H T_H(O)"; echo "$table"; } | column -t
fi
