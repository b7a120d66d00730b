#!/usr/bin/env bash
# Installs what is missing, builds LAMMPS with pair_style mlff, runs molecular dynamics of ethanol and shows the result.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cmake/setup.sh"

configure_and_build "${MLFF_TESTS:-OFF}" lmp mlff

run=$build/quickstart
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

say "done"
cat <<END
   LAMMPS           $build/bin/lmp
   tools            $build/bin/mlff
   log              $run/log.ethanol
   picture          $run/ethanol.png

   Run it yourself: cd examples/ethanol && $build/bin/lmp -in in.ethanol
END
