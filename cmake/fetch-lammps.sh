#!/usr/bin/env bash
# Puts a LAMMPS source tree (with Kokkos inside) into the cache folder and prints its path on standard output.
#
#   cmake/fetch-lammps.sh
#
# In this order: LAMMPS_SOURCE_DIR from the environment; a tree already in the cache; a download.
# MLFF_CACHE     cache folder (default ${XDG_CACHE_HOME:-~/.cache}/mlff)
# MLFF_MIRROR    Debian mirror to read instead of the one apt is configured with
# LAMMPS_ARCHIVE URL or file of an official LAMMPS release archive, for systems without apt
set -euo pipefail

lammps_version=20260704              # the release this package is tested with
oldest_version=20250910              # the Kokkos interface of LAMMPS changed here
lammps_md5=b635f5a814b3f8db20d39bf4494b79a2
kokkos_version=5.0.2
kokkos_md5=96a7e7ede91656fadbc3145481058746
needed=(cmake src lib python unittest potentials)

cache=${MLFF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mlff}

say() { printf 'fetch-lammps: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# "4 Jul 2026" in src/version.h becomes 20260704
tree_version() {
  local text
  text=$(sed -n 's/^#define LAMMPS_VERSION "\(.*\)"/\1/p' "$1/src/version.h" 2>/dev/null) || true
  [ -n "$text" ] && date -d "$text" +%Y%m%d 2>/dev/null
}

check_tree() {
  local version
  [ -f "$1/cmake/CMakeLists.txt" ] || die "no LAMMPS source tree in '$1': it has no cmake/CMakeLists.txt; give the folder that holds cmake/ and src/."
  version=$(tree_version "$1") || true
  [ -n "$version" ] || die "cannot read the LAMMPS version from '$1/src/version.h'."
  [ "$version" -ge "$oldest_version" ] ||
    die "LAMMPS in '$1' is of $version; this package needs $oldest_version (10Sep2025) or newer, because the Kokkos interface changed there."
  [ -d "$1/lib/kokkos/core" ] || die "'$1/lib/kokkos' holds no Kokkos; unpack Kokkos $kokkos_version there."
}

if [ -n "${LAMMPS_SOURCE_DIR:-}" ]; then
  check_tree "$LAMMPS_SOURCE_DIR"
  (cd "$LAMMPS_SOURCE_DIR" && pwd)
  exit 0
fi

mkdir -p "$cache" 2>/dev/null || die "cannot create the cache folder '$cache'; set MLFF_CACHE to a folder you can write."
exec 9> "$cache/.lock"
if command -v flock >/dev/null; then flock 9; fi

cached() {
  local tree
  for tree in "$cache/lammps-$lammps_version" $(ls -dr "$cache"/lammps-[0-9]* 2>/dev/null); do
    if [ -f "$tree/.complete" ]; then printf '%s\n' "$tree"; return 0; fi
  done
  return 1
}
if cached; then exit 0; fi

for tool in curl tar md5sum; do
  command -v "$tool" >/dev/null || die "the program '$tool' is missing; install it and run this again."
done

# fetch URL FILE: shows progress, resumes a partial file
fetch() {
  mkdir -p "$(dirname "$2")"
  local progress=--silent
  [ -t 2 ] && progress=--progress-bar
  curl --fail --location --show-error $progress --retry 3 --connect-timeout 20 --continue-at - --output "$2.part" "$1" && mv "$2.part" "$2"
}

verify() {
  [ "$(md5sum < "$1" | cut -d' ' -f1)" = "$2" ] || { rm -f "$1"; die "the checksum of '$(basename "$1")' is wrong, so it was deleted; run this again."; }
}

unpack() {
  tar -xf "$1" -C "$2" "${@:3}" || die "cannot unpack '$1' into '$2': $(df -h --output=avail "$2" | tail -1 | tr -d ' ') free there."
}

mirrors() {
  if [ -n "${MLFF_MIRROR:-}" ]; then echo "$MLFF_MIRROR"; return; fi
  command -v apt-get >/dev/null && apt-get indextargets --format '$(SITE)' 2>/dev/null | sort -u | grep -v security
}

# newest_in_index MIRROR PACKAGE: prints "version file md5" of each orig archive of PACKAGE, newest last
newest_in_index() {
  local suite
  for suite in sid testing stable-backports stable; do
    curl --fail --silent --location "$1/dists/$suite/main/source/Sources.xz" 2>/dev/null | xz -dc 2>/dev/null |
      awk -v package="$2" '
        /^Package: / { wanted = ($2 == package) }
        /^Directory: / && wanted { folder = $2 }
        /^Files:/ { files = wanted; next }
        /^[^ ]/ { files = 0 }
        files && $3 ~ /\.orig\.tar\.(gz|xz|bz2)$/ { name = $3; sum = $1 }
        /^$/ && name != "" { version = name; sub(/^[^_]*_/, "", version); sub(/[+.~]?(dfsg|ds|orig).*/, "", version); print version, folder "/" name, sum; name = "" }
        END { if (name != "") { version = name; sub(/^[^_]*_/, "", version); sub(/[+.~]?(dfsg|ds|orig).*/, "", version); print version, folder "/" name, sum } }'
  done | sort -V -u
}

version=$lammps_version
archives=$cache/archives
work=$cache/unpacking.$$
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lammps"

from_debian() {
  local site=$1 lammps=pool/main/l/lammps/lammps_${lammps_version}+dfsg.orig.tar.gz sum=$lammps_md5
  local kokkos=pool/main/k/kokkos/kokkos_${kokkos_version}.orig.tar.gz kokkos_sum=$kokkos_md5 found
  say "fetching LAMMPS $version from the Debian mirror (214 MB)"
  if ! fetch "$site/$lammps" "$archives/lammps.tar"; then
    found=$(newest_in_index "$site" lammps | awk -v oldest="$oldest_version" '$1 >= oldest' | tail -1)
    [ -n "$found" ] || return 1
    read -r version lammps sum <<< "$found"
    say "LAMMPS $lammps_version is not on the mirror any more; taking LAMMPS $version from its source index"
    rm -f "$archives/lammps.tar.part"
    fetch "$site/$lammps" "$archives/lammps.tar" || return 1
  fi
  verify "$archives/lammps.tar" "$sum"
  unpack "$archives/lammps.tar" "$work/lammps" "${needed[@]}"
  if [ ! -d "$work/lammps/lib/kokkos/core" ]; then
    if ! fetch "$site/$kokkos" "$archives/kokkos.tar"; then
      found=$(newest_in_index "$site" kokkos | awk '$1 >= 4' | tail -1)
      [ -n "$found" ] || return 1
      read -r kokkos_version kokkos kokkos_sum <<< "$found"
      say "taking Kokkos $kokkos_version from the mirror's source index"
      rm -f "$archives/kokkos.tar.part"
      fetch "$site/$kokkos" "$archives/kokkos.tar" || return 1
    fi
    verify "$archives/kokkos.tar" "$kokkos_sum"
    mkdir -p "$work/lammps/lib/kokkos"
    unpack "$archives/kokkos.tar" "$work/lammps/lib/kokkos" --strip-components=1
  fi
}

from_release() {
  local archive=${LAMMPS_ARCHIVE:-https://download.lammps.org/tars/lammps-4Jul2026.tar.gz}
  say "fetching the LAMMPS release archive $archive"
  if [ -f "$archive" ]; then archive=file://$(realpath "$archive"); fi
  fetch "$archive" "$archives/lammps.tar" || return 1
  unpack "$archives/lammps.tar" "$work/lammps" --strip-components=1
}

fetched=no
if [ -z "${LAMMPS_ARCHIVE:-}" ]; then
  for site in $(mirrors); do
    if from_debian "$site"; then fetched=yes; break; fi
  done
fi
if [ $fetched = no ]; then
  from_release || die "no LAMMPS source could be fetched: is the network reachable? Otherwise set LAMMPS_SOURCE_DIR to a LAMMPS tree of 10Sep2025 or newer (with lib/kokkos), or LAMMPS_ARCHIVE to a release archive."
fi

check_tree "$work/lammps"
version=$(tree_version "$work/lammps")
rm -rf "$cache/lammps-$version"
mv "$work/lammps" "$cache/lammps-$version"
touch "$cache/lammps-$version/.complete"
rm -rf "$archives"
say "LAMMPS $version is in $cache/lammps-$version"
printf '%s\n' "$cache/lammps-$version"
