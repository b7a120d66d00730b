#!/usr/bin/env python3
"""Lattice constant, elastic constants and a vacancy of silicon, of a potential learned from DFT.

elastic.py [POTENTIAL [SNAP]]: SNAP is a file of LAMMPS commands, for example Si_Zuo_JPCA2020.snap, whose
results are printed beside those of the potential; it needs ASE, the module mlff, and lmp with the
package ML-SNAP.
"""

import sys
from pathlib import Path

import numpy as np
from ase.build import bulk
from ase.calculators.lammpsrun import LAMMPS
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS, FIRE
from ase.units import GPa

from mlff.ase import MLFFCalculator

# PBE: the frame without strain, and central differences of the stresses of those with 2 % strain,
# of the training set (Zuo et al., J. Phys. Chem. A 124, 731 (2020)). Its atoms did not relax.
DFT = {"a": 5.4687, "C11": 153.0, "C12": 56.7, "C44 unrelaxed": 99.0, "B": 88.8}


def snap(commands):
    """A calculator of LAMMPS with the pair_style and pair_coeff of a file."""
    lines = [line.split("#")[0].split(None, 1) for line in Path(commands).read_text().splitlines()]
    settings = [line for line in lines if len(line) == 2]
    return LAMMPS(
        command="lmp",
        pair_style=next(value for key, value in settings if key == "pair_style"),
        pair_coeff=[value for key, value in settings if key == "pair_coeff"],
    )


def strained(crystal, component, relax, size=0.02):
    """Derivative of the six stresses (GPa) by a component of the strain, by central differences."""
    stresses = []
    for sign in (1, -1):
        matrix = np.eye(3)
        for place in {component, component[::-1]}:
            matrix[place] += sign * size / (1 if component[0] == component[1] else 2)
        atoms = crystal.copy()
        atoms.calc = crystal.calc
        atoms.set_cell(crystal.cell @ matrix, True)
        if relax:
            BFGS(atoms, logfile=None).run(fmax=1e-4, steps=200)
        stresses.append(atoms.get_stress() / GPa)
    return (stresses[0] - stresses[1]) / (2 * size)


def properties(calculator):
    crystal = bulk("Si", cubic=True)
    crystal.calc = calculator
    BFGS(FrechetCellFilter(crystal), logfile=None).run(fmax=1e-4, steps=200)
    along = strained(crystal, (0, 0), False)
    found = {
        "a": crystal.cell.lengths().mean(),
        "C11": along[0],
        "C12": along[1:3].mean(),
        "C44 unrelaxed": strained(crystal, (1, 2), False)[3],
        "C44": strained(crystal, (1, 2), True)[3],
    }
    found["B"] = (found["C11"] + 2 * found["C12"]) / 3
    perfect = crystal.repeat(2)
    perfect.calc = calculator
    energy = perfect.get_potential_energy()
    vacancy = perfect.copy()
    del vacancy[0]
    vacancy.calc = calculator
    vacancy.rattle(0.05, seed=3)
    FIRE(vacancy, logfile=None).run(fmax=0.01, steps=500)
    found["vacancy"] = vacancy.get_potential_energy() - energy * (1 - 1 / len(perfect))
    return found


def main(potential="silicon-mlearn-painn64", snap_commands=None):
    columns = {"DFT": DFT, "student": properties(MLFFCalculator(potential, threads=1))}
    if snap_commands:
        columns["SNAP"] = properties(snap(snap_commands))
    print(" " * 26 + "".join(f"{name:>14}" for name in columns))
    units = {"a": "A", "vacancy": "eV"}
    for key in columns["student"]:
        text = f"{key} ({units.get(key, 'GPa')})".ljust(26)
        for values in columns.values():
            digits = 4 if key == "a" else 2 if key == "vacancy" else 1
            cell = f"{values[key]:.{digits}f}" if key in values else "-"
            if key in values and key in DFT and values is not DFT:
                cell += f" ({100 * (values[key] / DFT[key] - 1):+.1f} %)"
            text += cell.rjust(14 if values is DFT else 20)
        print(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
