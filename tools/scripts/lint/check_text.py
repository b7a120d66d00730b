#!/usr/bin/env python3
"""Checks words and letters.

First lines of sources, ASCII for LAMMPS, names of style headers, places of one machine.
"""

import os
import re
from pathlib import Path, PurePosixPath

from sources import CXX, STYLE_HEADER, Finding, is_source, repository_files, run

# Compiled by LAMMPS' rules, which want ASCII.
LAMMPS_FOLDERS = (
    "src/pair_mlff/",
    "src/pair_xtb/",
    "src/pair_ipi/",
    "src/fix_kstep/",
    "src/lammps_common/",
    "kokkos/",
)

# In pieces, so that this file does not find itself.
REGISTRIES = re.compile(
    r"\b("
    + "|".join(
        r"\.".join(host)
        for host in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("anaconda", "(org|com)"),
            ("crates", "io"),
            ("deb", "debian", "org"),
            ("archive", "ubuntu", "com"),
            ("proxy", "golang", "org"),
            ("docker", "io"),
            ("ghcr", "io"),
        )
    )
    + r")\b"
)
PLACES = re.compile(
    r"(?<![\w./~}$-])/(" + "|".join(("ro" "ot", "wo" "rk", "tmp/to" "ols", "ho" "me")) + r")(/|\b)"
)


def first_line(path, text):
    """A source file begins with a comment that says its job."""
    line = text.lstrip("\ufeff").split("\n", 1)[0]
    said = re.match(r"(//+|/\*+)\s*(?P<words>.*)", line)
    words = said.group("words") if said else ""
    # LAMMPS' style files begin with these words, and say the job behind them
    if words.startswith(("clang-format", "-*-", "----")):
        block = re.match(r"((\s*//[^\n]*\n|\s*/\*.*?\*/\s*\n)+)", text, re.S)
        rest = block.group(1) if block else ""
        rest = re.sub(r"clang-format (on|off)|-\*-.*?-\*-|[-/*]", "", rest)
        words = " ".join(rest.split())
    if len(words.split()) < 3:
        return [
            Finding(
                path,
                1,
                f"{path}:first-line",
                "the first line must be a comment that says the file's job",
            )
        ]
    return []


def not_ascii(path, text):
    return [
        Finding(
            path,
            n,
            f"{path}:ascii",
            f"the letter '{letter}' is not ASCII, which files compiled with LAMMPS must be",
        )
        for n, line in enumerate(text.split("\n"), 1)
        for letter in re.findall(r"[^\x00-\x7f]", line)[:1]
    ]


def places(path, text):
    """Hosts of package registries and paths of one machine say nothing to anybody else."""
    found = []
    for n, line in enumerate(text.split("\n"), 1):
        for word in (REGISTRIES.search(line), PLACES.search(line)):
            if word:
                found.append(
                    Finding(
                        path,
                        n,
                        f"{path}:place",
                        f"'{word.group()}' names a place that others do not have",
                    )
                )
    return found


def style_names(files, lammps):
    """Base names of style headers are unique in all of LAMMPS: its build collects them."""
    own = {}
    found = []
    for path in files:
        name = PurePosixPath(path).name
        if STYLE_HEADER.fullmatch(path):
            if name in own:
                found.append(Finding(path, 0, f"{path}:name", f"'{own[name]}' has the same name"))
            own[name] = path
    if lammps:
        for header in Path(lammps).glob("src/**/*.h"):
            if header.name in own:
                path = own[header.name]
                found.append(
                    Finding(path, 0, f"{path}:name", f"LAMMPS has a header of this name: {header}")
                )
    return found


def cached_lammps():
    """The LAMMPS tree of the environment, or of the cache; None where there is none yet."""
    cache = Path(
        os.environ.get("MLFF_CACHE")
        or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlff"
    )
    given = os.environ.get("LAMMPS_SOURCE_DIR")
    trees = [Path(given)] if given else sorted(cache.glob("lammps-[0-9]*"))
    return trees[-1] if trees else None


def find(root, parsed=None):
    files = repository_files(root)
    found = style_names(files, parsed.lammps if parsed else None)
    for path in files:
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # pictures and weights
        if path.endswith(CXX) and (is_source(path) or path.startswith("unittest/")):
            found += first_line(path, text)
        if path.endswith(CXX) and path.startswith(LAMMPS_FOLDERS):
            found += not_ascii(path, text)
        found += places(path, text)
    return found


def options(parser):
    parser.add_argument(
        "--lammps",
        type=Path,
        default=cached_lammps(),
        help="LAMMPS tree whose names ours must not repeat (default: that of the build)",
    )


if __name__ == "__main__":
    raise SystemExit(run("text", __doc__, find, options=options))
