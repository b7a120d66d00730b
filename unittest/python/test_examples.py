"""The examples of interfaces, shortened: i-PI, COLVARS, MDAnalysis, ASE, CP2K, NWChem, PySCF."""

import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from conftest import TOP, program

import mlff

EXAMPLES = TOP / "examples"


@pytest.fixture
def example(tmp_path):
    """Copies an example, and that of ethanol beside it; the result is its folder."""

    def copy(name):
        for one in {name, "ethanol"}:
            shutil.copytree(EXAMPLES / one, tmp_path / one)
        return tmp_path / name

    return copy


def load(path):
    """Functions of a script of an example."""
    return runpy.run_path(str(path))


@pytest.fixture(scope="session")
def lmp_has():
    """Skips where lmp lacks a style."""

    def require(style):
        program = os.environ.get("MLFF_LMP") or shutil.which("lmp")
        if not program:
            pytest.skip("no lmp: set MLFF_LMP to one with pair_style mlff, or put it on PATH")
        styles = subprocess.run([program, "-h"], capture_output=True, text=True).stdout.split()
        if style not in styles:
            pytest.skip(f"lmp has no style {style}")
        return program

    return require


def unused_address():
    """Name of a socket that is nobody else's, in the folder that clients insist on."""
    with tempfile.NamedTemporaryFile(prefix="ipi_mlff_", dir="/tmp") as unique:
        return Path(unique.name).name.removeprefix("ipi_")


def start_clients(folder, program, address):
    """A process of LAMMPS and one of Python that want positions."""
    words = ["-log", "log.client", "-screen", "none", "-var", "address", address]
    return [
        subprocess.Popen([program, "-in", "in.client", *words], cwd=folder),
        subprocess.Popen(
            [sys.executable, "client.py", "ethanol-gfn2-painn32", address], cwd=folder
        ),
    ]


def test_lammps_is_a_client(example, lmp_has, ethanol_potential):
    """fix ipi against the potential itself: its constants of conversion have eight digits."""
    pytest.importorskip("ase", reason="the package ase is not installed")
    from ase.calculators.socketio import SocketIOCalculator
    from ase.io import read

    program, folder, address = lmp_has("ipi"), example("i-pi"), unused_address()
    atoms = read(folder / "ethanol.xyz", format="xyz")
    atoms.set_cell([30, 30, 30])
    with SocketIOCalculator(unixsocket=address, timeout=60) as server:
        client = start_clients(folder, program, address)[:1]
        atoms.calc = server
        try:
            for k in range(3):
                atoms.positions[k] += 0.03
                expected = ethanol_potential.evaluate(atoms)
                assert atoms.get_potential_energy() == pytest.approx(expected.energy[0], abs=1e-5)
                np.testing.assert_allclose(atoms.get_forces(), expected.forces, atol=1e-5)
        finally:
            server.close()
            for process in client:
                process.wait(timeout=60)


def test_i_pi(example, lmp_has, ethanol_potential):
    """LAMMPS and Python share the beads; energies are those of the positions that i-PI writes."""
    server = shutil.which("i-pi") or Path(sys.executable).with_name("i-pi")
    if not Path(server).exists():
        pytest.skip("no program i-pi: install the package ipi")
    program, folder, address = lmp_has("ipi"), example("i-pi"), unused_address()
    text = (folder / "input.xml").read_text()
    for old, new in (
        ("<total_steps>1000<", "<total_steps>4<"),
        ("<address>mlff<", f"<address>{address}<"),
        ("stride='100'", "stride='2'"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "input.xml").write_text(text)
    with open(folder / "log", "w") as log:
        process = subprocess.Popen([server, "input.xml"], cwd=folder, stdout=log, stderr=log)
        try:
            while process.poll() is None and not Path(f"/tmp/ipi_{address}").exists():
                pass
            clients = start_clients(folder, program, address)
            assert process.wait(timeout=120) == 0, (folder / "log").read_text()
            for client in clients:
                client.wait(timeout=60)
        finally:
            process.kill()
    energies = np.loadtxt(folder / "ipi.beads")
    assert energies.shape == (3, 8)
    numbers = {"C": 6, "O": 8, "H": 1}
    for bead in range(8):
        lines = (folder / f"ipi.pos_{bead}.xyz").read_text().splitlines()
        for frame in range(3):
            rows = [line.split() for line in lines[11 * frame + 2 : 11 * frame + 11]]
            structure = mlff.Structure(
                [numbers[row[0]] for row in rows], np.array([row[1:] for row in rows], float)
            )
            expected = ethanol_potential.evaluate(structure)
            # positions have six digits
            bound = 1e-5 * np.abs(expected.forces).sum() + 1e-5
            assert energies[frame, bead] == pytest.approx(expected.energy[0], abs=bound)


def test_colvars(example, lmp, lmp_has):
    """The biased torsion is that of the atoms, and the bias has the height of its hills."""
    lmp_has("colvars")
    folder = example("colvars")
    lmp(folder, "variable steps index 2000\ninclude in.torsion\n")
    steps = np.loadtxt(folder / "torsion.colvars.traj")
    assert steps[0, 0] == 4000
    assert steps[-1, 0] == 6000
    assert (np.abs(steps[:, 1]) <= 180).all()
    profile = np.loadtxt(folder / "torsion.pmf")
    assert profile.shape == (72, 2)
    assert profile[:, 1].min() == 0
    assert 0 < profile[:, 1].max() < 0.1


def test_uncertainty_in_mdanalysis(example, lmp, committee):
    pytest.importorskip("MDAnalysis", reason="the package MDAnalysis is not installed")
    folder = example("uncertainty")
    lmp(folder, "variable steps index 300\ninclude in.committee\n")
    universe, spread = load(folder / "doubt.py")["read"](str(folder / "frames.dump"))
    assert spread.shape == (4, 9)
    numbers = [{"C": 6, "O": 8, "H": 1}[element] for element in universe.atoms.elements]
    for frame in universe.trajectory:
        structure = mlff.Structure(numbers, universe.atoms.positions.astype(float))
        expected = 1000 * committee.evaluate(structure).spread
        np.testing.assert_allclose(spread[frame.frame], expected, rtol=1e-3, atol=0.02)


def test_silicon(lmp_has):
    """Phonons of a crystal, against its teacher where lmp is there."""
    pytest.importorskip("ase", reason="the package ase is not installed")
    from mlff.ase import MLFFCalculator

    example = load(EXAMPLES / "silicon" / "phonons.py")
    calculator = MLFFCalculator("silicon-sw-painn32", threads=1)
    lattice_constant, elastic, _, bands = example["properties"](calculator)
    assert lattice_constant == pytest.approx(5.431, abs=0.005)
    assert bands.shape[1] == 6
    assert np.abs(bands[0, :3]).max() < 0.05
    assert bands.min() > -0.05
    expected = example["properties"](example["teacher"](lmp_has("sw")))
    np.testing.assert_allclose(elastic, expected[1], rtol=0.2)
    np.testing.assert_allclose(bands, expected[3], atol=0.5)


def functional_theory(name):
    """The script of the example, if the program is installed."""
    if not shutil.which(name):
        pytest.skip(f"no program {name}: Debian has it in the package {name.split('.')[0]}")
    return load(EXAMPLES / "dft" / "check.py")


DFT = [
    # digits that the program prints: forces in eV/Å, stress in eV/Å^3
    ("cp2k.psmp", "cp2k.psmp -i silicon.inp", "silicon.inp", "silicon.xyz", 1e-5, 1e-6),
    ("nwchem", "nwchem water.nw", "water.nw", "water.xyz", 5e-5, None),
]


@pytest.mark.parametrize(
    "name, client, source, structure, force, stress", DFT, ids=["cp2k", "nwchem"]
)
def test_dft_labels(example, name, client, source, structure, force, stress):
    """The second label of a client is what its program prints for that frame by itself."""
    check, folder = functional_theory(name), example("dft")
    words = ["--rattle", "0.05", "--frames", "2", "--client", client, "--client-file", source]
    command = [program("mlff", "MLFF_PROGRAM"), "label", "--structures", structure, *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run([*command, "-o", "labelled.xyz"], cwd=folder, env=environment,
                            capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    frame = check["frame_of"](folder / "labelled.xyz", -1)
    own_energy, own_forces, own_stress = check["run"](folder / source, frame)
    assert frame["energy"] == pytest.approx(own_energy, abs=1e-5)
    np.testing.assert_allclose(frame["forces"], own_forces, rtol=0, atol=force)
    assert (own_stress is None) == (stress is None) == (frame["stress"] is None)
    if stress:
        np.testing.assert_allclose(frame["stress"], own_stress, rtol=0, atol=stress)


def test_dft_drives_lammps(example, lmp):
    """Dynamics by NWChem: its last frame has the energy and forces that NWChem prints."""
    check, folder = functional_theory("nwchem"), example("dft")
    lmp(folder, "variable steps index 2\nvariable relax index 2\ninclude in.water\n")
    frame = check["frame_of"](folder / "dynamics.xyz", -1)
    own_energy, own_forces, _ = check["run"](folder / "water.nw", frame)
    assert frame["energy"] == pytest.approx(own_energy, abs=1e-5)
    np.testing.assert_allclose(frame["forces"], own_forces, rtol=0, atol=5e-5)


SAMPLERS = sorted(path.stem for path in (EXAMPLES / "exact-sampling" / "molecules").glob("*.lmp"))


@pytest.mark.parametrize("molecule", SAMPLERS)
def test_samplers_that_ship(example, lmp, lmp_has, molecule):
    """Their energies are those of GFN2-xTB to well below kT."""
    lmp_has("xtb")
    log = lmp(
        example("exact-sampling"),
        f"variable molecule index {molecule}\nvariable moves index 200\n"
        "variable segments index 10\ninclude in.molecule\n",
    )
    last = re.findall(r"^ +200 +\S+ +(\S+) +(\S+) +(\S+) +(\S+) *$", log, re.M)[-1]
    accepted, factor, error, segments = map(float, last)
    assert accepted > 0.9 and segments > 0.85
    assert abs(factor - 1.0) < 5.0 * error < 0.1


def test_few_labels_scan(monkeypatch, tmp_path):
    """Turns are rigid: what turns keeps its distances, and the torsion is that of the name."""
    folder = EXAMPLES / "few-labels"
    monkeypatch.syspath_prepend(folder)
    scan, table = load(folder / "scan.py"), load(folder / "table.py")
    x = np.random.default_rng(1).normal(size=(9, 3))
    rows = "".join(f"{s} {p[0]} {p[1]} {p[2]}\n" for s, p in zip("OCCCOHHHH", x))
    (tmp_path / "start.xyz").write_text(f"9\nProperties=species:S:1:pos:R:3\n{rows}")
    scan["main"](tmp_path / "start.xyz", 60, tmp_path / "scan.xyz")
    lines = (tmp_path / "scan.xyz").read_text().splitlines()
    frames = [
        np.array([line.split()[1:] for line in lines[11 * k + 2 : 11 * k + 11]], float)
        for k in range(7)
    ]
    assert len(lines) == 77
    for turn, (origin, end, group) in zip((frames[1:4], frames[4:]), scan["TURNS"].values()):
        for y in turn:
            moved = np.abs(y - x).max(axis=1) > 1e-6
            assert set(np.flatnonzero(moved)) == set(group)
            for k in group:
                for other in (origin, end, *group):
                    expected = np.linalg.norm(x[k] - x[other])
                    assert np.linalg.norm(y[k] - y[other]) == pytest.approx(expected, abs=1e-6)
        # half a turn is a reflection at the axis
        axis = (x[end] - x[origin]) / np.linalg.norm(x[end] - x[origin])
        middle = 0.5 * (turn[-1][list(group)] + x[list(group)]) - x[end]
        np.testing.assert_allclose(middle, np.outer(middle @ axis, axis), atol=1e-6)
    turns = [(frame[2], frame[3]) for frame in table["read"](tmp_path / "scan.xyz")]
    assert turns[0] == ("start", 0) and turns[1] == ("O-H", 60) and turns[-1] == ("C-C", 180)


def test_exact_dft_table(monkeypatch, tmp_path):
    """Coordinates do not hang on the order of atoms; parts of a chain are read in their order."""
    monkeypatch.syspath_prepend(EXAMPLES / "exact-dft")
    table = load(EXAMPLES / "exact-dft" / "table.py")
    angle = np.radians(65.0)
    ethanol = {
        "O": (0, 0, 0),
        "C": (1.43, 0, 0),
        "C'": (1.9, 1.4, 0),
        "H": (-0.3, 0.9 * np.cos(angle), -0.9 * np.sin(angle)),
        "H'": (1.8, -0.5, 0.9),
        "H''": (1.8, -0.5, -0.9),
    }
    places = list(ethanol.items())
    for order in (places, places[::-1]):
        elements, x = [name.strip("'") for name, _ in order], [list(p) for _, p in order]
        assert abs(table["hydroxyl_torsion"](elements, x)) == pytest.approx(65.0)
    enol = [("H", (0.2, 0, 0)), ("O", (-1.2, 0, 0)), ("O", (1.2, 0, 0)), ("H", (-3, 1, 0))]
    elements, x = [e for e, _ in enol], [list(p) for _, p in enol]
    assert table["proton_shift"](elements, x) == pytest.approx(0.4)

    for part, values in ((10, (3, 4)), (9, (1, 2))):
        text = "".join(f"1\n\nH {value} 0 0\n" for value in values)
        (tmp_path / f"{part}.xyz").write_text(text)
    assert [x[0][0] for _, x in table["frames"](tmp_path)] == [1.0, 2.0, 3.0, 4.0]
    places, density, error = table["histogram"]([0.1, 0.2, 0.9, 0.4], 1.0, 0.0, 1.0, 2)
    assert places == [0.25, 0.75] and density == [1.5, 0.5] and min(error) > 0.0


def test_few_labels_by_pyscf():
    """Forces of the calculator are the gradient of its energy, also from an earlier density."""
    pytest.importorskip("pyscf", reason="the package pyscf is not installed")
    from ase import Atoms

    kind = load(EXAMPLES / "few-labels" / "dft.py")["DensityFunctional"]
    water = Atoms("OHH", [[0, 0, 0.12], [0, 0.78, -0.47], [0.1, -0.75, -0.5]])
    water.calc = kind(tolerance=1e-10, grid=4)
    force, step = water.get_forces()[1, 1], 1e-3
    energies = []
    for sign in (1, -1):
        moved = water.copy()
        moved.calc, moved.positions[1, 1] = water.calc, water.positions[1, 1] + sign * step
        energies.append(moved.get_potential_energy())
    assert force == pytest.approx((energies[1] - energies[0]) / (2 * step), abs=2e-3)
