#!/usr/bin/env bash
# Replicas of ethanol in one -partition run, 1 to 64 of them: pair_style mlff with LibTorch or the host engine, each replica alone
# or all of a node together. Prints replica-steps per second, medians of several repeats taken in turn.
#
#   bench/bench_replicas.sh [--replicas N ...] [--repeats N] [--seconds S] [--potential FILE] [--cores LIST] [--kokkos "g 1"]
#                           [--paths PATH ...] [--json]
#
# --cores: only these, as taskset takes them. --kokkos: also pair_style mlff/kk on that device. --paths: only these of torch-single,
# torch-batched, torch-auto, host-single, host-batched, host-auto (and kokkos-... with --kokkos).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

replicas=() repeats=3 seconds=3 potential=ethanol-rmd17-painn32.safetensors cores="" kokkos="" chosen=() json=0
usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; }
fail() { echo "bench_replicas.sh: $*" >&2; exit 2; }
value() { [ $# -gt 1 ] || fail "'$1' needs a value"; }
while [ $# -gt 0 ]; do
  case $1 in
    --replicas) shift; while [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; do replicas+=("$1"); shift; done
      [ ${#replicas[@]} -gt 0 ] || fail "'--replicas' needs a value" ;;
    --repeats) value "$@"; repeats=$2; shift 2 ;;
    --seconds) value "$@"; seconds=$2; shift 2 ;;
    --potential) value "$@"; potential=$2; shift 2 ;;
    --cores) value "$@"; cores=$2; shift 2 ;;
    --kokkos) value "$@"; kokkos=$2; shift 2 ;;
    --paths) shift; while [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; do chosen+=("$1"); shift; done
      [ ${#chosen[@]} -gt 0 ] || fail "'--paths' needs a value" ;;
    --json) json=1; shift ;;
    -h|--help) usage; exit 0 ;;
    *) fail "unknown option '$1'; accepted: --replicas, --repeats, --seconds, --potential, --cores, --kokkos, --paths, --json" ;;
  esac
done
[ ${#replicas[@]} -gt 0 ] || replicas=(1 2 4 8 16 32 64)
for n in "${replicas[@]}" "$repeats"; do [[ $n =~ ^[1-9][0-9]*$ ]] || fail "'$n' is not a whole number above 0"; done
[[ $seconds =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail "--seconds is '$seconds'; expected a number"

lmp=${LMP:-$root/build/bin/lmp}
[ -x "$lmp" ] || fail "no LAMMPS at $lmp: build it with ./quickstart.sh, or set LMP"
mpiexec=${MPIEXEC:-mpirun}
export OMP_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
pin=()
[ -z "$cores" ] || pin=(taskset -c "$cores")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/in.replicas" <<'END'
units           metal
boundary        s s s
atom_modify     map array
read_data       ${data}
pair_style      ${style}
pair_coeff      * * ${potential} C O H
neighbor        2.0 bin
timestep        0.0005
thermo          1000000
velocity        all create 300.0 $(v_seed+partition(yes,1,1)) mom yes rot yes dist gaussian
fix             move all nve
fix             bath all langevin 300.0 300.0 0.05 ${seed}
run             ${warm}
run             ${steps}
END

# rate REPLICAS STYLE WARM STEPS FLAGS: replica-steps per second of the slowest partition
rate() {
  local n=$1 worlds="" k
  for ((k = 1; k <= n; k++)); do worlds+=" $((4000 + 17 * k))"; done
  sed "s/\$(v_seed+partition(yes,1,1))/\${seed}/; 1i variable seed world$worlds" "$folder/in.replicas" > "$folder/in"
  (cd "$folder" && rm -f log.* && "${pin[@]}" "$mpiexec" --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 -np "$n" "$lmp" \
    -partition "${n}x1" -in in -pscreen none -var style "$2" -var potential "$potential" -var data "$root/examples/ethanol/ethanol.data" \
    -var warm "$3" -var steps "$4" $5 > screen 2>&1) || { cat "$folder/screen" >&2; exit 1; }
  awk -v n="$n" '/^Loop time of/ {time[FILENAME] = $4; steps = $9}
    END {for (f in time) if (time[f] > slowest) slowest = time[f]; printf "%.6g\n", n * steps / slowest}' $(ls "$folder"/log.lammps.[0-9]* 2>/dev/null || ls "$folder/log.lammps")
}

declare -A style=(
  [torch-single]="mlff engine torch device cpu threads 1 batch off" [torch-batched]="mlff engine torch device cpu threads 1 batch on"
  [host-single]="mlff engine host threads 1 batch off" [host-batched]="mlff engine host threads 1 batch on"
  [host-auto]="mlff engine host threads 1 batch auto" [torch-auto]="mlff engine torch device cpu threads 1 batch auto")
paths=(torch-single torch-batched torch-auto host-single host-batched host-auto)
if [ -n "$kokkos" ]; then
  style+=([kokkos-single]="mlff batch off" [kokkos-batched]="mlff batch on" [kokkos-auto]="mlff batch auto")
  paths+=(kokkos-single kokkos-batched kokkos-auto)
fi
for path in "${chosen[@]}"; do [[ " ${paths[*]} " == *" $path "* ]] || fail "unknown path '$path'; accepted: ${paths[*]}"; done
[ ${#chosen[@]} = 0 ] || paths=("${chosen[@]}")
flags() { [[ $1 != kokkos-* ]] || echo "-k on $kokkos -sf kk"; }

median() { sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
rows="" separator=""
if [ $json = 0 ]; then
  printf '%s; %s cores, one thread a replica; replica-steps/s, medians of %s\n' "$potential" "$("${pin[@]}" env -u OMP_NUM_THREADS nproc)" "$repeats"
  printf '%8s' replicas; printf ' %14s' "${paths[@]}"; printf ' %8s\n' gain
fi
for n in "${replicas[@]}"; do
  declare -A samples=() steps=()
  for path in "${paths[@]}"; do
    # long enough for the time wanted, by a short run
    steps[$path]=$(rate "$n" "${style[$path]}" 20 100 "$(flags "$path")" | awk -v s="$seconds" -v n="$n" '{k = int(s * $1 / n); print k < 200 ? 200 : k}')
  done
  for ((k = 0; k < repeats; k++)); do
    for path in "${paths[@]}"; do samples[$path]+="$(rate "$n" "${style[$path]}" 200 "${steps[$path]}" "$(flags "$path")") "; done
  done
  [ $json = 1 ] || printf '%8d' "$n"
  declare -A middle=()
  for path in "${paths[@]}"; do
    middle[$path]=$(tr ' ' '\n' <<< "${samples[$path]}" | grep . | median)
    rows+="$separator{\"path\": \"$path\", \"replicas\": $n, \"replica_steps_per_s\": ${middle[$path]}, \"samples\": [$(sed 's/ $//; s/ /, /g' <<< "${samples[$path]}")]}"
    separator=$',\n    '
    [ $json = 1 ] || printf ' %14.0f' "${middle[$path]}"
  done
  [ $json = 1 ] || awk -v a="${middle[torch-single]:-0}" -v b="${middle[host-single]:-0}" -v c="${middle[host-batched]:-0}" 'BEGIN {if (a > 0) printf " %7.1fx", (b > c ? b : c) / a; print ""}'
done
[ $json = 0 ] || printf '{\n  "potential": "%s",\n  "cores": %s,\n  "rows": [\n    %s\n  ]\n}\n' "$potential" "$("${pin[@]}" env -u OMP_NUM_THREADS nproc)" "$rows"
