#!/usr/bin/env bash
# Every method of this example, one after the other, and a table of what they cost: ./run.sh [--json]
# Speeds are ps per second of CPU time, so that other programs on the machine hardly count.
#
# PS       ps of each method (default 5; 50 for the numbers in README.md)
# WARM     ps before anything is counted (default 1)
# METHODS  which (default: vv0.5 vv1 jump8-c1 jump8-c0 student-mlp student-painn)
# LMP      program (default ../../build/bin/lmp); LMP=lmp in an environment that has the package
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

ps=${PS:-5}
warm=${WARM:-1}
lmp=${LMP:-../../build/bin/lmp}
methods=${METHODS:-vv0.5 vv1 jump8-c1 jump8-c0 student-mlp student-painn}
export OMP_NUM_THREADS=1
command -v "$lmp" >/dev/null || { echo "run.sh: no program '$lmp'; build it with ../../quickstart.sh --full, or set LMP" >&2; exit 1; }

# steps PS SHARE: LAMMPS steps that make PS picoseconds, with SHARE fs each
steps() { awk -v ps="$1" -v fs="$2" 'BEGIN { printf "%d", 1000 * ps / fs }'; }

# one METHOD FS_PER_STEP EVERY WORDS...
one() {
  local method=$1 fs=$2 every=$3
  shift 3
  "$lmp" -in in.kstep -log "log.$method" -screen none -var name "$method" -var steps "$(steps "$ps" "$fs")" -var warm "$(steps "$warm" "$fs")" -var every "$every" "$@"
}

run() {
  case $1 in
    vv0.5)         one "$1" 0.5 80 -var dt 0.0005 -var words 'control corrector' ;;
    vv1)           one "$1" 1 40 -var dt 0.001 -var words 'control corrector' ;;
    jump8-c1)      one "$1" 4.25 10 ;;
    jump8-c0)      one "$1" 8 5 -var words 'jump network 16 0.0005 corrector 0' ;;
    zero8-c1)      one "$1" 4.25 10 -var words 'jump network 16 0.0005 corrector 1 control zero' ;;
    student-mlp)   one "$1" 20 2 -var file aspirin-gfn2-mlp.safetensors -var words 'jump student 40 0.0005' ;;
    student-painn) one "$1" 20 2 -var file druglike-gfn2-painn64.safetensors -var words 'jump student 40 0.0005' ;;
    *) echo "run.sh: no method '$1'; it has: vv0.5 vv1 jump8-c1 jump8-c0 zero8-c1 student-mlp student-painn" >&2; exit 1 ;;
  esac
}

for method in $methods; do
  echo "run.sh: $method, $ps ps" >&2
  run "$method"
done

# what the last run of a log says: method ps/s acceptance S force-calls/ps T_C T_O T_H T_H(O)
row() {
  awk -v method="$1" '
    /^Loop time/ { seconds = $4 }
    /CPU use with/ { seconds *= $1 / 100 }
    /ps simulated in/ { ps = $4; calls = $8 }
    / accepted, acceptance / { accepted = $NF }
    /times as fast/ { for (k = 1; k < NF; k++) if ($(k + 1) == "times") S = $k }
    /temperature of elements:|temperature of hydrogens:/ { for (k = 4; k < NF; k++) if ($k ~ /^[A-Z]/) T[$k] = $(k + 1) }
    END {
      plain = method ~ /^vv/
      printf "%s %.4g %s %s %.4g %s %s %s %s\n", method, ps / seconds, plain ? "null" : accepted, plain ? "null" : S, calls / ps,
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
        printf "    {\"method\": \"%s\", \"ps_per_s\": %s, \"speedup_vs_vv0.5\": %s, \"speedup_vs_vv1\": %s, \"acceptance\": %s, \"S_vs_vv0.5\": %s, \"force_calls_per_ps\": %s, ",
          c[1], c[2], ratio(c[2], speed["vv0.5"]), ratio(c[2], speed["vv1"]), c[3], c[4], c[5]
        printf "\"temperature_by_element\": {\"C\": %s, \"O\": %s, \"H\": %s, \"H(O)\": %s}}%s\n", c[6], c[7], c[8], c[9], n < NR ? "," : ""
      }
      printf "  ]\n}\n"
    }' <<< "$table"
else
  { echo "method ps/s acceptance S calls/ps T_C T_O T_H T_H(O)"; echo "$table"; } | column -t
fi
