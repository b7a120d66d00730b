#!/usr/bin/env bash
# Installs what is missing, builds LAMMPS with the package, runs molecular dynamics of ethanol and shows the result, then the same molecule
# with GFN2-xTB: plain dynamics beside learned jumps of 8 fs and exact Monte Carlo moves of 40 fs.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cmake/setup.sh"

configure_and_build "${MLFF_TESTS:-OFF}" lmp mlff

run=$build/quickstart/ethanol
mkdir -p "$run"
cp "$top"/examples/ethanol/{in.ethanol,ethanol.data} "$run"
say "running examples/ethanol in $run"
cd "$run"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
rm -f log.ethanol
"$build/bin/lmp" -in in.ethanol -log log.ethanol -screen none -var nve 20000 &
lammps=$!
# progress: the line of thermodynamic output that LAMMPS wrote last
while kill -0 $lammps 2>/dev/null; do
  sleep 2
  awk '$1 ~ /^[0-9]+$/ && NF == 7 {line = $0} END {if (line) print "   step" line}' log.ethanol 2>/dev/null || true
done
wait $lammps || { tail -5 log.ethanol >&2; explain "LAMMPS stopped; $run/log.ethanol says why."; }
"$python" "$top/examples/ethanol/plot.py" log.ethanol ethanol.png

jumps=$build/quickstart/kstep-ethanol
mkdir -p "$jumps"
cp "$top"/examples/kstep-ethanol/{in.kstep,run.sh} "$jumps"
say "running examples/kstep-ethanol in $jumps: 5 ps of GFN2-xTB by velocity Verlet, by learned jumps of 8 fs, and by exact Monte Carlo moves of 40 fs"
LMP=$build/bin/lmp PS=5 METHODS="vv0.5 jump8-c1 student-metropolis" "$jumps/run.sh" --json > "$jumps/rows.json" || explain "LAMMPS stopped; the logs in $jumps say why."
"$python" "$top/examples/kstep-ethanol/plot.py" "$jumps"
"$python" - "$jumps/rows.json" <<'END'
import json, sys

names = {"vv0.5": "velocity Verlet, 0.5 fs", "jump8-c1": "learned jumps, 8 fs", "student-metropolis": "exact moves, 40 fs"}
for row in json.load(open(sys.argv[1]))["rows"]:
    print(f"   {names[row['method']]:24}{row['ps_per_s']:8.2f} ps per second of one core, {row['speedup_vs_vv0.5']:5.1f} times as fast as velocity Verlet")
END

say "done"
cat <<END
   LAMMPS           $build/bin/lmp
   tools            $build/bin/mlff
   log              $run/log.ethanol
   picture          $run/ethanol.png
   jumps            $jumps/log.jump8-c1
   their picture    $jumps/kstep-ethanol.png

   Run it yourself: cd examples/ethanol && $build/bin/lmp -in in.ethanol
                    cd examples/kstep-ethanol && ./run.sh
   Your molecule:   $build/bin/mlff make-jump CCO -o ethanol-jump
   Read on:         doc/guide/ten_minutes.md, doc/guide/howto_kstep.md, examples/
END
