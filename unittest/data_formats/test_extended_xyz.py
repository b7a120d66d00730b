"""Extended XYZ that ASE, libatoms' extxyz and LAMMPS write, rewritten by mlff dataset: the same numbers, nothing lost.

test_extended_xyz.py MLFF LMP; exit status 77 where a package is missing."""
import json
import os
import subprocess
import sys
import tempfile

try:
    import ase.io
    import extxyz
    import numpy as np
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.constraints import FixAtoms, FixCartesian
except ImportError as error:
    print(f"skipped: {error}; test.sh installs ase and extxyz")
    sys.exit(77)

mlff, lmp = sys.argv[1:3]


def rewritten(name):
    """Frames of a file as mlff dataset writes them, and what it says about them."""
    folder = name + "-rewritten"
    result = subprocess.run([mlff, "dataset", name, "--json", "--split", "1", "-o", folder], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return os.path.join(folder, "train.xyz"), json.loads(result.stdout)


def equal(a, b, where):
    """Same type and same numbers, to the last bit."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype.kind == b.dtype.kind and a.shape == b.shape, (where, a, b)
        assert (a == b).all(), (where, a, b)
    elif isinstance(a, dict):
        assert list(a) == list(b), (where, list(a), list(b))
        for key in a:
            equal(a[key], b[key], f"{where}, {key}")
    else:
        assert a == b, (where, a, b)


def same_frames(before, after):
    assert len(before) == len(after), (len(before), len(after))
    for k, (a, b) in enumerate(zip(before, after)):
        equal(a.arrays, b.arrays, f"frame {k}, arrays")
        equal(a.info, b.info, f"frame {k}, info")
        equal(np.asarray(a.cell), np.asarray(b.cell), f"frame {k}, cell")
        equal(a.pbc, b.pbc, f"frame {k}, pbc")
        equal(a.calc.results if a.calc else {}, b.calc.results if b.calc else {}, f"frame {k}, results")
        assert [repr(c) for c in a.constraints] == [repr(c) for c in b.constraints], f"frame {k}, constraints"


def with_ase():
    rng = np.random.default_rng(1)
    frames = []
    for k in range(4):
        atoms = Atoms("COH2", positions=rng.normal(size=(4, 3)), info={"config_type": "md run", "charge": k % 2, "spin": 1 + k % 2})
        if k:
            atoms.set_cell(4 * np.eye(3) + rng.normal(size=(3, 3)))
            atoms.pbc = [True, k > 1, k > 2]
        atoms.set_momenta(rng.normal(size=(4, 3)))
        atoms.set_masses([13.003, 15.999, 2.014, 1.008])
        atoms.set_tags([3, 1, 2, 0])
        atoms.set_initial_charges(rng.normal(size=4))
        atoms.set_initial_magnetic_moments(rng.normal(size=4))
        atoms.new_array("local", rng.normal(size=(4, 5)))
        atoms.new_array("residue", np.array(["ALA", "GLY", "A'B", "x=1"]))
        atoms.info.update(weight=0.5, converged=True, count=7, vector=np.arange(3.5), flags=np.array([True, False]), text="it's {one}", path="a=b", nothing="",
                          nested={"a": [1, 2.5, "x"]}, matrix=rng.normal(size=(2, 2)), long="Lattice of energy = 5", virial=rng.normal(size=(3, 3)))
        atoms.set_constraint(FixAtoms([0, 2]) if k % 2 else [FixCartesian(1, mask=[True, False, True])])
        results = {"energy": -50.0 - k / 3, "free_energy": -50.0 - k / 3, "forces": rng.normal(size=(4, 3)), "dipole": rng.normal(size=3), "magmom": 0.5,
                   "charges": rng.normal(size=4), "magmoms": rng.normal(size=4)}
        atoms.calc = SinglePointCalculator(atoms, **results)
        frames.append(atoms)
    # a stress goes with a cell
    frames[3].info.pop("virial")
    frames[3].calc.results["stress"] = rng.normal(size=6)
    ase.io.write("ase.xyz", frames)
    before = ase.io.read("ase.xyz", ":")
    path, report = rewritten("ase.xyz")
    for count in ("with_energy", "with_forces", "with_velocities"):
        assert report[count] == 4, report
    same_frames(before, ase.io.read(path, ":"))

    # no calculation, no properties but positions; plain XYZ; labels for MACE
    ase.io.write("bare.xyz", Atoms("OH2", positions=rng.normal(size=(3, 3))))
    path, report = rewritten("bare.xyz")
    assert report["with_energy"] == report["with_forces"] == report["with_velocities"] == 0, report
    same_frames(ase.io.read("bare.xyz", ":"), ase.io.read(path, ":"))
    ase.io.write("plain.xyz", Atoms("OH2", positions=rng.normal(size=(3, 3))), format="xyz", comment="water, E = -76.4 hartree")
    path, report = rewritten("plain.xyz")
    assert report["with_energy"] == 0, report
    equal(ase.io.read("plain.xyz", format="xyz").positions, ase.io.read(path).positions, "plain XYZ")
    mace = Atoms("OH2", positions=rng.normal(size=(3, 3)), info={"REF_energy": -5.25, "head": "default"})
    mace.new_array("REF_forces", rng.normal(size=(3, 3)))
    ase.io.write("mace.xyz", mace)
    path, report = rewritten("mace.xyz")
    assert report["with_energy"] == report["with_forces"] == 1, report
    same_frames(ase.io.read("mace.xyz", ":"), ase.io.read(path, ":"))


def with_extxyz():
    rng = np.random.default_rng(2)
    frames = []
    for k in range(3):
        arrays = {"species": np.array(["C", "O", "H"]), "pos": rng.normal(size=(3, 3)), "forces": rng.normal(size=(3, 3)), "mass": np.array([12.011, 15.999, 2.014]),
                  "number": np.array([1, -2, 3]), "fixed": np.array([True, False, True]), "name": np.array(["a", "b", "c"]), "tensor": rng.normal(size=(3, 9))}
        info = {"energy": -3.25 - k, "step": k, "name": "a \"quoted\" word", "flag": True, "ints": np.array([1, 2, 3]), "reals": rng.normal(size=4),
                "bools": np.array([True, False]), "matrix": rng.normal(size=(2, 3)), "int_matrix": np.array([[1, 2], [3, 4]]), "stress": rng.normal(size=(3, 3))}
        frames.append(extxyz.Frame(natoms=3, cell=4 * np.eye(3) + rng.normal(size=(3, 3)), pbc=np.array([True, True, k > 0]), info=info, arrays=arrays))
    for native in (True, False):
        name = f"extxyz-{native}.xyz"
        extxyz.write_dicts(name, frames, use_cextxyz=native)
        before = extxyz.read_dicts(name)
        path, report = rewritten(name)
        assert report["with_energy"] == report["with_forces"] == 3, report
        after = extxyz.read_dicts(path)
        assert len(after) == 3
        for k, (a, b) in enumerate(zip(before, after)):
            for part in ("cell", "pbc", "info", "arrays"):
                equal(getattr(a, part), getattr(b, part), f"{name}, frame {k}, {part}")


def with_lammps():
    with open("in.lammps", "w") as file:
        file.write("""units metal
lattice fcc 5.4
region box prism 0 2 0 2 0 2 0.3 -0.2 0.4
create_box 2 box
create_atoms 1 box
set type 1 type/fraction 2 0.5 7
labelmap atom 1 Ar 2 Kr
mass 1 39.948
mass 2 83.798
pair_style lj/cut 5.0
pair_coeff * * 0.01 3.4
velocity all create 300 7
fix move all nve
fix wanted all ave/time 1 1 1 c_thermo_pe c_thermo_temp c_thermo_press[1]
dump frames all extxyz 1 lammps.xyz
dump_modify frames sort id vel yes forces yes mass yes time yes
run 5
""")
    subprocess.run([lmp, "-in", "in.lammps", "-log", "none"], check=True, stdout=subprocess.DEVNULL)
    before = ase.io.read("lammps.xyz", ":")
    assert "Stress" in before[1].info and "Temperature" in before[1].info
    path, report = rewritten("lammps.xyz")
    for count in ("with_energy", "with_forces", "with_velocities"):
        assert report[count] == len(before), report
    same_frames(before, ase.io.read(path, ":"))


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for case in (with_ase, with_extxyz, with_lammps):
        case()
        print(case.__name__, "passed")
    os.chdir("/")
