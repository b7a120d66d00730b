#!/usr/bin/env bash
# Every method of this example with both forces, one after the other, and a table of what they cost: ./run.sh [--json]
# Speeds are ps per second of CPU time, so that other programs on the machine hardly count. ./make.sh comes first.
#
# PS       ps of each method (default 50)
# FORCES   which (default: opls gfnff)
# METHODS  which (default: plain0.5 plain1 vv0.5 vv1 jump8-c1 jump8-c0 zero8-c1 linear8-c1)
# LMP      program (default ../../build/bin/lmp); LMP=lmp in an environment that has the package
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

ps=${PS:-50}
lmp=${LMP:-../../build/bin/lmp}
forces=${FORCES:-opls gfnff}
methods=${METHODS:-plain0.5 plain1 vv0.5 vv1 jump8-c1 jump8-c0 zero8-c1 linear8-c1}
export OMP_NUM_THREADS=1
command -v "$lmp" >/dev/null || { echo "run.sh: no program '$lmp'; build it with ../../quickstart.sh --full, or set LMP" >&2; exit 1; }
for force in $forces; do
  [ -f "in.$force" ] || { echo "run.sh: no force '$force'; it has: opls gfnff" >&2; exit 1; }
  [ -f "$force-jump8.safetensors" ] || { echo "run.sh: no network '$force-jump8.safetensors'; ./make.sh makes it" >&2; exit 1; }
done

# steps SHARE: LAMMPS steps that make ps picoseconds, with SHARE fs each
steps() { awk -v ps="$ps" -v fs="$1" 'BEGIN { printf "%d", 1000 * ps / fs }'; }

# one FORCE METHOD FS_PER_STEP WARM_STEPS EVERY WORDS...
one() {
  local force=$1 method=$2 fs=$3 warm=$4 every=$5
  shift 5
  "$lmp" -in in.kstep -log "log.$force-$method" -screen none -var force "$force" -var name "$force-$method" -var steps "$(steps "$fs")" -var warm "$warm" -var every "$every" "$@"
}

run() {
  case $2 in
    plain0.5)   one "$1" "$2" 0.5 4000 80 -var dt 0.0005 -var plain yes ;;
    plain1)     one "$1" "$2" 1 2000 40 -var dt 0.001 -var plain yes ;;
    vv0.5)      one "$1" "$2" 0.5 4000 80 -var dt 0.0005 -var words 'control corrector' ;;
    vv1)        one "$1" "$2" 1 2000 40 -var dt 0.001 -var words 'control corrector' ;;
    jump8-c1)   one "$1" "$2" 4.25 600 10 ;;
    jump8-c0)   one "$1" "$2" 8 300 5 -var words 'jump network 16 0.0005 corrector 0' ;;
    zero8-c1)   one "$1" "$2" 4.25 600 10 -var words 'jump network 16 0.0005 corrector 1 control zero' ;;
    linear8-c1) one "$1" "$2" 0.5 4000 80 -var words 'jump network 16 0.0005 corrector 1 control linear' ;;
    *) echo "run.sh: no method '$2'; it has: plain0.5 plain1 vv0.5 vv1 jump8-c1 jump8-c0 zero8-c1 linear8-c1" >&2; exit 1 ;;
  esac
}

for force in $forces; do
  for method in $methods; do
    echo "run.sh: $force $method, $ps ps" >&2
    run "$force" "$method"
  done
done

# what the last run of a log says: force method ps/s acceptance S model_ms force_ms T_C T_O T_H
row() {
  awk -v force="$1" -v method="$2" -v ps="$ps" '
    /^Loop time/ { seconds = $4 }
    /CPU use with/ { seconds *= $1 / 100 }
    /ps simulated in/ { ps = $4 }
    / accepted, acceptance / { accepted = $NF }
    /times as fast/ { model = $2; call = $7; for (k = 1; k < NF; k++) if ($(k + 1) == "times") S = $k }
    /temperature of elements:/ { for (k = 4; k < NF; k++) if ($k ~ /^[A-Z]/) T[$k] = $(k + 1) }
    END {
      plain = method ~ /^(vv|plain)/
      printf "%s %s %.4g %s %s %s %s %s %s %s\n", force, method, ps / seconds, plain ? "null" : accepted, plain ? "null" : S, plain ? "null" : model,
        call == "" ? "null" : call, T["C"] == "" ? "null" : T["C"], T["O"] == "" ? "null" : T["O"], T["H"] == "" ? "null" : T["H"]
    }' "log.$1-$2"
}

table=$(for force in $forces; do for method in $methods; do row "$force" "$method"; done; done)
if [ "${1:-}" = --json ]; then
  awk '
    { rows[NR] = $0; speed[$1 "," $2] = $3 }
    function ratio(a, b) { return b > 0 ? sprintf("%.4g", a / b) : "null" }
    END {
      printf "{\n  \"rows\": [\n"
      for (n = 1; n <= NR; n++) {
        split(rows[n], c, " ")
        printf "    {\"force\": \"%s\", \"method\": \"%s\", \"ps_per_s\": %s, \"speedup_vs_plain0.5\": %s, \"speedup_vs_plain1\": %s, \"acceptance\": %s, \"S_vs_vv0.5\": %s, \"model_ms\": %s, \"force_ms\": %s, ",
          c[1], c[2], c[3], ratio(c[3], speed[c[1] ",plain0.5"]), ratio(c[3], speed[c[1] ",plain1"]), c[4], c[5], c[6], c[7]
        printf "\"temperature_by_element\": {\"C\": %s, \"O\": %s, \"H\": %s}}%s\n", c[8], c[9], c[10], n < NR ? "," : ""
      }
      printf "  ]\n}\n"
    }' <<< "$table"
else
  { echo "force method ps/s acceptance S model_ms force_ms T_C T_O T_H"; echo "$table"; } | column -t
fi
