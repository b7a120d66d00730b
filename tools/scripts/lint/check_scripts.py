#!/usr/bin/env python3
"""Checks that shell scripts and Python files can be read by their interpreters."""

import subprocess

from sources import Finding, repository_files, run


def shell_error(path, text):
    result = subprocess.run(["bash", "-n"], input=text.encode(), capture_output=True)
    if result.returncode == 0:
        return []
    return [Finding(path, 0, path, result.stderr.decode().strip().split("\n")[0])]


def python_error(path, text):
    try:
        compile(text, path, "exec")
    except (SyntaxError, ValueError) as error:
        return [Finding(path, getattr(error, "lineno", 0) or 0, path, f"{error}")]
    return []


def language(path, text):
    """By the ending, or by the first line of a program without one."""
    first = text.split("\n", 1)[0]
    if path.endswith(".py") or (first.startswith("#!") and "python" in first):
        return "python"
    if path.endswith(".sh") or (
        first.startswith("#!") and ("bash" in first or first.endswith("/sh"))
    ):
        return "shell"
    return None


def find(root, parsed=None):
    checks = {"python": python_error, "shell": shell_error}
    found = []
    for path in repository_files(root):
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # pictures and weights
        kind = language(path, text)
        if kind:
            found += checks[kind](path, text)
    return found


if __name__ == "__main__":
    raise SystemExit(run("scripts", __doc__, find))
