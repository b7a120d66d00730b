#!/usr/bin/env python3
"""Checks that C++ files are formatted as clang-format would, by one file of settings."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from sources import CXX, REPOSITORY, repository_files


def settings_errors(root, files):
    """One file of settings at the top, with a limit of 100 columns: others would hide it."""
    own = [f for f in files if Path(f).name in (".clang-format", "_clang-format")]
    errors = [
        f"{f}: only the file at the top may set the format" for f in own if f != ".clang-format"
    ]
    if ".clang-format" not in own:
        return errors + [".clang-format: missing"]
    text = (root / ".clang-format").read_text(encoding="utf-8")
    if not re.search(r"^ColumnLimit:\s*100\s*$", text, re.M):
        errors.append(".clang-format: ColumnLimit must be 100")
    return errors


def unformatted(root, files, program):
    """Files that clang-format would change."""
    result = subprocess.run(
        [program, "--dry-run", "--Werror", *files], cwd=root, capture_output=True, text=True
    )
    changed = sorted(
        set(
            re.findall(
                r"^(.*?):\d+:\d+: error: code should be clang-formatted", result.stderr, re.M
            )
        )
    )
    if result.returncode != 0 and not changed:
        raise SystemExit(f"clang-format stopped: {result.stderr.strip()}")
    return changed


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="C++ files (default: all of the repository)")
    parser.add_argument("--root", type=Path, default=REPOSITORY, help="repository to look at")
    parser.add_argument("--clang-format", default="clang-format", help="the program")
    parsed = parser.parse_args(arguments)
    known = repository_files(parsed.root)
    files = parsed.files or [f for f in known if f.endswith(CXX)]
    errors = settings_errors(parsed.root, known)
    changed = unformatted(parsed.root, files, parsed.clang_format)
    for line in errors + changed:
        print(line)
    if changed:
        print(f"mend them with: {parsed.clang_format} -i {' '.join(changed)}")
    print(f"clang-format: {len(errors) + len(changed)} findings in {len(files)} files")
    return 1 if errors or changed else 0


if __name__ == "__main__":
    sys.exit(main())
