"""The package as such: types, the stub of the extension, names that it offers."""

import importlib.metadata
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mlff
from mlff import _mlff

FOLDER = Path(mlff.__file__).resolve().parent


def test_offers_what_it_names():
    for name in mlff.__all__:
        thing = getattr(mlff, name)
        assert isinstance(thing, str) or inspect.getdoc(thing)
    assert (FOLDER / "py.typed").is_file()
    assert mlff.__version__ == _mlff.version()
    assert set(mlff.available_engines()) <= {"host", "torch"}
    assert "generic" in mlff.available_instruction_sets()


def test_stub_has_what_the_extension_has():
    stub = (FOLDER / "_mlff.pyi").read_text()
    for name in (name for name in dir(_mlff) if not name.startswith("_")):
        assert f"def {name}(" in stub or f"class {name}:" in stub
    for name in (name for name in dir(_mlff.Evaluator) if not name.startswith("_")):
        assert f"    def {name}(" in stub


def test_types(tmp_path):
    try:
        importlib.metadata.version("mypy")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the package mypy is not installed")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path)]
    result = subprocess.run([*command, str(FOLDER)], capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_quick_way_is_the_careful_way():
    """Lists of arrays are checked together; others one by one, with the same result."""
    generator = np.random.default_rng(1)
    numbers, positions = np.array([6, 1, 1, 1, 1]), 2.0 * generator.standard_normal((5, 3))
    cell = np.diag([7.0, 8.0, 9.0])
    quick = [mlff.Structure(numbers, positions, cell, np.array([True, True, False]))] * 2
    careful = [mlff.Structure(list(numbers), positions.tolist(), cell.tolist(), [1, 1, 0])] * 2
    potential = mlff.Potential("druglike-gfn2-painn64")
    a, b = potential.evaluate(quick), potential.evaluate(careful)
    assert (a.forces == b.forces).all()
    assert (a.stress == b.stress).all()
