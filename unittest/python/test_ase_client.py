"""mlff-ase-client: calculators of ASE as clients of mlff label, of pair_style ipi, and of ASE."""

import importlib.util
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ase", reason="the package ase is not installed")

import ase.io
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.calculators.socketio import SocketIOCalculator
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
from ase.md.verlet import VelocityVerlet
from conftest import TOP, program

# bar in eV/Å^3, of LAMMPS' units metal
BAR = 1.0 / 1.6021765e6


@pytest.fixture(scope="session")
def client():
    """The command as a list of words, run by this interpreter."""
    return [sys.executable, program("mlff-ase-client", "MLFF_ASE_CLIENT")]


@pytest.fixture
def label(tmp_path):
    """Labels frames by a command; the result is the frames with their labels."""
    mlff_program = program("mlff", "MLFF_PROGRAM")

    def run(frames, words, *options):
        ase.io.write(tmp_path / "frames.xyz", frames, format="extxyz")
        command = [mlff_program, "label", "--structures", "frames.xyz", "-o", "labelled.xyz"]
        command += ["--client", shlex.join(words), *options]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert result.returncode == 0, result.stderr
        return ase.io.read(tmp_path / "labelled.xyz", ":")

    return run


def rattled(atoms, seed):
    """Positions with the digits that files have."""
    atoms.rattle(0.06, seed=seed)
    atoms.positions = np.round(atoms.positions, 8)
    return atoms


def alloy(seed=1):
    """Copper and gold, displaced, in a sheared cell that LAMMPS takes as it is."""
    atoms = bulk("Cu", "fcc", a=3.8, cubic=True).repeat(2)
    atoms.symbols[::4] = "Au"
    strain = np.eye(3) + np.array([[0.01, 0, 0], [0.04, -0.02, 0], [-0.03, 0.05, 0.02]])
    atoms.set_cell(np.tril(atoms.cell @ strain.T), scale_atoms=True)
    return rattled(atoms, seed)


def cluster(seed=1):
    atoms = Atoms("Cu4Au", [[0, 0, 0], [2.5, 0, 0], [0, 2.6, 0], [0, 0, 2.7], [2.1, 2.0, 1.9]])
    return rattled(atoms, seed)


def test_labels_are_those_of_ase(label, client):
    frames = [alloy(1), cluster(1), alloy(2), cluster(2)]
    labelled = label(frames, [*client, "ase.calculators.emt:EMT"], "--clients", "2")
    assert len(labelled) == 4
    for before, after in zip(frames, labelled, strict=True):
        atoms = before.copy()
        atoms.calc = EMT()
        assert (after.numbers == atoms.numbers).all()
        assert after.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
        np.testing.assert_allclose(after.get_forces(), atoms.get_forces(), rtol=0, atol=1e-5)


def test_arguments_and_tcp(label, client):
    """Words of the command line, as a user would write them."""
    arguments = {"epsilon": 0.2, "sigma": 2.2, "rc": 6.0, "smooth": True}
    words = ["ase.calculators.lj:LennardJones", "--kwargs", json.dumps(arguments)]
    words += ["--host", "{address}", "--port", "{port}", "--structure", "{structure}"]
    frames = [alloy(), cluster()]
    labelled = label(frames, [*client, *words], "--client-socket", "tcp")
    for before, after in zip(frames, labelled, strict=True):
        atoms = before.copy()
        atoms.calc = LennardJones(**arguments)
        energy = atoms.get_potential_energy()
        assert after.get_potential_energy() == pytest.approx(energy, abs=1e-6)
        np.testing.assert_allclose(after.get_forces(), atoms.get_forces(), rtol=0, atol=1e-5)


PROBE = """
from ase.calculators.calculator import Calculator, all_changes

class Probe(Calculator):
    implemented_properties = ["energy", "forces"]

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        charge, moment = atoms.get_initial_charges(), atoms.get_initial_magnetic_moments()
        self.results = {"energy": charge.sum() + 10 * moment.sum(), "forces": 0 * atoms.positions}
"""


def test_charge_and_spin_reach_the_calculator(label, client, tmp_path, monkeypatch):
    (tmp_path / "probe.py").write_text(PROBE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    frames = [cluster() for _ in range(3)]
    frames[1].info.update(charge=-1, spin=2)
    frames[2].info.update(charge=2)
    labelled = label(frames, [*client, "probe:Probe"])
    energies = [frame.get_potential_energy() for frame in labelled]
    np.testing.assert_allclose(energies, [0, -1 + 10, 2], atol=1e-9)
    assert [frame.info.get("charge") for frame in labelled] == [None, -1, 2]


def test_serves_ase(client, tmp_path):
    """The other end may be anybody; ASE's own server takes the stress."""
    atoms = alloy()
    atoms.write(tmp_path / "start.xyz")
    name = f"mlff_test_ase_{os.getpid()}"
    words = ["ase.calculators.emt:EMT", "--structure", tmp_path / "start.xyz", "--socket", name]
    with SocketIOCalculator(unixsocket=name, timeout=60) as server:
        process = subprocess.Popen([*client, *words])
        atoms.calc = server
        for _ in range(2):
            atoms.rattle(0.02, seed=5)
            own = atoms.copy()
            own.calc = EMT()
            # its constants are older
            assert atoms.get_potential_energy() == pytest.approx(own.get_potential_energy(), 3e-8)
            np.testing.assert_allclose(atoms.get_stress(), own.get_stress(), atol=1e-7)
    assert process.wait(timeout=60) == 0


MISTAKES = [
    (["ase.calculators.emt"], "'ase.calculators.emt' names no class; accepted: MODULE:CLASS"),
    (["no.such.module:Class"], "the module 'no.such.module' cannot be imported: No module named"),
    (["ase.calculators.emt:EMP"], "the module 'ase.calculators.emt' has no class 'EMP'"),
    (["--kwargs", "{a"], "--kwargs {a is no JSON: "),
    (["--kwargs", "[1]"], '--kwargs [1] is no object; accepted: {"name": value}'),
    (["--kwargs", '{"speed": 1}'], "ase.calculators.emt:EMT has no keyword 'speed', which --kwargs"),
    (["--kwargs", '{"atoms": 3}'], "cannot be made with --kwargs {\"atoms\": 3}: AttributeError: "),
    (["--structure", "none.xyz"], "--structure none.xyz cannot be read: "),
    (["--socket", "nobody-there"], "cannot connect to /tmp/ipi_nobody-there: "),
    (["--socket", "", "--port", "1"], "cannot connect to localhost:1: "),
]


@pytest.mark.parametrize("words, message", MISTAKES, ids=lambda value: str(value)[:40])
def test_mistakes_are_named(client, tmp_path, words, message):
    cluster().write(tmp_path / "start.xyz")
    command = [*client, "--structure", "start.xyz", "--wait", "0", "--socket", "nobody-there"]
    if words[0].startswith("--"):
        words = ["ase.calculators.emt:EMT", *words]
    result = subprocess.run([*command, *words], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith("mlff-ase-client: ")
    assert message in result.stderr


def test_what_is_needed_is_said(client, tmp_path):
    def run(*words, python=None):
        command = [*([python] if python else [client[0]]), client[1], *words]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFF_CLIENT_")}
        return subprocess.run(command, capture_output=True, text=True, env=environment)

    result = run("ase.calculators.emt:EMT")
    assert result.returncode == 2
    assert "--structure is needed" in result.stderr
    result = run("ase.calculators.emt:EMT", "--structure", "x.xyz")
    assert result.returncode == 2
    assert "--socket NAME, or --host and --port, is needed" in result.stderr
    result = run("ase.calculators.emt:EMT", "--versions")
    assert result.returncode == 0
    assert result.stdout == f"ase {ase.__version__}\n"
    # an interpreter without ASE: this one, which sees no package but the client's own
    seen = tmp_path / "seen"
    seen.mkdir()
    if package := importlib.util.find_spec("mlff_lammps"):
        (seen / "mlff_lammps").symlink_to(Path(package.origin).parent)
    blind = tmp_path / "blind"
    blind.write_text(f'#!/bin/sh\nPYTHONPATH="{seen}" exec "{sys.executable}" -S "$@"\n')
    blind.chmod(0o755)
    result = run("ase.calculators.emt:EMT", "--versions", python=blind)
    assert result.returncode == 1
    assert " lacks the package ase: " in result.stderr
    assert "install it there" in result.stderr


INPUT = """units metal
atom_modify map array
box tilt large
read_data start.data
pair_style ipi client "{client}" {words}
pair_coeff * * {elements}
{more}
"""

OUTPUT = """thermo_modify norm no
thermo_style custom step pe pxx pyy pzz pyz pxz pxy
thermo_modify format float %.16g
dump 1 all custom 1 dump.test id fx fy fz
dump_modify 1 sort id format float %.17g
run 0
"""


def write_data(folder, atoms):
    ase.io.write(folder / "start.data", atoms, format="lammps-data", specorder=["Cu", "Au"],
                 masses=True, units="metal", velocities=atoms.has("momenta"))


def rows_of(log, first):
    """Numbers of the table whose heading begins with these words."""
    lines = [line.split() for line in log.splitlines()]
    begin = next(k for k, line in enumerate(lines) if line[: len(first)] == first) + 1
    table = []
    for line in lines[begin:]:
        try:
            table.append([float(word) for word in line])
        except ValueError:
            break
    return np.array(table)


def test_pair_style_equals_label_and_ase(lmp, label, client, tmp_path):
    atoms = alloy()
    write_data(tmp_path, atoms)
    command = shlex.join([*client, "ase.calculators.emt:EMT"])
    text = INPUT.format(client=command, words="", elements="Cu Au", more=OUTPUT)
    row = rows_of(lmp(tmp_path, text), ["Step", "PotEng"])[0]
    forces = np.loadtxt(tmp_path / "dump.test", skiprows=9)[:, 1:]
    # the file of LAMMPS has the atoms in its own order of elements
    labelled = label([atoms], [*client, "ase.calculators.emt:EMT"])[0]
    assert row[1] == pytest.approx(labelled.get_potential_energy(), abs=1e-8)
    np.testing.assert_allclose(forces, labelled.get_forces(), rtol=0, atol=1e-8)
    own = atoms.copy()
    own.calc = EMT()
    assert row[1] == pytest.approx(own.get_potential_energy(), abs=1e-6)
    np.testing.assert_allclose(forces, own.get_forces(), rtol=0, atol=1e-5)
    # no velocities: the pressure is all from the client
    np.testing.assert_allclose(-row[2:] * BAR, own.get_stress(), rtol=1e-6, atol=1e-9)


def test_energy_drifts_as_in_ase(lmp, client, tmp_path):
    """Velocity Verlet in both programs: the same total energies, step by step."""
    atoms = alloy()
    MaxwellBoltzmannDistribution(atoms, temperature_K=600, rng=np.random.default_rng(3))
    Stationary(atoms)
    write_data(tmp_path, atoms)
    more = """fix 1 all nve
timestep 0.004
thermo 1
thermo_style custom step etotal pe
thermo_modify norm no format float %.16g
run 100
"""
    command = shlex.join([*client, "ase.calculators.emt:EMT"])
    log = lmp(tmp_path, INPUT.format(client=command, words="", elements="Cu Au", more=more))
    total = rows_of(log, ["Step", "TotEng"])[:, 1]
    atoms = ase.io.read(tmp_path / "start.data", format="lammps-data", units="metal")
    atoms.calc = EMT()
    expected = [atoms.get_total_energy()]
    dynamics = VelocityVerlet(atoms, 4 * units.fs)
    dynamics.attach(lambda: expected.append(atoms.get_total_energy()))
    dynamics.run(100)
    drift, own_drift = total - total[0], np.array(expected[-101:]) - expected[-101]
    assert np.abs(own_drift).max() > 1e-4
    # constants of the two programs differ in the eighth digit
    np.testing.assert_allclose(drift, own_drift, rtol=0, atol=2e-6)


KSTEP = """units metal
boundary s s s
atom_modify map array
read_data {data}
{force}
neighbor 2.0 bin
neigh_modify every 1 delay 0 check yes
comm_modify cutoff 2.0
timestep 0.0005
velocity all create 300.0 4711 mom no rot no dist gaussian
compute_modify thermo_temp extra/dof 0
fix jump all kstep/hybrid ethanol-gfn2-jump8.safetensors C O H jump network 16 0.0005 corrector 1 &
  langevin 300.0 0.1 4711
thermo_style custom step etotal f_jump f_jump[12]
thermo_modify format float %.12g
thermo 64
run 320
"""


def test_jumps_have_the_forces_of_a_client(lmp, client, tmp_path):
    """fix kstep/hybrid with a potential as it is, and with the same one as a client."""
    data = TOP / "examples" / "ethanol" / "ethanol.data"
    arguments = {"files": "ethanol-gfn2-painn32", "precision": "double", "threads": 1}
    command = shlex.join([*client, "mlff.ase:MLFFCalculator", "--kwargs", json.dumps(arguments)])
    tables = []
    for force in (
        "pair_style mlff precision double\npair_coeff * * ethanol-gfn2-painn32 C O H",
        f'pair_style ipi client """{command}"""\npair_coeff * * C O H',
    ):
        log = lmp(tmp_path, KSTEP.format(data=data, force=force))
        tables.append(rows_of(log, ["Step", "TotEng"]))
    assert len(tables[0]) > 3
    np.testing.assert_allclose(tables[1], tables[0], rtol=1e-5, atol=1e-5)


TBLITE = {"method": "GFN2-xTB", "accuracy": 0.01, "verbosity": 0}


@pytest.fixture
def tblite(client):
    """The calculator, where it is installed, and the words that make it a client."""
    module = pytest.importorskip("tblite.ase", reason="the package tblite is not installed")
    words = [*client, "tblite.ase:TBLite", "--kwargs", json.dumps(TBLITE)]
    return lambda: module.TBLite(**TBLITE), words


def dry_ice(seed):
    """Carbon dioxide's crystal, displaced, in a cell that is no cube."""
    signs = [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
    centres = [[0, 0, 0], [0.5, 0.5, 0], [0, 0.5, 0.5], [0.5, 0, 0.5]]
    molecules = zip(centres, signs, strict=True)
    places = [np.add(c, x * 0.119 * np.array(s)) for c, s in molecules for x in (0, 1, -1)]
    atoms = Atoms("CO2" * 4, scaled_positions=places, cell=[5.62] * 3, pbc=True)
    atoms.set_cell(atoms.cell @ [[1, 0.02, 0], [0.02, 0.98, 0.01], [0, 0.01, 1]], scale_atoms=True)
    return rattled(atoms, seed)


def test_tblite_labels_crystals(tblite, label):
    """xTB for what the teacher xtb refuses: one client for several frames of one crystal."""
    calculator, words = tblite
    frames = [dry_ice(1), dry_ice(2)]
    for before, after in zip(frames, label(frames, words), strict=True):
        atoms = before.copy()
        atoms.calc = calculator()
        assert after.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
        np.testing.assert_allclose(after.get_forces(), atoms.get_forces(), rtol=0, atol=1e-5)
        own = atoms.get_stress(voigt=False)
        assert np.abs(own).max() > 1e-3
        np.testing.assert_allclose(after.get_stress(voigt=False), own, rtol=0, atol=1e-7)


def test_tblite_is_gfn2_of_libxtb(tblite, label, tmp_path):
    """Two programs for one method, where there is libxtb."""
    mlff_program = program("mlff", "MLFF_PROGRAM")
    frames = ase.io.read(TOP / "unittest" / "data" / "ethanol_gfn2.xyz", ":3")
    frames = [Atoms(frame.numbers, frame.positions) for frame in frames]
    ours = label(frames, tblite[1])
    command = [mlff_program, "label", "--structures", "frames.xyz", "--method", "gfn2"]
    command += ["-o", "xtb.xyz"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    if "has no teacher 'xtb'" in result.stderr:
        pytest.skip("this build has no libxtb")
    assert result.returncode == 0, result.stderr
    for one, other in zip(ours, ase.io.read(tmp_path / "xtb.xyz", ":"), strict=True):
        energies = [atoms.get_potential_energy() for atoms in (one, other)]
        assert energies[0] == pytest.approx(energies[1], abs=2e-5)
        np.testing.assert_allclose(one.get_forces(), other.get_forces(), rtol=0, atol=1e-4)


def test_tblite_takes_charge_and_spin(tblite, label):
    """Of the frame: an ion and a radical."""
    calculator, words = tblite
    frames = []
    for state in ({"charge": -1}, {"spin": 2}):
        atoms = Atoms("OH", [[0, 0, 0], [0.05, 0.02, 0.97]])
        atoms.info.update(state)
        frames.append(atoms)
    ion, radical = label(frames, words)
    atoms = frames[0].copy()
    atoms.set_initial_charges([-1, 0])
    atoms.calc = calculator()
    assert ion.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
    atoms = frames[1].copy()
    atoms.set_initial_magnetic_moments([1, 0])
    atoms.calc = calculator()
    assert radical.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
    assert ion.get_potential_energy() != pytest.approx(radical.get_potential_energy(), abs=1)
