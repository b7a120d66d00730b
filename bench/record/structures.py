"""Structures, the same in every run: of molecules that ship and a generator of random numbers."""

import math
import random
from dataclasses import dataclass, field

from .programs import TOP

MASSES = {"H": 1.008, "C": 12.011, "N": 14.007, "O": 15.999}
NUMBERS = {"H": 1, "C": 6, "N": 7, "O": 8}


@dataclass
class Structure:
    """Atoms in Å; a cell is (lx, ly, lz, xy, xz, yz) from the origin, None in the open."""

    symbols: list
    positions: list
    cell: tuple = None
    extra: dict = field(default_factory=dict)

    def elements(self):
        """Elements in the order of their first atoms: the atom types of a data file."""
        return list(dict.fromkeys(self.symbols))

    def vectors(self):
        lx, ly, lz, xy, xz, yz = self.cell
        return ((lx, 0.0, 0.0), (xy, ly, 0.0), (xz, yz, lz))

    def rattled(self, size, seed):
        """Every coordinate moved by up to `size`, evenly distributed."""
        generator = random.Random(seed)
        moved = [
            tuple(x + size * (2.0 * generator.random() - 1.0) for x in p) for p in self.positions
        ]
        return Structure(list(self.symbols), moved, self.cell)

    def moved(self, shift):
        return Structure(list(self.symbols), [add(p, shift) for p in self.positions], self.cell)

    def centred(self):
        """The middle of the atoms at the origin."""
        middle = [sum(p[a] for p in self.positions) / len(self.positions) for a in range(3)]
        return self.moved([-x for x in middle])

    def joined(self, other):
        return Structure(self.symbols + other.symbols, self.positions + other.positions, self.cell)

    def in_cell(self, cell):
        return Structure(list(self.symbols), list(self.positions), cell)

    def replicated(self, counts):
        """Copies along the three vectors of the cell, in a cell of their own."""
        a, b, c = self.vectors()
        symbols, positions = [], []
        for i in range(counts[0]):
            for j in range(counts[1]):
                for k in range(counts[2]):
                    shift = [i * a[d] + j * b[d] + k * c[d] for d in range(3)]
                    symbols += self.symbols
                    positions += [add(p, shift) for p in self.positions]
        lx, ly, lz, xy, xz, yz = self.cell
        nx, ny, nz = counts
        return Structure(symbols, positions, (nx * lx, ny * ly, nz * lz, ny * xy, nz * xz, nz * yz))


def add(p, q):
    return tuple(x + y for x, y in zip(p, q))


def molecule(name):
    """A structure of examples/molecules/start, about the origin."""
    with open(TOP / "examples" / "molecules" / "start" / f"{name}.xyz", encoding="utf-8") as file:
        lines = file.read().splitlines()
    rows = [line.split() for line in lines[2 : 2 + int(lines[0])]]
    return Structure(
        [row[0] for row in rows], [tuple(map(float, row[1:4])) for row in rows]
    ).centred()


def ion_pair():
    """Acetate and methylammonium some 5 Å apart."""
    acetate = [
        ("C", -3.53867, -0.86694, 0.04473),
        ("C", -2.76836, 0.42287, 0.00094),
        ("O", -3.23427, 1.28696, -0.77617),
        ("O", -1.72060, 0.43020, 0.71291),
        ("H", -3.89691, -1.09405, 1.03644),
        ("H", -2.88533, -1.71771, -0.29119),
        ("H", -4.41590, -0.80154, -0.61916),
    ]
    methylammonium = [
        ("C", 2.73554, -0.18206, -0.58122),
        ("N", 2.83946, 0.77528, 0.54903),
        ("H", 2.89421, 0.35149, -1.50360),
        ("H", 3.51691, -0.99175, -0.46794),
        ("H", 1.74028, -0.60777, -0.54229),
        ("H", 2.73751, 0.29735, 1.43024),
        ("H", 2.20435, 1.50173, 0.47732),
        ("H", 3.79177, 1.19595, 0.52997),
    ]
    rows = acetate + [(s, x + 1.5, y, z) for s, x, y, z in methylammonium]
    return Structure([row[0] for row in rows], [row[1:] for row in rows])


def systems():
    """All structures of the record, by name."""
    ethanol, water, caffeine = molecule("ethanol"), molecule("water"), molecule("caffeine")
    pair = ion_pair()
    ethanol_cell = ethanol.in_cell((6.6, 6.1, 5.9, 0.0, 0.0, 0.0))
    water_cell = water.in_cell((3.2, 3.1, 3.0, 0.4, -0.3, 0.5))
    return {
        "ethanol": ethanol.rattled(0.05, 1),
        "caffeine": caffeine.rattled(0.05, 2),
        "caffeine-cluster": caffeine.in_cell((11.5, 8.0, 6.5, 0.0, 0.0, 0.0))
        .replicated((2, 2, 2))
        .in_cell(None)
        .rattled(0.05, 12),
        "aspirin": molecule("aspirin").rattled(0.02, 3),
        "two-ethanols": ethanol.rattled(0.04, 4).joined(
            ethanol.moved((14.0, 1.0, -2.0)).rattled(0.04, 5)
        ),
        "ethanol-crystal": ethanol_cell.replicated((2, 2, 2)).rattled(0.05, 6),
        "ethanol-small-cell": ethanol_cell.rattled(0.05, 7),
        "water-triclinic": water_cell.replicated((3, 3, 3)).rattled(0.08, 8),
        "ion-pair": pair.rattled(0.03, 9),
        "ion-pair-cell": pair.in_cell((15.0, 12.0, 13.0, 0.0, 0.0, 0.0)).rattled(0.03, 10),
        "ion-pair-triclinic": pair.in_cell((15.0, 12.0, 13.0, 2.5, -1.5, 3.0)).rattled(0.03, 11),
    }


def write_data(path, structure, types, margin=20.0, molecules=None):
    """A LAMMPS data file; with `molecules`, their IDs, in atom_style full without charges."""
    lines = [
        "structure of the record",
        "",
        f"{len(structure.symbols)} atoms",
        f"{len(types)} atom types",
        "",
    ]
    if structure.cell:
        lx, ly, lz, xy, xz, yz = structure.cell
        lines += [f"0 {lx:.10f} xlo xhi", f"0 {ly:.10f} ylo yhi", f"0 {lz:.10f} zlo zhi"]
        if xy or xz or yz:
            lines.append(f"{xy:.10f} {xz:.10f} {yz:.10f} xy xz yz")
    else:
        for a, name in enumerate("xyz"):
            coordinates = [p[a] for p in structure.positions]
            lines.append(
                f"{min(coordinates) - margin:.4f} {max(coordinates) + margin:.4f} {name}lo {name}hi"
            )
    lines += ["", "Masses", ""] + [f"{t + 1} {MASSES[element]}" for t, element in enumerate(types)]
    lines += ["", "Atoms # full" if molecules else "Atoms # atomic", ""]
    for i, (symbol, p) in enumerate(zip(structure.symbols, structure.positions)):
        words = (
            [i + 1]
            + ([molecules[i]] if molecules else [])
            + [types.index(symbol) + 1]
            + ([0.0] if molecules else [])
        )
        lines.append(" ".join(map(str, words)) + " " + " ".join(f"{x:.10f}" for x in p))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@dataclass
class Frame:
    """A structure, and further columns and keys of its extended XYZ file by their names there."""

    structure: Structure
    columns: dict = field(default_factory=dict)
    keys: dict = field(default_factory=dict)


def xyz_text(frame):
    structure = frame.structure
    properties = "species:S:1:pos:R:3" + "".join(
        f":{name}:R:{len(rows[0]) if isinstance(rows[0], tuple) else 1}"
        for name, rows in frame.columns.items()
    )
    comment = f"Properties={properties}"
    if structure.cell:
        numbers = " ".join(repr(x) for vector in structure.vectors() for x in vector)
        comment += f' Lattice="{numbers}" pbc="T T T"'
    else:
        comment += ' pbc="F F F"'
    comment += "".join(f" {key}={value!r}" for key, value in frame.keys.items())
    lines = [str(len(structure.symbols)), comment]
    for i, symbol in enumerate(structure.symbols):
        numbers = list(structure.positions[i])
        for rows in frame.columns.values():
            numbers += rows[i] if isinstance(rows[i], tuple) else (rows[i],)
        lines.append(" ".join([symbol] + [repr(x) for x in numbers]))
    return "\n".join(lines) + "\n"


def write_xyz(path, frames):
    path.write_text("".join(xyz_text(frame) for frame in frames), encoding="utf-8")


def distance(p, q):
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(p, q)))
