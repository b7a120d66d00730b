#!/usr/bin/env python3
"""Checks which folder includes which: the rule of dependence, written down in dependencies.txt."""

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sources import CXX, STYLE_HEADER, Finding, blanked, repository_files, run

ROOTS = ("src", "kokkos", "tools", "unittest", "bench")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.M)
# Libraries that have a place of their own. A quoted header that is not ours is one of LAMMPS.
LIBRARIES = {
    "torch": re.compile(r"(torch|ATen|c10|caffe2)/"),
    "kokkos": re.compile(r"Kokkos_"),
    "mpi": re.compile(r"mpi\.h$"),
    "xtb": re.compile(r"xtb\.h$"),
    "rdkit": re.compile(r"(GraphMol|RDGeneral|DistGeom|ForceField|Geometry|Numerics)/"),
}
# Made by the build, from these folders' *.in.
GENERATED = re.compile(r"(^|/)recipes\.h$")


@dataclass
class Folder:
    """A line of the table."""

    name: str
    line: int
    folders: list = field(default_factory=list)
    libraries: list = field(default_factory=list)


def read_table(text, file="dependencies.txt"):
    """Lines "FOLDER: FOLDER... [LIBRARY...]  # why": {name: Folder}."""
    table = {}
    for number, line in enumerate(text.split("\n"), 1):
        line = line.partition("#")[0].strip()
        if not line:
            continue
        parts = re.fullmatch(r"([\w/]+):([\w/ ]*)(?:\[([\w ]*)\])?", line)
        if not parts:
            raise SystemExit(
                f"{file}:{number}: expected 'FOLDER: FOLDER... [LIBRARY...]', found '{line}'"
            )
        name, folders, libraries = (
            parts.group(1),
            parts.group(2).split(),
            (parts.group(3) or "").split(),
        )
        if name in table:
            raise SystemExit(f"{file}:{number}: '{name}' has a line already: {table[name].line}")
        table[name] = Folder(name, number, folders, libraries)
    for folder in table.values():
        for name in folder.folders:
            if name not in table:
                raise SystemExit(f"{file}:{folder.line}: '{name}' has no line of its own")
        for name in folder.libraries:
            if name not in LIBRARIES and name != "lammps":
                raise SystemExit(
                    f"{file}:{folder.line}: unknown library '{name}'; "
                    f"accepted: lammps {' '.join(LIBRARIES)}"
                )
    return table


def reachable(table, name):
    """Folders that a folder may include: those named, and all that these may."""
    seen, waiting = set(), list(table[name].folders)
    while waiting:
        folder = waiting.pop()
        if folder not in seen:
            seen.add(folder)
            waiting += table[folder].folders
    return seen


def folder_of(table, path):
    """The line of the table that a file belongs to: the longest that its folders begin with."""
    parts = PurePosixPath(path).parent.parts
    for n in range(len(parts), 0, -1):
        if "/".join(parts[:n]) in table:
            return "/".join(parts[:n])
    return None


def includes(text):
    """(line, name, quoted) of each #include."""
    code = blanked(text, literals=False)
    return [
        (code.count("\n", 0, m.start()) + 1, m.group(1) or m.group(2), bool(m.group(1)))
        for m in INCLUDE.finditer(code)
    ]


class Tree:
    """The files that an include may mean."""

    def __init__(self, files):
        self.files = set(files)
        self.base_names = {}
        for path in files:
            self.base_names.setdefault(PurePosixPath(path).name, []).append(path)

    def resolve(self, includer, name):
        """Path of the file that a quoted include means, or None where it is no file of ours."""
        for place in (*(f"{root}/{name}" for root in ROOTS), name):
            if place in self.files:
                return place
        beside = str(PurePosixPath(includer).parent / name)
        if beside in self.files:
            return beside
        same = [
            p for p in self.base_names.get(PurePosixPath(name).name, []) if p.endswith(f"/{name}")
        ]
        return same[0] if same else None


def written_well(name, target):
    """Includes name the way from a root; headers of styles go by base name, as in LAMMPS."""
    if STYLE_HEADER.fullmatch(target):
        return name == PurePosixPath(target).name
    return target == name or target in {f"{root}/{name}" for root in ROOTS}


def library_of(name, quoted):
    for library, pattern in LIBRARIES.items():
        if pattern.match(name):
            return library
    return "lammps" if quoted and not GENERATED.search(name) else None


def cycles(edges):
    """Groups of folders that include each other in a circle. edges: {folder: {folder}}."""

    def reach(start):
        seen, waiting = set(), list(edges.get(start, ()))
        while waiting:
            folder = waiting.pop()
            if folder not in seen:
                seen.add(folder)
                waiting += edges.get(folder, ())
        return seen

    reached = {folder: reach(folder) for folder in edges}
    groups = {
        tuple(sorted({b for b in reached[a] if a in reached.get(b, ())} | {a}))
        for a in edges
        if a in reached[a]
    }
    return sorted(groups)


def check_file(table, tree, path, text, edges):
    """Findings of one file; adds what it includes to edges."""
    own = folder_of(table, path)
    if own is None:
        return [Finding(path, 0, f"{path}:folder", "this folder has no line in dependencies.txt")]
    allowed = reachable(table, own) | {own}
    found = []
    for line, name, quoted in includes(text):
        target = tree.resolve(path, name) if quoted else None
        if target:
            folder = folder_of(table, target)
            if not written_well(name, target):
                found.append(
                    Finding(
                        path,
                        line,
                        f"{path}:{name}",
                        f"write '{target.partition('/')[2]}' in the place of '{name}'; headers of "
                        f"styles go by their base names",
                    )
                )
            if folder and folder != own:
                edges.setdefault(own, set()).add(folder)
            if folder not in allowed:
                found.append(
                    Finding(
                        path,
                        line,
                        f"{path}:{name}",
                        f"'{own}' may not include '{name}' of '{folder}'; "
                        f"accepted: {' '.join(sorted(allowed))}",
                    )
                )
            continue
        library = library_of(name, quoted)
        if library and library not in table[own].libraries:
            found.append(
                Finding(
                    path, line, f"{path}:{name}", f"'{own}' may not include '{name}' of {library}"
                )
            )
    return found


def check(table, files, read):
    """All findings; read(path) gives the text of a file."""
    tree = Tree(files)
    found, edges = [], {}
    for name in table:
        if name in reachable(table, name):
            found.append(
                Finding(
                    "dependencies.txt",
                    table[name].line,
                    f"table:{name}",
                    f"'{name}' may include itself through others",
                )
            )
    for path in files:
        if path.endswith(CXX) and path.startswith(tuple(f"{root}/" for root in ROOTS)):
            found += check_file(table, tree, path, read(path), edges)
    for group in cycles(edges):
        found.append(
            Finding(
                group[0],
                0,
                "cycle:" + ",".join(group),
                "folders include each other in a circle: " + ", ".join(group),
            )
        )
    return found


def find(root, parsed=None):
    file = Path(__file__).with_name("dependencies.txt")
    table = read_table(file.read_text(encoding="utf-8"), file)
    return check(
        table, repository_files(root), lambda path: (root / path).read_text(encoding="utf-8")
    )


if __name__ == "__main__":
    raise SystemExit(run("includes", __doc__, find))
