# Shared by the parts of .ci/run (sourced, not run).
. "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"

# The packages of LAMMPS that tests use, and the options of a build with no more of it: the parts that
# compile this package in their own way need no other LAMMPS.
tested_lammps_packages="KSPACE;MANYBODY;EXTRA-COMPUTE;MISC"
small_lammps=(-D MLFF_LAMMPS_KOKKOS=few -D MLFF_LAMMPS_PACKAGES="$tested_lammps_packages")

python_package() { echo "python3 command:python3"; }

# ensure_tools NAME PACKAGE...: Python packages in a virtual environment of their own in the cache
# folder, whose bin folder becomes $tools. Other versions than those that are there make it anew.
ensure_tools() {
  local folder=$MLFF_CACHE/venv-$1 wanted
  shift
  tools=$folder/bin
  wanted=$(printf '%s\n' "$@")
  if [ -f "$folder/.complete" ] && [ "$(cat "$folder/.complete")" = "$wanted" ] &&
    "$tools/python" -c pass 2>/dev/null; then
    return 0
  fi
  say "installing $* into $folder"
  ensure_packages python_package
  need_space "$MLFF_CACHE" 300000 "the virtual environment"
  make_venv "$folder"
  "$tools/python" -m pip install --quiet --disable-pip-version-check "$@" ||
    explain "pip could not install $* (is the network reachable?)"
  printf '%s\n' "$wanted" > "$folder/.complete"
}
