#!/usr/bin/env python3
"""Ethanol in ASE: a relaxation, dynamics at constant energy, and the doubt of a committee."""

import numpy as np
from ase import units
from ase.build import molecule
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS

from mlff.ase import MLFFCalculator

atoms = molecule("CH3CH2OH")
atoms.calc = MLFFCalculator("ethanol-gfn2-painn32", threads=1)
relaxation = BFGS(atoms, logfile=None)
relaxation.run(fmax=0.001)
print(f"relaxed in {relaxation.nsteps} steps to {atoms.get_potential_energy():.6f} eV")

# momenta of 300 K, without motion of the whole
generator = np.random.default_rng(1)
mass = atoms.get_masses()[:, None]
momenta = np.sqrt(mass * 300 * units.kB) * generator.standard_normal((9, 3))
atoms.set_momenta(momenta - mass * momenta.sum(0) / mass.sum())
dynamics = VelocityVerlet(atoms, 0.5 * units.fs)
for picosecond in range(3):
    print(
        f"{picosecond} ps: {atoms.get_temperature():4.0f} K, "
        f"total energy {atoms.get_total_energy():.4f} eV"
    )
    dynamics.run(2000)

files = ["ethanol-gfn2-painn32", "druglike-gfn2-painn64"]
atoms.calc = MLFFCalculator(files, threads=1)
energy, results = atoms.get_potential_energy(), atoms.calc.results
print(f"committee: {energy:.4f} eV, members {1000 * results['energy_spread']:.1f} meV apart")
print(f"largest doubt of a force: {1000 * results['spread'].max():.0f} meV/A")
