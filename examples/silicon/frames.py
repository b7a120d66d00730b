#!/usr/bin/env python3
"""Frames of silicon for a universal model to label.

frames.py around Si_training.xyz: those of a training set as they are, displaced, and strained.
frames.py melt FILE.lammpstrj ...: those that in.melt wrote. Writes around.xyz or melt.xyz; needs ASE.
"""

import sys

import numpy as np
from ase import Atoms
from ase.io import read, write


def copy(atoms, generator, rattle, strain):
    moved = Atoms(atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=True)
    if rattle > 0:
        matrix = generator.normal(0, strain, (3, 3))
        moved.set_cell(moved.cell @ (np.eye(3) + (matrix + matrix.T) / 2), scale_atoms=True)
        moved.positions += generator.normal(0, rattle, moved.positions.shape)
    return moved


def around(file):
    frames = read(file, ":")
    generator, copies = np.random.default_rng(5), []
    for atoms in frames:
        copies += [copy(atoms, generator, rattle, 0.025) for rattle in (0.0, 0.1, 0.2)]
    # the melt is where errors are largest
    generator = np.random.default_rng(6)
    for atoms in frames:
        hot = np.abs(atoms.get_forces()).max() > 1.5
        for rattle in (0.04, 0.08, 0.12, 0.16, 0.2, 0.25) if hot else (0.1, 0.2):
            copies.append(copy(atoms, generator, rattle, 0.03))
    return copies


def melt(*files):
    frames = []
    for file in files:
        for atoms in read(file, ":", format="lammps-dump-text"):
            whole = Atoms(["Si"] * len(atoms), positions=atoms.positions, cell=atoms.cell, pbc=True)
            whole.wrap()
            frames.append(whole)
    return frames


if __name__ == "__main__":
    kinds = {"around": around, "melt": melt}
    if len(sys.argv) < 3 or sys.argv[1] not in kinds:
        sys.exit(__doc__)
    frames = kinds[sys.argv[1]](*sys.argv[2:])
    write(f"{sys.argv[1]}.xyz", frames, format="extxyz")
    print(f"{len(frames)} frames in {sys.argv[1]}.xyz")
