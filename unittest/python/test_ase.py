"""The calculator of ASE: its cache, dynamics, relaxations, phonons, sockets, copies."""

import copy
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ase", reason="the package ase is not installed")

from ase import Atoms, units
from ase.build import molecule
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.calculators.socketio import SocketIOCalculator
from ase.filters import ExpCellFilter, FrechetCellFilter
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary, ZeroRotation
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS
from ase.phonons import Phonons
from ase.vibrations import Vibrations
from conftest import ETHANOL_NUMBERS, ETHANOL_POSITIONS

import mlff
from mlff.ase import MLFFCalculator


@pytest.fixture
def atoms():
    atoms = Atoms(ETHANOL_NUMBERS, ETHANOL_POSITIONS)
    atoms.calc = MLFFCalculator("ethanol-gfn2-painn32")
    return atoms


@pytest.fixture
def chain():
    """Polyethylene, periodic along c."""
    c, carbon, hydrogen = 2.56, 0.42, 0.88
    positions = []
    for side, z in ((1, 0.0), (-1, c / 2)):
        positions.append([0, side * carbon, z])
        positions += [[x, side * (carbon + 0.59), z] for x in (hydrogen, -hydrogen)]
    return Atoms(
        "CH2CH2",
        positions,
        cell=[14, 14, c],
        pbc=[False, False, True],
        calculator=MLFFCalculator("druglike-gfn2-painn64"),
    )


def count_calls(calculator):
    """Evaluations from now on, as a list that grows."""
    calls = []
    evaluate = calculator.potential.evaluate

    class Counted:
        def __getattr__(self, name):
            return getattr(mine, name)

        def evaluate(self, atoms):
            calls.append(len(atoms))
            return evaluate(atoms)

    mine, calculator.potential = calculator.potential, Counted()
    return calls


def test_results(atoms):
    expected = atoms.calc.potential.evaluate(atoms)
    assert atoms.get_potential_energy() == expected.energy[0]
    assert atoms.get_potential_energy(force_consistent=True) == expected.energy[0]
    assert (atoms.get_forces() == expected.forces).all()
    assert atoms.get_potential_energies().sum() == pytest.approx(expected.energy[0], abs=1e-9)
    numeric = calculate_numerical_forces(atoms, eps=1e-4)
    np.testing.assert_allclose(atoms.get_forces(), numeric, atol=1e-6)
    with pytest.raises(PropertyNotImplementedError):
        atoms.get_stress()
    with pytest.raises(PropertyNotImplementedError):
        atoms.calc.get_property("spread", atoms)


def test_stress(crystal):
    atoms = Atoms(
        crystal.numbers,
        crystal.positions,
        cell=crystal.cell,
        pbc=True,
        calculator=MLFFCalculator("druglike-gfn2-painn64"),
    )
    stress = atoms.get_stress()
    assert stress.shape == (6,)
    assert stress.dtype == np.float64
    assert stress.flags.c_contiguous
    assert atoms.get_stress(voigt=False)[1, 2] == stress[3]
    np.testing.assert_allclose(stress, calculate_numerical_stress(atoms, eps=1e-5), atol=1e-6)


def test_committee(ethanol):
    files = ["ethanol-gfn2-painn32", "druglike-gfn2-painn64"]
    atoms = Atoms(ethanol.numbers, ethanol.positions, calculator=MLFFCalculator(files))
    atoms.get_forces()
    expected = mlff.Potential(files, precision="double").evaluate(ethanol)
    assert (atoms.calc.results["spread"] == expected.spread).all()
    assert (atoms.calc.get_property("spread", atoms) == expected.spread).all()
    assert atoms.calc.results["energy_spread"] == expected.energy_spread[0] > 0
    assert "spread" not in MLFFCalculator.implemented_properties


def test_cache(atoms):
    calls = count_calls(atoms.calc)
    atoms.get_potential_energy()
    atoms.get_forces()
    atoms.get_potential_energies()
    assert len(calls) == 1
    atoms.positions[0, 0] += 1e-12
    atoms.get_forces()
    assert len(calls) == 2
    atoms.numbers[1] = 8
    atoms.get_forces()
    assert len(calls) == 3
    atoms.cell = [20, 20, 20]
    atoms.get_forces()
    assert len(calls) == 4
    atoms.pbc = [True, True, True]
    atoms.get_stress()
    atoms.get_forces()
    assert len(calls) == 5
    del atoms[8]
    assert atoms.get_forces().shape == (8, 3)
    assert calls == [9] * 5 + [8]
    atoms.get_forces()[:] = 0.0  # a copy
    assert (atoms.get_forces() != 0).any()


def test_one_calculator_for_structures_of_all_sizes():
    calculator = MLFFCalculator("druglike-gfn2-painn64")
    for name in ("CH4", "H2O", "C6H6", "CH4"):
        atoms = molecule(name)
        atoms.calc = calculator
        fresh = MLFFCalculator("druglike-gfn2-painn64")
        assert (atoms.get_forces() == fresh.get_property("forces", atoms)).all()


def test_survives_errors(atoms):
    energy = atoms.get_potential_energy()
    changed = atoms.copy()
    changed.calc = atoms.calc
    changed.numbers[0] = 14
    for _ in range(2):
        with pytest.raises(ValueError, match="atom 1 is Si"):
            changed.get_forces()
    assert atoms.get_potential_energy() == energy
    with pytest.raises(ValueError, match="does not change its settings"):
        atoms.calc.set(precision="single")


def test_copies(atoms):
    expected = atoms.get_forces()
    for other in (copy.deepcopy(atoms.calc), pickle.loads(pickle.dumps(atoms.calc))):
        moved = atoms.copy()
        moved.positions += [[0.1, 0, 0]] + [[0, 0, 0]] * 8
        moved.calc = other
        moved.get_forces()
        assert (atoms.get_forces() == expected).all()
        again = atoms.copy()
        again.calc = other
        assert (again.get_forces() == expected).all()
    shared = MLFFCalculator(atoms.calc.potential)
    assert (shared.get_property("forces", atoms) == expected).all()
    with pytest.raises(ValueError, match="precision: the engine of a Potential is chosen already"):
        MLFFCalculator(atoms.calc.potential, precision="single")
    with pytest.raises(TypeError, match="no argument 'device'; accepted: threads, precision"):
        MLFFCalculator("ethanol-gfn2-painn32", device="cpu")


def test_dynamics_keep_the_energy(atoms):
    MaxwellBoltzmannDistribution(atoms, temperature_K=600, rng=np.random.default_rng(5))
    Stationary(atoms)
    ZeroRotation(atoms)
    BFGS(atoms, logfile=None).run(fmax=0.05, steps=200)
    atoms.set_momenta(atoms.get_momenta())
    dynamics = VelocityVerlet(atoms, 0.5 * units.fs)
    energies, kinetic = [], []

    def record():
        energies.append(atoms.get_total_energy())
        kinetic.append(atoms.get_kinetic_energy())

    dynamics.attach(record, interval=10)
    dynamics.run(20000)  # 10 ps
    n = len(energies) // 4
    drift = abs(np.mean(energies[-n:]) - np.mean(energies[:n]))
    assert drift < 0.01 * np.mean(kinetic)


def test_relaxation(atoms):
    assert BFGS(atoms, logfile=None).run(fmax=1e-4, steps=500)
    assert np.linalg.norm(atoms.get_forces(), axis=1).max() < 1e-4
    with tempfile.TemporaryDirectory() as folder:
        vibrations = Vibrations(atoms, name=f"{folder}/vib")
        vibrations.run()
        frequencies = vibrations.get_frequencies()
    # six motions of the whole molecule; then real ones up to the stretch of O-H
    assert np.abs(frequencies[:6]).max() < 60
    assert (np.abs(frequencies[6:].imag) < 1e-6).all()
    assert 3000 < frequencies[-1].real < 4200


along_c = [False, False, True, False, False, False]


@pytest.mark.filterwarnings("ignore:Use FrechetCellFilter")
@pytest.mark.parametrize("kind", [ExpCellFilter, FrechetCellFilter])
def test_relaxation_of_a_cell(chain, kind):
    chain.rattle(0.03, seed=3)
    chain.set_cell([14, 14, 2.7], scale_atoms=True)
    filtered = kind(chain, mask=along_c)
    assert BFGS(filtered, logfile=None).run(fmax=1e-3, steps=300)
    # of the whole cell, most of which is vacuum
    assert abs(chain.get_stress()[2]) * chain.get_volume() < 0.05
    assert 2.5 < chain.cell[2, 2] < 2.6
    # a C-C bond
    assert chain.get_distance(0, 3, mic=True) == pytest.approx(1.53, abs=0.02)


def test_phonons(chain, tmp_path):
    assert BFGS(FrechetCellFilter(chain, mask=along_c), logfile=None).run(fmax=1e-4, steps=300)
    # the model reaches two cutoffs far
    phonons = Phonons(
        chain, chain.calc, supercell=(1, 1, 9), delta=0.005, name=str(tmp_path / "phonon")
    )
    phonons.run()
    phonons.read(acoustic=True)
    centre, edge = phonons.band_structure([[0, 0, 0], [0, 0, 0.5]]) / units.invcm
    # three translations, and the turn around the chain
    assert np.abs(centre[:4]).max() < 60
    # four stretches of C-H
    for bands in (centre, edge):
        assert ((bands[-4:] > 2700) & (bands[-4:] < 3200)).all()
        assert bands[-5] < 1600
    # the same modes of a cell of two repeats, where the edge folds to the centre
    twice = chain.repeat((1, 1, 2))
    twice.calc = chain.calc
    vibrations = Vibrations(twice, name=str(tmp_path / "vib"), delta=0.005)
    vibrations.run()
    expected = np.sort(vibrations.get_frequencies().real)[-18:]
    found = np.sort(np.concatenate([centre, edge]))[-18:]
    np.testing.assert_allclose(found, expected, atol=5)


CLIENT = """
import sys
from ase import Atoms
from ase.io import read
from ase.calculators.socketio import SocketClient
from mlff.ase import MLFFCalculator

atoms = read(sys.argv[2])
atoms.calc = MLFFCalculator("druglike-gfn2-painn64")
SocketClient(unixsocket=sys.argv[1]).run(atoms, use_stress=bool(atoms.pbc.any()))
"""


@pytest.mark.parametrize("periodic", [False, True])
def test_socket_client(tmp_path, crystal, periodic):
    """Positions and cells come from a server, as from i-PI or from another ASE."""
    atoms = Atoms(crystal.numbers, crystal.positions)
    if periodic:
        atoms.set_cell(crystal.cell)
        atoms.pbc = True
    start = tmp_path / "start.xyz"
    atoms.write(start, format="extxyz")
    script = tmp_path / "client.py"
    script.write_text(CLIENT)
    # a short name that is nobody else's, in the folder that clients insist on
    with tempfile.NamedTemporaryFile(prefix="ipi_mlff_", dir="/tmp") as unique:
        name = Path(unique.name).name.removeprefix("ipi_")
    with SocketIOCalculator(unixsocket=name, timeout=60) as server:
        client = subprocess.Popen([sys.executable, str(script), name, str(start)])
        try:
            reference = MLFFCalculator("druglike-gfn2-painn64")
            atoms.calc = server
            for k in range(3):
                atoms.positions[k] += 0.03
                if periodic:
                    atoms.set_cell(atoms.cell * 1.01, scale_atoms=True)
                expected = atoms.copy()
                expected.calc = reference
                forces = atoms.get_forces()
                np.testing.assert_allclose(forces, expected.get_forces(), atol=1e-8)
                assert atoms.get_potential_energy() == pytest.approx(
                    expected.get_potential_energy(), abs=1e-8
                )
                if periodic:
                    np.testing.assert_allclose(atoms.get_stress(), expected.get_stress(), atol=1e-9)
        finally:
            server.close()
            client.wait(timeout=60)
    assert client.returncode == 0
