"""Potentials: what they tell, what they evaluate, and what they refuse."""

import copy
import pickle
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import ETHANOL_NUMBERS, ETHANOL_POSITIONS, TOP

import mlff


def rattled(structure, seed, size=0.05):
    generator = np.random.default_rng(seed)
    positions = np.asarray(structure.positions)
    return mlff.Structure(
        structure.numbers,
        positions + size * generator.standard_normal(positions.shape),
        structure.cell,
        structure.pbc,
    )


def test_tells_what_a_file_holds():
    potential = mlff.Potential("ethanol-gfn2-painn32", precision="single", threads=1)
    assert potential.elements == (1, 6, 8)
    assert potential.cutoff == 5.0
    assert potential.kind == "painn"
    assert potential.sizes["features"] == 32
    assert set(potential.reference_energies) == {"H", "C", "O"}
    assert potential.info.backend in mlff.available_engines()
    assert potential.info.precision == "single"
    assert potential.info.threads == 1
    assert potential.metadata[0]["sha256"]
    assert not potential.is_committee
    assert "ethanol-gfn2-painn32" in mlff.shipped_potentials()


def test_path_and_name_are_the_same(ethanol):
    by_name = mlff.Potential("ethanol-gfn2-painn32.safetensors").evaluate(ethanol)
    path = TOP / "potentials" / "ethanol-gfn2-painn32.safetensors"
    assert by_name.energy == mlff.Potential(path).evaluate(ethanol).energy
    assert by_name.energy == mlff.Potential(str(path)).evaluate(ethanol).energy


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("threads", [1, 2])
def test_company_changes_no_bit(ethanol, crystal, precision, threads):
    potential = mlff.Potential(
        "druglike-gfn2-painn64", precision=precision, threads=threads, backend="host"
    )
    structures = [rattled((ethanol, crystal)[k % 2], k) for k in range(40)]
    together = potential.evaluate(structures)
    for k, structure in enumerate(structures):
        alone, part = potential.evaluate(structure), together[k]
        assert (alone.energy == part.energy).all()
        assert (alone.forces == part.forces).all()
        assert (alone.atom_energies == part.atom_energies).all()
        assert np.array_equal(alone.stress, part.stress, equal_nan=True)
        assert np.isnan(part.stress).all() == (k % 2 == 0)


def test_flat_batch_is_a_list(druglike, ethanol, crystal):
    structures = [ethanol, rattled(ethanol, 1), crystal]
    cells = np.stack([np.zeros((3, 3)), np.zeros((3, 3)), crystal.cell])
    batch = mlff.Batch(
        np.concatenate([one.numbers for one in structures]),
        np.concatenate([one.positions for one in structures]),
        counts=[9, 9, 9],
        cells=cells,
        pbc=[[False] * 3, [False] * 3, [True] * 3],
    )
    flat, listed = druglike.evaluate(batch), druglike.evaluate(structures)
    assert (flat.forces == listed.forces).all()
    assert len(flat) == len(list(flat)) == 3
    assert np.array_equal(flat.stress, listed.stress, equal_nan=True)
    one = druglike.evaluate(mlff.Batch(ETHANOL_NUMBERS, ETHANOL_POSITIONS))
    assert one.energy == flat.energy[0]


def test_many_chunks_are_one_batch(ethanol):
    potential = mlff.Potential("ethanol-gfn2-painn32", precision="single")
    structures = [rattled(ethanol, k % 7) for k in range(2000)]
    found = potential.evaluate(structures)
    assert found.forces.shape == (18000, 3)
    for k in range(7, 2000):
        assert found.energy[k] == found.energy[k - 7]
    assert (found.forces[-9:] == found.forces[9 * (1999 % 7) :][:9]).all()


def test_forces_are_the_gradient(druglike, crystal):
    step = 1e-4
    forces = druglike.evaluate(crystal).forces
    moved = []
    for sign in (1, -1):
        for k in range(27):
            positions = np.array(crystal.positions)
            positions.flat[k] += sign * step
            moved.append(mlff.Structure(crystal.numbers, positions, crystal.cell, True))
    energy = druglike.evaluate(moved).energy
    numeric = -(energy[:27] - energy[27:]) / (2 * step)
    np.testing.assert_allclose(forces.ravel(), numeric, atol=1e-6)


def test_stress_is_the_derivative_by_strain(druglike, crystal):
    step = 1e-5
    found = druglike.evaluate(crystal)
    volume = abs(np.linalg.det(crystal.cell))
    numeric = np.zeros((3, 3))
    for a in range(3):
        for b in range(3):
            energies = []
            for sign in (1, -1):
                strain = np.eye(3)
                strain[a, b] += sign * step / 2
                strain[b, a] += sign * step / 2
                energies.append(
                    druglike.evaluate(
                        mlff.Structure(
                            crystal.numbers,
                            np.array(crystal.positions) @ strain,
                            np.array(crystal.cell) @ strain,
                            True,
                        )
                    ).energy[0]
                )
            numeric[a, b] = (energies[0] - energies[1]) / (2 * step) / volume
    # three different off-diagonals, so that no transposition hides
    off = numeric[[1, 0, 0], [2, 2, 1]]
    assert len(set(np.round(off, 5))) == 3
    np.testing.assert_allclose(found.stress[0], numeric, atol=1e-6)
    expected = [numeric[0, 0], numeric[1, 1], numeric[2, 2], *off]
    np.testing.assert_allclose(found.stress_voigt[0], expected, atol=1e-6)
    assert found.stress_voigt.flags.c_contiguous


def test_slab_has_stress_and_molecule_has_none(druglike, crystal):
    slab = mlff.Structure(crystal.numbers, crystal.positions, crystal.cell, [True, True, False])
    assert np.isfinite(druglike.evaluate(slab).stress).all()
    boxed = mlff.Structure(crystal.numbers, crystal.positions, crystal.cell, False)
    assert np.isnan(druglike.evaluate(boxed).stress).all()


def test_committee_is_the_mean_of_its_members(committee, druglike, ethanol_potential, ethanol):
    structures = [ethanol, rattled(ethanol, 3)]
    found = committee.evaluate(structures)
    members = [one.evaluate(structures) for one in (ethanol_potential, druglike)]
    energies = np.stack([one.energy for one in members])
    forces = np.stack([one.forces for one in members])
    np.testing.assert_allclose(found.energy, energies.mean(0), rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.forces, forces.mean(0), atol=1e-9)
    np.testing.assert_allclose(found.energy_spread, energies.std(0), atol=1e-9)
    deviation = forces - forces.mean(0)
    np.testing.assert_allclose(found.spread, np.sqrt((deviation**2).sum(-1).mean(0)), atol=1e-9)
    assert committee.is_committee
    assert committee.elements == (1, 6, 8)
    assert members[0].spread is None
    assert (found[1].spread == found.spread[9:]).all()


def test_empty_list_gives_empty_arrays(druglike):
    found = druglike.evaluate([])
    assert len(found) == 0
    assert found.forces.shape == (0, 3)
    assert found.stress.shape == (0, 3, 3)


def test_arrays_in_any_layout(druglike, crystal):
    expected = druglike.evaluate(crystal)
    positions = np.asfortranarray(np.array(crystal.positions))
    reversed_twice = np.array(crystal.numbers)[::-1].copy()[::-1]
    cell = np.asfortranarray(crystal.cell)
    found = druglike.evaluate(
        mlff.Structure(reversed_twice.astype(np.int64), positions, cell, np.array([1, 1, 1]))
    )
    assert (found.forces == expected.forces).all()
    assert (found.stress == expected.stress).all()
    box = mlff.Structure(crystal.numbers, positions, [7, 8, 9], True)
    same = mlff.Structure(crystal.numbers, positions, np.diag([7.0, 8.0, 9.0]), True)
    assert druglike.evaluate(box).energy == druglike.evaluate(same).energy


def test_results_outlive_the_potential(ethanol):
    found = mlff.Potential("ethanol-gfn2-painn32").evaluate(ethanol)
    again = mlff.Potential("ethanol-gfn2-painn32").evaluate(ethanol)
    found.forces[0] += 1.0  # arrays belong to who asked for them
    assert (found.forces[1:] == again.forces[1:]).all()


S = mlff.Structure
N, X = ETHANOL_NUMBERS, ETHANOL_POSITIONS
NAN = np.where(np.arange(27).reshape(9, 3) == 13, np.nan, X)
WRONG_STRUCTURES = [
    (S(N, np.zeros((9, 2))), r"positions has the shape \(9, 2\); expected \(9, 3\)"),
    (S(N, np.zeros((8, 3))), r"positions has the shape \(8, 3\); expected \(9, 3\)"),
    (S(N, np.zeros((9, 3)).astype(complex)), "positions has the type of numbers 'complex128'"),
    (S(N, [["a"] * 3] * 9), "positions has the type of numbers"),
    (S(N, [[0, 0, 0]] * 8 + [[0, 0]]), "positions is not an array of numbers"),
    (S(np.array(N, float), X), "numbers has the type of numbers 'float64'"),
    (S([N], X), r"numbers has the shape \(1, 9\)"),
    (S([0, *N[1:]], X), r"numbers\[0\] is 0"),
    (S([*N[:8], 200], X), r"numbers\[8\] is 200"),
    (S([*N[:8], 14], X), "atom 9 is Si, but the model knows H C N O"),
    (S(N, NAN), r"positions\[4, 1\] is nan"),
    (S(N, np.full((9, 3), np.inf)), r"positions\[0, 0\] is inf"),
    (S(N, np.array(X) + 1e20), "the position of atom 1 is 1e"),
    (S([], np.zeros((0, 3))), "there are no atoms"),
    (S(N, X, np.eye(3) * np.nan, True), r"cell\[0, 0\] is nan"),
    (S(N, X, np.eye(4), True), r"cell has the shape \(4, 4\); expected \(3, 3\) or \(3,\)"),
    (S(N, X, None, True), "cell vector a is zero or missing"),
    (S(N, X, [[9, 0, 0], [0, 9, 0], [0, 0, 0]], True), "cell vector c is zero or missing"),
    (S(N, X, [[9, 0, 0], [0, 9, 0], [9, 9, 0]], True), "the cell vectors span no volume"),
    (S(N, X, [9, 9, 0.01], True), "the cell is too small along c: 0.01 A between its faces"),
    (S(N, X, np.eye(3) * 9, [True, True]), r"pbc has the shape \(2,\); expected \(\) or \(3,\)"),
    (S(N, X, np.eye(3) * 9, [2, 0, 0]), "pbc holds other values than true and false"),
    (S(N, [X[0]] + X[:8]), "atoms 1 and 2 are at the same position"),
]


@pytest.mark.parametrize(("structure", "message"), WRONG_STRUCTURES)
def test_refuses_wrong_structures(druglike, ethanol, structure, message):
    expected = druglike.evaluate(ethanol)
    with pytest.raises(ValueError, match=message):
        druglike.evaluate(structure)
    with pytest.raises(ValueError, match=f"structure 2: .*{message}"):
        druglike.evaluate([ethanol, structure, ethanol])
    # and is as it was
    assert (druglike.evaluate(ethanol).forces == expected.forces).all()


B = mlff.Batch
WRONG_BATCHES = [
    (B(N, X, counts=[4, 4]), "counts has the sum 8, but there are 9 atoms"),
    (B(N, X, counts=[4, 6, -1]), r"counts\[2\] is -1"),
    (B(N, X, counts=[9, 0]), r"counts\[1\] is 0"),
    (B(N, X, counts=[4.0, 5.0]), "counts has the type of numbers 'float64'"),
    (B(N, X, counts=[4, 5], cells=np.zeros((3, 3, 3))), r"cells has the shape \(3, 3, 3\)"),
    (B(N, X, counts=[4, 5], pbc=[True, False]), r"pbc has the shape \(2,\)"),
    (B(N, X, counts=[4, 5], pbc=True), "structure 1: cell vector a is zero or missing"),
    (B(N, NAN), r"positions\[4, 1\] is nan"),
]


@pytest.mark.parametrize(("batch", "message"), WRONG_BATCHES)
def test_refuses_wrong_batches(druglike, batch, message):
    with pytest.raises(ValueError, match=message):
        druglike.evaluate(batch)


@pytest.mark.parametrize("thing", [None, 3, "ethanol", [1, 2], [[0.0, 0.0, 0.0]]])
def test_refuses_what_is_no_structure(druglike, thing):
    with pytest.raises(ValueError, match="of type"):
        druglike.evaluate(thing)


def test_extension_checks_arrays_itself(druglike):
    evaluator = druglike._evaluator
    one = np.ones(1, np.int32)
    arrays = [one, one, np.zeros((1, 3)), np.zeros((1, 3, 3)), np.zeros((1, 3), np.uint8)]
    assert len(evaluator.evaluate(*arrays)) == 6
    for k, wrong in enumerate([one * 2, np.ones(2, np.int32), np.zeros((2, 3))]):
        changed = list(arrays)
        changed[k] = wrong
        with pytest.raises(ValueError, match="do not fit"):
            evaluator.evaluate(*changed)
    with pytest.raises(ValueError, match="below zero"):
        evaluator.evaluate(-one, *arrays[1:])
    with pytest.raises(TypeError):
        evaluator.evaluate(one, one, np.zeros((1, 3), np.complex128), *arrays[3:])


def test_refuses_another_molecule(ethanol):
    potential = mlff.Potential("ethanol-gfn2-mlp")
    water = mlff.Structure([8, 1, 1], [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    assert len(potential.evaluate([ethanol, ethanol])) == 2
    with pytest.raises(ValueError, match="structure 2: "):
        potential.evaluate([ethanol, water])
    assert len(potential.evaluate(ethanol)) == 1


def test_refuses_a_slab_for_a_long_range_block():
    potential = mlff.Potential("ionpair-gfn2-painn32-fmm", precision="double")
    z = potential.elements[0]
    pair = [[0, 0, 0], [0, 0, 2.5]]
    found = potential.evaluate(mlff.Structure([z, z], pair, np.eye(3) * 12, True))
    assert np.isfinite(found.stress).all()
    with pytest.raises(ValueError, match="long-range block"):
        potential.evaluate(mlff.Structure([z, z], pair, np.eye(3) * 12, [True, True, False]))


def test_refuses_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.safetensors"):
        mlff.Potential(tmp_path / "nowhere.safetensors")
    with pytest.raises(FileNotFoundError, match="ethanol-of-nobody"):
        mlff.Potential("ethanol-of-nobody")
    with pytest.raises(ValueError, match="is a folder"):
        mlff.Potential(tmp_path)
    shipped = TOP / "potentials" / "ethanol-gfn2-painn32.safetensors"
    for name, content in [
        ("empty", b""),
        ("text", b"this is no potential, but a letter to a friend"),
        ("cut", shipped.read_bytes()[:-100]),
    ]:
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}.safetensors"):
            mlff.Potential(path)
        with pytest.raises(ValueError, match=f"{name}.safetensors"):
            mlff.Potential([shipped, path])
    with pytest.raises(ValueError, match=r"ethanol-gfn2-jump8.safetensors.*jumps"):
        mlff.Potential("ethanol-gfn2-jump8")
    with pytest.raises(ValueError, match="no potential is given"):
        mlff.Potential([])
    with pytest.raises(ValueError, match="3 is not the path"):
        mlff.Potential([3])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "half"}, "unknown precision 'half'; accepted: single, double"),
        ({"backend": "quantum"}, "unknown engine 'quantum'; accepted: auto, host"),
        ({"instruction_set": "mmx"}, "unknown instruction_set 'mmx'"),
        ({"threads": -1}, "threads is -1"),
        ({"threads": 1.5}, "threads is 1.5"),
        ({"options": {"filter": "coffee"}}, "unknown filter 'coffee'"),
        ({"options": {"speed": "high"}}, "unknown option 'speed'"),
    ],
)
def test_refuses_options(options, message):
    with pytest.raises(ValueError, match=message):
        mlff.Potential("ethanol-gfn2-painn32", **options)


@pytest.mark.parametrize("name", mlff.available_instruction_sets())
def test_instruction_sets_agree(name, ethanol, ethanol_potential):
    potential = mlff.Potential(
        "ethanol-gfn2-painn32", precision="double", backend="host", instruction_set=name
    )
    assert potential.info.instruction_set == name
    found, expected = potential.evaluate(ethanol), ethanol_potential.evaluate(ethanol)
    np.testing.assert_allclose(found.forces, expected.forces, atol=1e-9)


@pytest.mark.parametrize("backend", mlff.available_engines())
def test_back_ends_agree(backend, crystal, druglike):
    potential = mlff.Potential("druglike-gfn2-painn64", precision="double", backend=backend)
    assert potential.info.backend == backend
    found, expected = potential.evaluate([crystal] * 2), druglike.evaluate([crystal] * 2)
    np.testing.assert_allclose(found.forces, expected.forces, atol=1e-9)
    np.testing.assert_allclose(found.stress, expected.stress, atol=1e-9)


def test_pickle_and_copies(tmp_path, committee, ethanol):
    again = pickle.loads(pickle.dumps(committee))
    assert again.info == committee.info
    assert (again.evaluate(ethanol).spread == committee.evaluate(ethanol).spread).all()
    assert copy.deepcopy(committee).evaluate(ethanol).energy == committee.evaluate(ethanol).energy

    path = tmp_path / "mine.safetensors"
    folder = Path(TOP / "potentials")
    shutil.copy(folder / "ethanol-gfn2-painn32.safetensors", path)
    text = pickle.dumps(mlff.Potential(path))
    shutil.copy(folder / "druglike-gfn2-painn64.safetensors", path)
    with pytest.raises(ValueError, match=r"mine.safetensors' has changed"):
        pickle.loads(text)


def test_threads_share_a_potential(druglike, ethanol):
    structures = [[rattled(ethanol, k + 10 * m) for k in range(1 + m)] for m in range(8)]
    expected = [druglike.evaluate(part) for part in structures]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(druglike.evaluate, structures * 5))
    for k, one in enumerate(found):
        assert (one.forces == expected[k % 8].forces).all()


def test_lock_of_the_interpreter_is_free(ethanol):
    potential = mlff.Potential("ethanol-rmd17-painn128", precision="double", threads=1)
    batch = [ethanol] * 2000
    ticks = []
    done = threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    ticker = threading.Thread(target=tick)
    begin = time.monotonic()
    ticker.start()
    potential.evaluate(batch)
    end = time.monotonic()
    done.set()
    ticker.join()
    # the longest silence is far shorter than the evaluation
    within = [begin, *[t for t in ticks if begin < t < end], end]
    assert max(np.diff(within)) < 0.7 * (end - begin)
