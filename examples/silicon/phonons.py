#!/usr/bin/env python3
"""Lattice constant, elastic constants and phonons of silicon: phonons.py [PICTURE]

By the student, and by its teacher where the program lmp is found.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from ase import units
from ase.build import bulk
from ase.calculators.lammpsrun import LAMMPS
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from ase.phonons import Phonons

from mlff.ase import MLFFCalculator

HERE = Path(__file__).resolve().parent
TERAHERTZ = 1e12 * units._hplanck * units.J  # eV


def teacher(program="lmp"):
    """The potential of Stillinger and Weber, by LAMMPS."""
    coefficients = '* * "{}" Si'.format(HERE / "Si.sw")
    return LAMMPS(command=program, pair_style="sw", pair_coeff=[coefficients])


def elastic_constants(crystal):
    """C11, C12 and C44 of a cubic crystal, GPa, from stresses of small strains; atoms relax."""
    found = []
    for strain in ((0, 0), (1, 2)):
        matrix = np.eye(3)
        matrix[strain] += 0.002
        stresses = []
        for sign in (1, -1):
            strained = crystal.copy()
            strained.calc = crystal.calc
            strained.set_cell(crystal.cell @ (np.eye(3) + sign * (matrix - np.eye(3))), True)
            BFGS(strained, logfile=None).run(fmax=1e-4, steps=200)
            stresses.append(strained.get_stress())
        found.append((stresses[0] - stresses[1]) / 0.004 / units.GPa)
    return found[0][0], found[0][1], found[1][3]


def properties(calculator, n_cells=5):
    """Lattice constant (A), elastic constants (GPa), and the band structure."""
    crystal = bulk("Si", cubic=False)
    crystal.calc = calculator
    BFGS(FrechetCellFilter(crystal), logfile=None).run(fmax=1e-4, steps=200)
    lattice_constant = np.sqrt(2) * crystal.cell.lengths()[0]
    elastic = elastic_constants(crystal)
    with tempfile.TemporaryDirectory() as folder:
        phonons = Phonons(
            crystal, calculator, supercell=(n_cells,) * 3, delta=0.01, name=f"{folder}/phonons"
        )
        phonons.run()
        phonons.read(acoustic=True)
    path = crystal.cell.bandpath("GXKGL", npoints=100)
    bands = phonons.get_band_structure(path).energies[0] / TERAHERTZ
    return lattice_constant, elastic, path, bands


def draw(results, file):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), constrained_layout=True)
    for (name, (_, _, path, bands)), style in zip(results.items(), ("C0-", "k:")):
        x, ticks, labels = path.get_linear_kpoint_axis()
        lines = axes.plot(x, bands, style)
        lines[0].set_label(name)
    axes.set_xticks(ticks, [label.replace("G", "Γ") for label in labels])
    axes.grid(axis="x")
    axes.set(xlim=(x[0], x[-1]), ylim=(0, None), ylabel="frequency (THz)")
    axes.legend()
    figure.savefig(file, dpi=120)


def main(picture=None):
    results = {"student": properties(MLFFCalculator("silicon-sw-painn32", threads=1))}
    if shutil.which("lmp"):
        results["Stillinger-Weber"] = properties(teacher())
    for name, (lattice_constant, elastic, _, bands) in results.items():
        print(
            f"{name}: a {lattice_constant:.4f} A, C11 {elastic[0]:.0f}, C12 {elastic[1]:.0f}, "
            f"C44 {elastic[2]:.0f} GPa, highest mode {bands.max():.2f} THz"
        )
    if len(results) == 2:
        student, expected = (row[3] for row in results.values())
        print(f"largest difference of a frequency: {abs(student - expected).max():.2f} THz")
    if picture:
        draw(results, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
