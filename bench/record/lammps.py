"""Cases of a LAMMPS input: many in one process, and what each of them wrote."""

import re
from dataclasses import dataclass

from . import values
from .programs import ProgramError

# columns of a dump, and the quantity that they are a part of
QUANTITIES = {
    "x": "positions",
    "v": "velocities",
    "f": "forces",
    "i": "images",
    "c_eatom": "atom_energies",
    "c_satom": "atom_virials",
    "c_spread": "spread",
}


@dataclass
class Case:
    """Commands between two `clear`; OUT in them is what the names of its files begin with."""

    name: str
    commands: str


def quantity_of(column):
    if column in ("x", "y", "z"):
        return "positions"
    if column[0] in "vfi" and column[1:] in ("x", "y", "z"):
        return QUANTITIES[column[0]]
    return QUANTITIES[column.split("[")[0]]


def read_dump(path):
    """The last frame of a dump: for each quantity its numbers, atom by atom."""
    lines = path.read_text(encoding="utf-8").splitlines()
    begin = max(k for k, line in enumerate(lines) if line.startswith("ITEM: ATOMS"))
    columns = lines[begin].split()[2:]
    result = {}
    for line in lines[begin + 1 :]:
        for column, word in zip(columns, line.split()):
            if column != "id":
                result.setdefault(quantity_of(column), []).append(float(word))
    return result


def read_numbers(path):
    """Lines of a name and numbers."""
    result = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        key, *words = line.split()
        result[key] = [float(word) for word in words]
    return result


def report(key, formulas):
    """A command that writes the values of formulas under a name."""
    text = " ".join(f"$({formula}:%.17g)" for formula in formulas)
    return f'print "{key} {text}" append OUT.numbers screen no\n'


def dump_now(columns, label=""):
    """A command that writes atoms as they are; quantities are named with the label before them."""
    name = f"OUT.{label}.dump" if label else "OUT.dump"
    return f"write_dump all custom {name} id {columns} modify sort id format float %.17g\n"


def run_cases(rows, build, cases, work, words=(), suffix="", **how):
    """Runs cases in one process; where one ends it with an error, the rest run in another."""
    work.mkdir(parents=True, exist_ok=True)
    left = dict(enumerate(cases))
    attempt = 0
    while left:
        attempt += 1
        started, error = run_once(build, left, work, attempt, words, how)
        for number in [number for number in left if error is None or number <= started]:
            case = left.pop(number)
            if error is not None and number == started:
                rows.add_error(case.name + suffix, error)
            else:
                collect(rows, case.name + suffix, work, f"case{number}")


def run_once(build, cases, work, attempt, words, how):
    """Number of the case that was begun last, and the error that ended the process."""
    marks = work / f"started.{attempt}"
    text = ""
    for number, case in cases.items():
        text += f'clear\nprint "{number}" append {marks.name} screen no\n'
        text += re.sub(r"\bOUT\b", f"case{number}", case.commands).rstrip("\n") + "\n"
    script = work / f"in.{attempt}"
    script.write_text(text, encoding="utf-8")
    error = None
    try:
        build.lmp("-in", script.name, "-log", f"log.{attempt}", "-nocite", *words, work=work, **how)
    except ProgramError as failure:
        error = str(failure)
    started = int(marks.read_text(encoding="utf-8").split()[-1]) if marks.exists() else min(cases)
    return started, error


def collect(rows, name, work, prefix):
    """All that a case wrote as one row: printed numbers whole, those of atoms as arrays."""
    printed, dumped = {}, {}
    for path in sorted(work.glob(f"{prefix}.*")):
        if path.suffix == ".dump":
            label = path.name[len(prefix) + 1 : -len(".dump")].rstrip(".")
            for key, numbers in read_dump(path).items():
                dumped[f"{label}_{key}" if label else key] = numbers
        elif path.suffix == ".numbers":
            printed |= read_numbers(path)
    if printed or dumped:
        rows.put(name, {key: values.whole(numbers) for key, numbers in printed.items()})
        rows.add(name, **dumped)
    else:
        rows.add_error(name, "nothing was written")
