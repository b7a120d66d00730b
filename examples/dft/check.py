#!/usr/bin/env python3
"""Labels of a client against the output of its program: check.py INPUT FRAMES [NUMBER]

Runs CP2K (INPUT ends in .inp) or NWChem (.nw) by itself for one frame of FRAMES, extended XYZ, by
default the first (1), and prints how far its labels are from what the program prints.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

# CODATA 2018
HARTREE, BOHR = 27.211386245988, 0.529177210903
FORCE = HARTREE / BOHR
GPA = 160.2176634  # GPa of one eV/Å^3


def frame_of(path, number=0):
    """Elements, positions, and as far as they are there cell, energy, forces and stress."""
    lines = Path(path).read_text().splitlines()
    n = int(lines[0])
    frames = [lines[k : k + n + 2] for k in range(0, len(lines), n + 2)]
    comment = frames[number][1]
    rows = [text.split() for text in frames[number][2:]]
    keys = {}
    for key, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|(\S+))', comment):
        keys[key.lower()] = quoted or bare
    columns, at = {}, 0
    words = keys["properties"].split(":")
    for name, kind, count in zip(words[0::3], words[1::3], words[2::3], strict=True):
        end = at + int(count)
        columns[name] = [
            [float(x) if kind == "R" else x for x in row[at:end]] for row in rows
        ]
        at = end
    frame = {"elements": [row[0] for row in columns["species"]], "positions": columns["pos"]}
    frame["forces"] = columns.get("forces")
    # LAMMPS calls it so
    energy = keys.get("energy", keys.get("potential_energy"))
    frame["energy"] = float(energy) if energy else None
    for key in ("lattice", "stress"):
        numbers = [float(x) for x in keys.get(key, "").split()]
        frame[key] = [numbers[0:3], numbers[3:6], numbers[6:9]] if numbers else None
    return frame


def line(numbers):
    return " ".join(repr(x) for x in numbers)


def filled(text, frame, structure):
    """An input without words in braces."""
    lattice = frame["lattice"] or [[0.0] * 3] * 3
    rows = zip(frame["elements"], frame["positions"], strict=True)
    values = {
        "address": "nobody",
        "charge": "0",
        "multiplicity": "1",
        "structure": str(structure),
        "coordinates": "".join(f"{element} {line(x)}\n" for element, x in rows),
    }
    for name, vector in zip("abc", lattice, strict=True):
        values["cell_" + name] = line(vector)
    for key, value in values.items():
        text = text.replace("{" + key + "}", value)
    return text


def numbers_after(pattern, text, n_rows, first, flags=re.MULTILINE):
    """Three numbers, from word `first` on, of each of the lines behind the last match."""
    matches = list(re.finditer(pattern, text, flags))
    if not matches:
        sys.exit(f"check.py: the output has no line '{pattern}'")
    rows = text[matches[-1].end() :].split("\n")[1 : 1 + n_rows]
    return [[float(x) for x in row.split()[first : first + 3]] for row in rows]


def energy_of(pattern, text):
    found = re.findall(pattern, text)
    if not found:
        sys.exit(f"check.py: the output has no energy:\n{text[-1000:]}")
    return HARTREE * float(found[-1])


def of_cp2k(text, n):
    """Energy (eV), forces (eV/Å), stress (eV/Å^3, negative under pressure) of an output."""
    forces = numbers_after(r"# Atom +Kind +Element.*$", text, n, 3)
    stress = numbers_after(r"STRESS\| +x +y +z *$", text, 3, 2)
    return (
        energy_of(r"energy \[a\.u\.\]: +(\S+)", text),
        [[FORCE * x for x in row] for row in forces],
        [[-x / GPA for x in row] for row in stress],
    )


def of_nwchem(text, n):
    """The same; no stress."""
    gradient = numbers_after(r"^ +x +y +z +x +y +z *$", text, n, 5)
    return (
        energy_of(r"Total DFT energy = +(\S+)", text),
        [[-FORCE * x for x in row] for row in gradient],
        None,
    )


def run(source, frame):
    """What the program says of a frame."""
    cp2k = source.suffix == ".inp"
    text = source.read_text()
    for wanted, other in (
        ("RUN_TYPE DRIVER", "RUN_TYPE ENERGY_FORCE"),
        ("task dft optimize", "task dft gradient"),
    ):
        text = text.replace(wanted, other)
    with tempfile.TemporaryDirectory() as folder:
        structure = Path(folder) / "frame.xyz"
        rows = zip(frame["elements"], frame["positions"], strict=True)
        atoms = "".join(f"{element} {line(x)}\n" for element, x in rows)
        structure.write_text(f"{len(frame['elements'])}\n\n{atoms}")
        (Path(folder) / source.name).write_text(filled(text, frame, structure))
        command = ["cp2k.psmp", "-i", source.name] if cp2k else ["nwchem", source.name]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"check.py: {command[0]} failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    return (of_cp2k if cp2k else of_nwchem)(done.stdout, len(frame["elements"]))


def largest_difference(a, b):
    return max(
        abs(x - y) for one, other in zip(a, b, strict=True) for x, y in zip(one, other, strict=True)
    )


def main(source, frames, number=1):
    source, frame = Path(source), frame_of(frames, int(number) - 1)
    energy, forces, stress = run(source, frame)
    said = [
        f"energy {energy:.6f} eV, that of the label is off by {energy - frame['energy']:.1e} eV",
        f"forces by at most {largest_difference(forces, frame['forces']):.1e} eV/A",
    ]
    if stress and frame["stress"]:
        said.append(f"stress by {largest_difference(stress, frame['stress']):.1e} eV/A^3")
    print(f"{source.name}, frame {number}: {', '.join(said)}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
