#!/usr/bin/env python3
"""Checks sizes: files of a folder, lines of a file and of a function, columns of a line."""

from collections import Counter
from pathlib import PurePosixPath

from sources import CXX, Finding, functions, is_source, is_test, repository_files, run

FILES_OF_FOLDER = 20
LINES_OF_FILE = 600
LINES_OF_FUNCTION = 80
COLUMNS = 100


def crowded_folders(files):
    """Files directly in a folder of sources, whatever their kind."""
    folders = Counter(
        str(PurePosixPath(f).parent) for f in files if f.startswith(("src/", "kokkos/", "tools/"))
    )
    return [
        Finding(
            folder,
            0,
            f"{folder}/",
            f"{n} files lie directly in this folder, at most "
            f"{FILES_OF_FOLDER} are accepted: group them in folders",
        )
        for folder, n in sorted(folders.items())
        if n > FILES_OF_FOLDER
    ]


def long_parts(path, text):
    """Long files, functions and lines of one C++ file."""
    lines = text.split("\n")
    found = [
        Finding(path, n, f"{path}:columns", f"{len(line)} columns, at most {COLUMNS} are accepted")
        for n, line in enumerate(lines, 1)
        if len(line) > COLUMNS
    ]
    if not is_source(path):
        return found
    count = len(lines) - (lines[-1] == "")
    if count > LINES_OF_FILE:
        found.append(Finding(path, 0, path, f"{count} lines, at most {LINES_OF_FILE} are accepted"))
    for function in functions(text):
        if function.lines > LINES_OF_FUNCTION:
            found.append(
                Finding(
                    path,
                    function.first,
                    f"{path}:{function.name}",
                    f"function '{function.name}' has {function.lines} lines, "
                    f"at most {LINES_OF_FUNCTION} are accepted",
                )
            )
    return found


def find(root, parsed=None):
    files = repository_files(root)
    found = crowded_folders(files)
    for path in files:
        if path.endswith(CXX) and (is_source(path) or is_test(path)):
            found += long_parts(path, (root / path).read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    raise SystemExit(run("sizes", __doc__, find))
