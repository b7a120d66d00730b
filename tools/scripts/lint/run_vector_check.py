#!/usr/bin/env python3
"""Checks that loops of kernels in single precision are compiled to vectors.

g++ says of each loop whether it made vectors of it. A loop behind "#pragma omp simd" that it left
as it was costs a tenth of the time of an engine, and nothing else tells. Loops in double may stay
as they are: the exponential of the C++ library has no vectors.

A loop of edges must stay as it is: of vectors of edges a rest remains, which may round in another
way, and then the bits of an edge depend on how many are evaluated together.
"""

import json
import os
import re
import shlex
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sources import Finding, run

KERNELS = re.compile(r"_kernels_avx512$")
MISSED = re.compile(r"^(?P<file>/[^:\n]+):(?P<line>\d+):\d+: missed: couldn't vectorize loop$")
MADE = re.compile(r"^(?P<file>/[^:\n]+):(?P<line>\d+):\d+: optimized: loop vectorized")
EDGES = re.compile(r"\bfor \(\w+ e = 0; e < [\w.]*n_edges; e\+\+\)")
TYPE = re.compile(r"scalar_type: const (\w+)|scalar_type: (\w+)")
PRAGMA = "#pragma omp simd"
LONGEST = 6  # lines of a loop of which g++ may name any


def compilations(commands):
    """Folder and words of the compilers of kernels for the widest vectors, in stable order."""
    chosen = {}
    for command in commands:
        words = shlex.split(command["command"])
        kernels = [word for word in words if word.startswith("-DMLFF_KERNELS=")]
        if kernels and KERNELS.search(kernels[0]):
            chosen[kernels[0]] = (command["directory"], words)
    return [chosen[name] for name in sorted(chosen)]


def marked(lines, line):
    """Whether a line of a file lies in a loop behind the pragma."""
    for n in range(line - 1, max(line - LONGEST, 0), -1):
        if lines[n - 1].lstrip().startswith(PRAGMA):
            return not any(re.search(r"\bfor \(", text) for text in lines[n + 1 : line])
    return False


def missed(report):
    """(file, line) of loops that are no vectors, but for those in double."""
    found, lines = set(), report.splitlines()
    for n, text in enumerate(lines):
        if not (miss := MISSED.match(text)):
            continue
        reason = ""
        for following in lines[n + 1 : n + 4]:
            if MISSED.match(following):
                break
            reason += following + "\n"
        kind = TYPE.search(reason)
        if not kind or "double" not in kind.group():
            found.add((miss["file"], int(miss["line"])))
    return sorted(found)


def of_edges(lines, line):
    """Whether a line of a file lies in a loop of edges, and not in another one inside it."""
    for n in range(line, max(line - LONGEST, 0), -1):
        if re.search(r"\bfor \(", lines[n - 1]):
            return bool(EDGES.search(lines[n - 1]))
    return False


def made(report):
    """(file, line) of loops that are vectors."""
    places = (MADE.match(text) for text in report.splitlines())
    return sorted({(place["file"], int(place["line"])) for place in places if place})


def report_of(compilation):
    """What g++ says of the loops of one file."""
    folder, words = compilation
    with tempfile.TemporaryDirectory() as temporary:
        report = Path(temporary, "report")
        place = words.index("-o")
        words = words[: place + 1] + [str(Path(temporary, "object"))] + words[place + 2 :]
        words.append(f"-fopt-info-vec-missed-optimized={report}")
        result = subprocess.run(words, cwd=folder, capture_output=True, text=True)
        if result.returncode != 0:
            raise SystemExit(f"vectors: the compiler stopped: {result.stderr.strip()}")
        return report.read_text(encoding="utf-8") if report.exists() else ""


def find(root, parsed):
    commands = json.loads((parsed.build / "compile_commands.json").read_text(encoding="utf-8"))
    chosen = compilations(commands)
    if not chosen:
        print(f"vectors: '{parsed.build}' compiles no kernels with AVX-512; nothing is checked")
        return []
    if "Free Software Foundation" not in subprocess.check_output(
        [chosen[0][1][0], "--version"], text=True
    ):
        print("vectors: the compiler is not g++, which alone tells; nothing is checked")
        return []
    with ThreadPoolExecutor(parsed.jobs) as pool:
        reports = list(pool.map(report_of, chosen))
    found = set()
    for places, wrong, message in (
        (missed, marked, f"g++ makes no vectors of the loop behind '{PRAGMA}'"),
        (made, of_edges, "g++ makes vectors of a loop of edges; call a function that is not inlined"),
    ):
        for path, line in {place for report in reports for place in places(report)}:
            file = Path(path)
            if file.is_relative_to(root) and wrong(
                file.read_text(encoding="utf-8").split("\n"), line
            ):
                found.add((str(file.relative_to(root)), line, message))
    print(f"vectors: {len(chosen)} files")
    return [Finding(name, line, name, message) for name, line, message in sorted(found)]


def options(parser):
    parser.add_argument(
        "--build", type=Path, required=True, help="build folder with compile_commands.json"
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="files at a time (default: %(default)s)"
    )


if __name__ == "__main__":
    raise SystemExit(run("vectors", __doc__, find, options=options))
