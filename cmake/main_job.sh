# shellcheck shell=bash disable=SC2154,SC2164
# The job that quickstart.sh ends with, whatever LAMMPS is made from (sourced after setup.sh).
#
# main_job LMP MLFF PYTHON: dynamics of ethanol with a potential; then the same molecule with
# GFN2-xTB, by plain dynamics, by learned jumps of 8 fs and by exact Monte Carlo moves of 40 fs.
main_job() {
  local lmp=$1 mlff=$2 python=$3 jobs=$build/quickstart
  export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
  ethanol_job "$jobs/ethanol"
  jumps_job "$jobs/kstep-ethanol"
  where_next "$jobs"
}

ethanol_job() {
  local run=$1 lammps
  mkdir -p "$run"
  cp "$top"/examples/ethanol/{in.ethanol,ethanol.data} "$run"
  say "running examples/ethanol in $run"
  cd "$run"
  rm -f log.ethanol
  "$lmp" -in in.ethanol -log log.ethanol -screen none -var nve 20000 &
  lammps=$!
  # progress: the line of thermodynamic output that LAMMPS wrote last
  while kill -0 $lammps 2>/dev/null; do
    sleep 2
    awk '$1 ~ /^[0-9]+$/ && NF == 7 {line = $0} END {if (line) print "   step" line}' \
      log.ethanol 2>/dev/null || true
  done
  wait $lammps || { tail -5 log.ethanol >&2; explain "LAMMPS stopped; $run/log.ethanol says why."; }
  "$python" "$top/examples/ethanol/plot.py" log.ethanol ethanol.png
}

jumps_job() {
  local run=$1
  mkdir -p "$run"
  cp "$top"/examples/kstep-ethanol/{in.kstep,run.sh} "$run"
  say "running examples/kstep-ethanol in $run: 5 ps of GFN2-xTB in each of three ways"
  LMP=$lmp PS=5 METHODS="vv0.5 jump8-c1 student-metropolis" "$run/run.sh" --json \
    > "$run/rows.json" ||
    explain "LAMMPS stopped; the logs in $run say why."
  "$python" "$top/examples/kstep-ethanol/plot.py" "$run"
  "$python" - "$run/rows.json" <<'END'
import json, sys

names = {
    "vv0.5": "velocity Verlet, steps of 0.5 fs",
    "jump8-c1": "learned jumps of 8 fs",
    "student-metropolis": "exact Monte Carlo moves of 40 fs",
}
heading = "ethanol with GFN2-xTB, one core"
print(f"\n   {heading:34}{'ps per second':>15}{'calls per ps':>14}{'speed':>8}")
for row in json.load(open(sys.argv[1]))["rows"]:
    print(
        f"   {names[row['method']]:34}{row['ps_per_s']:15.2f}{row['force_calls_per_ps']:14.0f}"
        f"{row['speedup_vs_vv0.5']:7.1f}x"
    )
END
}

where_next() {
  say "done"
  cat <<END
   LAMMPS           $lmp
   tools            $mlff
   picture          $1/kstep-ethanol/kstep-ethanol.png
   logs             $1/ethanol/log.ethanol, $1/kstep-ethanol/log.*

   Run it yourself: cd examples/ethanol && $lmp -in in.ethanol
                    cd examples/kstep-ethanol && LMP=$lmp ./run.sh
   Your molecule:   $mlff make-jump CCO -o ethanol-jump
   Read on:         doc/guide/ten_minutes.md, doc/guide/howto_kstep.md, examples/
END
}
