"""Density-functional theory of molecules by PySCF as a calculator of ASE, for mlff-ase-client."""

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.units import Bohr, Hartree
from pyscf import dft, gto, lib


class DensityFunctional(Calculator):
    """Energy and forces of closed shells, with density fitting.

    A molecule starts from the density of the one before, if that has the same atoms.
    """

    implemented_properties = ["energy", "forces"]
    default_parameters = {
        "functional": "pbe0",
        "basis": "def2-svp",
        "grid": 2,
        "tolerance": 1e-7,
        "threads": 1,
    }

    def __init__(self, **keywords):
        super().__init__(**keywords)
        self.density = self.symbols = None
        lib.num_threads(self.parameters.threads)

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        symbols = self.atoms.get_chemical_symbols()
        molecule = gto.M(
            atom=list(zip(symbols, self.atoms.positions)),
            unit="Angstrom",
            basis=self.parameters.basis,
            charge=int(round(self.atoms.get_initial_charges().sum())),
            verbose=0,
        )
        field = dft.RKS(molecule, xc=self.parameters.functional).density_fit()
        field.grids.level, field.conv_tol = self.parameters.grid, self.parameters.tolerance
        energy = field.kernel(dm0=self.density if symbols == self.symbols else None)
        if not field.converged:
            raise RuntimeError("the self-consistent field does not converge")
        self.density, self.symbols = field.make_rdm1(), symbols
        gradient = field.nuc_grad_method().kernel()
        # Grids move with the atoms, which leaves a small net force: it is taken off.
        forces = np.mean(gradient, axis=0) - gradient
        self.results = {"energy": energy * Hartree, "forces": forces * (Hartree / Bohr)}
