#!/usr/bin/env python3
"""Runs the shell blocks of a page in an empty folder: run_page.py PAGE [FOLDER_OF_PROGRAMS].

Blocks with a file name as caption are written to that file. A block below the comment
<!-- not run --> is left out. Stops at the first command that fails.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools/scripts/lint"))
import page_blocks  # noqa: E402


def steps(text):
    """Files and commands of a page in their order, as (file name or None, text)."""
    lines = text.split("\n")
    for block in page_blocks.blocks_of("page.md", text):
        # block.line is the one behind the fence
        above, options = lines[block.line - 3], lines[block.line - 1]
        caption = re.match(r":caption: (\S+)$", options)
        if caption:
            yield caption[1], block.text
        elif block.kind == "shell" and above.strip() != "<!-- not run -->":
            yield None, block.text


def main(page, programs=None):
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    if programs:
        environment["PATH"] = f"{Path(programs).resolve()}:{environment['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        for name, text in steps(Path(page).read_text(encoding="utf-8")):
            if name:
                (Path(folder) / name).write_text(text.lstrip("\n") + "\n", encoding="utf-8")
                continue
            print(f"{page}: {text.strip()}", flush=True)
            result = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
            )
            if result.returncode:
                print(result.stdout[-2000:] + result.stderr[-2000:], file=sys.stderr)
                return f"{page}: the commands above ended with {result.returncode}"
            print(result.stdout[-1500:], flush=True)
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
