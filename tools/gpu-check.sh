#!/usr/bin/env bash
# On a machine with an NVIDIA GPU and the CUDA toolkit: builds LAMMPS with pair_style mlff/kk for it, holds the device against the
# references of the tests, and prints the time of a step against the number of atoms, on the device and on the host, and that of
# replicas which share the device.
#
#   tools/gpu-check.sh [build folder, default build-cuda]
#
# Needs no network where the packages of quickstart.sh and a LAMMPS tree (LAMMPS_SOURCE_DIR, or the cache) are there.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${1:-$top/build-cuda}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -1 | tr -d .) || true
case $capability in
  70) arch=VOLTA70 ;; 75) arch=TURING75 ;; 80) arch=AMPERE80 ;; 86) arch=AMPERE86 ;; 89) arch=ADA89 ;; 90) arch=HOPPER90 ;; 100) arch=BLACKWELL100 ;;
  120) arch=BLACKWELL120 ;;
  "") echo "gpu-check: nvidia-smi finds no GPU" >&2; exit 1 ;;
  *) echo "gpu-check: no Kokkos architecture is known here for compute capability $capability; known: 70 75 80 86 89 90 100 120" >&2; exit 1 ;;
esac
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
(cd "$top" && cmake --preset cuda -B "$build" -D "Kokkos_ARCH_$arch=ON" > "$build.log" 2>&1) ||
  { tail -20 "$build.log" >&2; echo "gpu-check: cmake stopped; $build.log says why" >&2; exit 1; }
ninja -C "$build" lmp test_pair_style test_pair_mlff test_pair_fmm test_fmm_kokkos test_potentials

status=0
echo "== the device against the host engine's reference"
for reference in mlff-host mlff-fmm; do
  (cd "$build/unittest" && LAMMPS_POTENTIALS=$PWD ./test_pair_style "$top/unittest/force-styles/$reference.yaml" --gtest_filter='PairStyle.kokkos_gpu') |
    tee "$build/gpu-check.harness" || status=1
  # a leg without a device would be skipped, and pass
  grep -q '\[       OK \] PairStyle.kokkos_gpu' "$build/gpu-check.harness" || { echo "gpu-check: the harness did not run on the device" >&2; status=1; }
done
for program in test_pair_mlff test_long_range_kokkos test_pair_long_range; do MLFF_TEST_KOKKOS="g 1" "$build/unittest/$program" || status=1; done

echo "== microseconds per atom and step, shipped potential"
printf '%8s %12s %12s\n' atoms "device" "host, 1 core"
cd "$top/examples/scaling"
for cells in 2 4 8 16 32; do
  times=
  for flags in "-k on g 1 -sf kk" ""; do
    steps=$((cells > 8 ? 20 : 200))
    # the host would take minutes for the largest
    if [ -z "$flags" ] && [ "$cells" -gt 16 ]; then times="$times -"; continue; fi
    OMP_NUM_THREADS=1 "$build/bin/lmp" -in in.scaling -log "$build/gpu-check.log" -screen none -var cells $cells -var steps $steps $flags
    times="$times $(awk -v n=$((cells * cells * cells)) -v s=$steps '/^Loop time of/ {t = $4} END {printf "%.3f", t / n / s * 1e6}' "$build/gpu-check.log")"
  done
  printf '%8d %12s %12s\n' $((cells * cells * cells)) $times
done

echo "== the same of a random potential with a long-range block (F32 L2, H1 C8 T6), open systems"
printf '%8s %8s %12s %12s\n' atoms form "device" "host, 1 core"
"$build/unittest/make_test_potential" "$build/gpu-check.safetensors" 32 2 20 5 1 8 6 1
for cells in 8 13 20; do
  for form in direct linear; do
    times=
    for flags in "-k on g 1 -sf kk" ""; do
      OMP_NUM_THREADS=1 "$build/bin/lmp" -in in.scaling -log "$build/gpu-check.log" -screen none -var cells $cells -var steps 10 -var boundary s \
        -var potential "$build/gpu-check.safetensors" -var style "mlff fmm $form" $flags
      times="$times $(awk -v n=$((cells * cells * cells)) -v s=10 '/^Loop time of/ {t = $4} END {printf "%.3f", t / n / s * 1e6}' "$build/gpu-check.log")"
    done
    printf '%8d %8s %12s %12s\n' $((cells * cells * cells)) $form $times
  done
done

echo "== replica-steps per second of ethanol, each replica alone and all of them together"
LMP=$build/bin/lmp "$top/bench/bench_replicas.sh" --replicas 1 4 16 --kokkos "g 1" || status=1
exit $status
