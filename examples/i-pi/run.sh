#!/usr/bin/env bash
# Path integral dynamics of ethanol by i-PI, evaluated by two processes of LAMMPS and one of Python that share the beads.
# Prints the kinetic energy of the nuclei, and of classical ones at the same temperature.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export OMP_NUM_THREADS=1

[ ! -e /tmp/ipi_mlff ] || { echo "run.sh: /tmp/ipi_mlff is there: another run goes on, or remove what one has left" >&2; exit 1; }
i-pi input.xml > ipi.log 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true; rm -f /tmp/ipi_mlff' EXIT
until [ -S /tmp/ipi_mlff ]; do
  kill -0 $server 2>/dev/null || { tail -3 ipi.log >&2; exit 1; }
  sleep 0.2
done
# i-PI tells lmp to go, which it calls an error
lmp -in in.client -log log.1 -screen none 2>/dev/null || true &
lmp -in in.client -log log.2 -screen none 2>/dev/null || true &
python3 client.py
wait

awk '!/^#/ && $1 > 200 { sum += $6; n++ }
  END { printf "kinetic energy of the nuclei %.2f eV; of classical ones %.2f eV\n", sum / n, 1.5 * 9 * 300 * 8.617333e-5 }' ipi.out
