#!/usr/bin/env python3
"""Frames of mlearn (Y. Zuo et al., J. Phys. Chem. A 124, 731 (2020)) as extended XYZ.

mlearn.py FILE.json FILE.xyz: a file of the folder data of the repository
materialsvirtuallab/mlearn, whose licence is BSD-3. Needs ASE.
"""

import json
import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from ase.units import GPa


def frame(entry):
    structure, outputs = entry["structure"], entry["outputs"]
    atoms = Atoms(
        [site["species"][0]["element"] for site in structure["sites"]],
        positions=[site["xyz"] for site in structure["sites"]],
        cell=structure["lattice"]["matrix"],
        pbc=True,
        info={"group": entry["group"]},
    )
    # a pressure in kbar, xx yy zz xy yz xz; ASE's order is xx yy zz yz xz xy
    stress = -0.1 * GPa * np.array(outputs["virial_stress"])[[0, 1, 2, 4, 5, 3]]
    atoms.calc = SinglePointCalculator(
        atoms, energy=outputs["energy"], forces=np.array(outputs["forces"]), stress=stress
    )
    return atoms


def main(source, target):
    if Path(target).exists():
        sys.exit(f"mlearn.py: '{target}' exists already")
    frames = [frame(entry) for entry in json.loads(Path(source).read_text())]
    write(target, frames, format="extxyz")
    print(f"{len(frames)} frames in {target}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
