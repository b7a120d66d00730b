#!/usr/bin/env bash
# Installs what is missing, builds LAMMPS with the package, runs molecular dynamics of ethanol and shows the result, then the same molecule
# with GFN2-xTB: plain dynamics beside learned jumps of 8 fs.
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
say "running examples/kstep-ethanol in $jumps: 5 ps of GFN2-xTB by velocity Verlet, then by learned jumps of 8 fs"
LMP=$build/bin/lmp PS=5 METHODS="vv0.5 jump8-c1" "$jumps/run.sh" | tee "$jumps/table" || explain "LAMMPS stopped; the logs in $jumps say why."
awk '$1 == "vv0.5" {plain = $2} $1 == "jump8-c1" {printf "   the jumps are %.1f times as fast\n", $2 / plain}' "$jumps/table"

say "done"
cat <<END
   LAMMPS           $build/bin/lmp
   tools            $build/bin/mlff
   log              $run/log.ethanol
   picture          $run/ethanol.png
   jumps            $jumps/log.jump8-c1

   Run it yourself: cd examples/ethanol && $build/bin/lmp -in in.ethanol
                    cd examples/kstep-ethanol && ./run.sh
END
