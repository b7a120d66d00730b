#!/usr/bin/env python3
"""Checks that names of models stand in the models' folders alone.

Everything else asks the table of models. A string that is such a name is a finding; texts that
mention one are listed with --texts.
"""

import ast
import re

from sources import CXX, Finding, repository_files, run, string_literals

NAMES = ("painn", "painn-fmm", "molecule-mlp", "kstep-painn", "kstep-egnn", "kstep-transformer")
HOME = ("src/models/", "kokkos/models/")
FOLDERS = ("src/", "kokkos/", "tools/")
MENTION = re.compile(
    r"(?<![\w-])(" + "|".join(sorted(NAMES, key=len, reverse=True)) + r")(?![\w-])"
)


def python_strings(text):
    return [
        (node.lineno, node.value)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def uses(path, text, texts=False):
    """Strings of a file that are the name of a model; with texts those that hold one."""
    strings = python_strings(text) if path.endswith(".py") else string_literals(text)
    found = []
    for line, value in strings:
        if value in NAMES:
            found.append(
                Finding(path, line, path, f"names the model '{value}': ask the table of models")
            )
        elif texts and MENTION.search(value):
            name = MENTION.search(value).group()
            found.append(Finding(path, line, path, f"mentions the model '{name}'"))
    return found


def find(root, parsed=None):
    found = []
    for path in repository_files(root):
        if (
            path.endswith(CXX + (".py",))
            and path.startswith(FOLDERS)
            and not path.startswith(HOME + ("tools/scripts/lint/",))
        ):
            found += uses(
                path, (root / path).read_text(encoding="utf-8"), bool(parsed and parsed.texts)
            )
    return found


def options(parser):
    parser.add_argument("--texts", action="store_true", help="list texts that mention a model, too")


if __name__ == "__main__":
    raise SystemExit(run("model-names", __doc__, find, options=options))
