"""What the tests of the Python module share."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mlff

TOP = Path(__file__).resolve().parents[2]
DATA = TOP / "unittest" / "data"

ETHANOL_NUMBERS = [6, 6, 8, 1, 1, 1, 1, 1, 1]
ETHANOL_POSITIONS = [
    [1.1682, -0.4041, 0.0012],
    [0.0011, 0.5523, -0.0103],
    [-1.1904, -0.2148, 0.0191],
    [-1.9463, 0.3845, 0.0047],
    [0.0436, 1.1971, 0.8872],
    [0.0272, 1.1968, -0.8933],
    [2.1158, 0.1479, 0.0118],
    [1.1289, -1.0437, 0.8870],
    [1.1298, -1.0411, -0.8824],
]


def program(name, variable):
    """A program of the package: that of a variable, of this environment, or of PATH."""
    beside = Path(sys.executable).with_name(name)
    found = os.environ.get(variable) or (str(beside) if beside.exists() else shutil.which(name))
    if not found:
        pytest.skip(f"no program {name}: set {variable}, or put it on PATH")
    return found


@pytest.fixture
def ethanol():
    return mlff.Structure(ETHANOL_NUMBERS, ETHANOL_POSITIONS)


@pytest.fixture
def crystal():
    """Molecules in a sheared cell that is smaller than twice the cutoff."""
    cell = np.array([[6.3, 0.0, 0.0], [0.9, 6.1, 0.0], [-0.7, 1.1, 5.9]])
    return mlff.Structure(ETHANOL_NUMBERS, ETHANOL_POSITIONS, cell, True)


@pytest.fixture(scope="session")
def ethanol_potential():
    return mlff.Potential("ethanol-gfn2-painn32", precision="double")


@pytest.fixture(scope="session")
def druglike():
    return mlff.Potential("druglike-gfn2-painn64", precision="double")


@pytest.fixture(scope="session")
def committee():
    return mlff.Potential(["ethanol-gfn2-painn32", "druglike-gfn2-painn64"], precision="double")


@pytest.fixture(scope="session")
def lmp():
    """Runs an input of LAMMPS with our styles in a folder; the result is the text of its log."""
    program = os.environ.get("MLFF_LMP") or shutil.which("lmp")
    if not program:
        pytest.skip("no lmp: set MLFF_LMP to one with pair_style mlff, or put it on PATH")

    def run(folder, text):
        (folder / "in.test").write_text(text)
        result = subprocess.run(
            [program, "-in", "in.test", "-log", "log.test", "-screen", "none"],
            cwd=folder,
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            timeout=120,
        )
        log = (folder / "log.test").read_text()
        assert result.returncode == 0, log + result.stderr
        return log

    return run
