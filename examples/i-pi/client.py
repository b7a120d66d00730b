#!/usr/bin/env python3
"""Client of i-PI through ASE: client.py [POTENTIAL [ADDRESS]]. Start i-PI first."""

import sys

from ase.calculators.socketio import SocketClient
from ase.io import read

from mlff.ase import MLFFCalculator


def main(potential="ethanol-gfn2-painn32", address="mlff"):
    # elements and their order; positions come from i-PI
    atoms = read("ethanol.xyz", format="xyz")
    atoms.calc = MLFFCalculator(potential, threads=1)
    SocketClient(unixsocket=address).run(atoms, use_stress=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
