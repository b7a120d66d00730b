#!/usr/bin/env python3
"""Sodium chloride by teacher and student: compare.py STUDENT [PICTURE]

Lattice constant, elastic constants, the energy of cells of other volumes, and the time of a call by
one thread. Needs sevenn, ase and the Python module of mlff, and matplotlib for the picture.
"""

import sys
import time

import numpy as np
import torch
from ase.build import bulk
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from ase.units import GPa
from sevenn.calculator import SevenNetCalculator

from mlff.ase import MLFFCalculator

VOLUMES = np.linspace(0.85, 1.25, 17)  # shares of that of the teacher


def elastic_constant(crystal, row, column, size=0.01):
    """Derivative (GPa) of one component of the stress by the strain `row` along x or, for 3, yz."""
    stresses = []
    for sign in (1, -1):
        matrix = np.eye(3)
        if row == 3:
            matrix[1, 2] = matrix[2, 1] = sign * size / 2
        else:
            matrix[row, row] += sign * size
        atoms = crystal.copy()
        atoms.calc = crystal.calc
        atoms.set_cell(crystal.cell @ matrix, True)
        stresses.append(atoms.get_stress()[column] / GPa)
    return (stresses[0] - stresses[1]) / (2 * size)


def properties(calculator):
    crystal = bulk("NaCl", "rocksalt", a=5.7, cubic=True)
    crystal.calc = calculator
    BFGS(FrechetCellFilter(crystal), logfile=None).run(fmax=1e-4, steps=200)
    constants = [elastic_constant(crystal, *place) for place in ((0, 0), (0, 1), (3, 3))]
    return crystal.cell.lengths().mean(), constants


def energies(calculator, edge):
    """Energy of an atom, eV, at VOLUMES."""
    values = []
    for share in VOLUMES:
        crystal = bulk("NaCl", "rocksalt", a=edge * share ** (1 / 3), cubic=True)
        crystal.calc = calculator
        values.append(crystal.get_potential_energy() / len(crystal))
    return np.array(values)


def milliseconds(calculator, n_calls=7):
    """Median time of energy and forces of 64 atoms."""
    crystal = bulk("NaCl", "rocksalt", a=5.7, cubic=True).repeat(2)
    times = []
    for seed in range(n_calls):
        atoms = crystal.copy()
        atoms.rattle(0.01, seed=seed)
        atoms.calc = calculator
        start = time.perf_counter()
        atoms.get_forces()
        times.append(time.perf_counter() - start)
    return 1e3 * np.median(times)


def main(student, picture=None):
    torch.set_num_threads(1)
    calculators = {
        "7net-0": SevenNetCalculator(model="7net-0", device="cpu"),
        "student": MLFFCalculator(student, threads=1),
    }
    edge, curves = None, {}
    for name, calculator in calculators.items():
        a, (c11, c12, c44) = properties(calculator)
        edge = edge or a
        curves[name] = energies(calculator, edge)
        print(
            f"{name}: a {a:.4f} A, C11 {c11:.1f}, C12 {c12:.1f}, C44 {c44:.1f}, "
            f"B {(c11 + 2 * c12) / 3:.1f} GPa; 64 atoms in {milliseconds(calculator):.2f} ms"
        )
    error = curves["student"] - curves["7net-0"]
    worst = 1e3 * abs(error).max()
    print(f"largest error of an energy from 85 to 125 % of the volume: {worst:.2f} meV an atom")
    if not picture:
        return
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), constrained_layout=True)
    least = curves["7net-0"].min()
    axes.plot(100 * VOLUMES, 1e3 * (curves["student"] - least), "C0-", label="student")
    axes.plot(100 * VOLUMES, 1e3 * (curves["7net-0"] - least), "ko", mfc="none", label="7net-0")
    axes.set(xlabel="volume, % of that of 7net-0", ylabel="energy of an atom (meV)")
    axes.legend()
    figure.savefig(picture, dpi=120)


if __name__ == "__main__":
    main(*sys.argv[1:])
