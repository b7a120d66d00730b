#!/usr/bin/env python3
"""Reads the dump of in.committee with MDAnalysis, and tells where the potentials disagree.

doubt.py [DUMP]
"""

import sys
import warnings

import MDAnalysis
import numpy as np


def read(dump):
    """Elements of the atoms, and the spread of each in each frame, meV/A."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the dump has no masses; those of the elements do
        universe = MDAnalysis.Universe(
            dump,
            topology_format="LAMMPSDUMP",
            format="LAMMPSDUMP",
            dt=0.0005,  # ps of a timestep
            additional_columns=["c_spread"],
        )
        spread = [1000 * frame.data["c_spread"].copy() for frame in universe.trajectory]
    return universe, np.array(spread)


def main(dump="frames.dump"):
    universe, spread = read(dump)
    elements = universe.atoms.elements
    names = sorted(set(elements))
    print("  ps " + "".join(f"{name:>6s}" for name in names) + "   (mean spread, meV/A)")
    n = len(spread) // 4
    for first in range(0, 4 * n, n):
        means = spread[first : first + n].mean(0)
        row = "".join(f"{means[elements == name].mean():6.0f}" for name in names)
        print(f"{universe.trajectory[first].time:4.0f}{row}")

    frame, atom = np.unravel_index(spread.argmax(), spread.shape)
    universe.trajectory[frame]
    distances = np.linalg.norm(universe.atoms.positions - universe.atoms[atom].position, axis=1)
    nearest = np.argsort(distances)[1]
    print(
        f"largest: {spread.max():.0f} meV/A on {elements[atom]}{atom + 1} at "
        f"{universe.trajectory.time:.2f} ps, {distances[nearest]:.2f} A from "
        f"{elements[nearest]}{nearest + 1}"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
