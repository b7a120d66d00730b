#!/usr/bin/env python3
"""Runs clang-tidy on folders of the repository and tells each finding once."""

import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sources import Finding, run

# LibTorch's headers cost half a minute a file, and are newer than this clang-tidy.
LEFT_OUT = re.compile(r"(^|/)torch/|torch\w*\.cpp$")
FOLDERS = [
    "src/core",
    "src/structure",
    "src/data",
    "src/potential",
    "src/kernels",
    "src/models",
    "src/engine",
    "src/training",
    "src/replica",
    "src/kstep",
    "src/teacher",
    "python/src",
]
MESSAGE = re.compile(
    r"^(?P<file>/[^:\n]+):(?P<line>\d+):\d+: (?:warning|error): "
    r"(?P<text>.*) \[(?P<check>[\w.,-]+)\]$",
    re.M,
)


def choose(commands, root, folders):
    """Files of the folders that a build compiles, each once, relative to root."""
    chosen = set()
    for command in commands:
        file = Path(command["directory"], command["file"])
        if file.is_relative_to(root):
            name = str(file.relative_to(root))
            if name.startswith(tuple(f"{folder}/" for folder in folders)) and not LEFT_OUT.search(
                name
            ):
                chosen.add(name)
    return sorted(chosen)


def findings(text, root):
    """Messages of clang-tidy without repetitions: a header is read by many files."""
    found = {}
    for message in MESSAGE.finditer(text):
        file = Path(message["file"])
        path = str(file.relative_to(root)) if file.is_relative_to(root) else str(file)
        check = message["check"].split(",")[0]
        found[path, message["line"], message["text"]] = Finding(
            path, int(message["line"]), f"{path}:{check}", f"{message['text']} [{message['check']}]"
        )
    return [found[key] for key in sorted(found)]


def tidy(file, parsed):
    """Output of clang-tidy on one file; throws what it could not do."""
    command = [
        parsed.clang_tidy,
        "-p",
        str(parsed.build),
        "--quiet",
        f"--header-filter={re.escape(str(parsed.root))}/(src|tools|python)/.*",
    ]
    command += [f"--extra-arg={argument}" for argument in parsed.extra_arg]
    result = subprocess.run(command + [str(parsed.root / file)], capture_output=True, text=True)
    if result.returncode != 0 and not MESSAGE.search(result.stdout):
        raise SystemExit(
            f"{file}: clang-tidy stopped: {result.stderr.strip() or result.stdout.strip()}"
        )
    return result.stdout


def find(root, parsed):
    commands = json.loads((parsed.build / "compile_commands.json").read_text(encoding="utf-8"))
    files = choose(commands, root, parsed.folders)
    if not files:
        raise SystemExit(
            f"clang-tidy: '{parsed.build}' compiles no file of {' '.join(parsed.folders)}"
        )
    with ThreadPoolExecutor(parsed.jobs) as pool:
        texts = list(pool.map(lambda file: tidy(file, parsed), files))
    print(f"clang-tidy: {len(files)} files")
    return findings("\n".join(texts), root)


def options(parser):
    parser.add_argument(
        "folders", nargs="*", default=FOLDERS, help="folders to read (default: %(default)s)"
    )
    parser.add_argument(
        "--build", type=Path, required=True, help="build folder with compile_commands.json"
    )
    parser.add_argument("--clang-tidy", default="clang-tidy", help="the program")
    parser.add_argument(
        "--extra-arg",
        action="append",
        default=[],
        help="further word for the compiler, may be repeated",
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="files at a time (default: %(default)s)"
    )


if __name__ == "__main__":
    raise SystemExit(run("clang-tidy", __doc__, find, options=options))
