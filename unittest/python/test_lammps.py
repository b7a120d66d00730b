"""The module against pair_style mlff: energies, forces, stress and spread of the same structure."""

import numpy as np
import pytest

import mlff

INPUT = """units metal
atom_style atomic
boundary {boundary}
box tilt large
region box prism {region} units box
create_box {n_types} box
{atoms}
mass * 1.0
pair_style mlff engine host precision double
pair_coeff * * {files} {symbols}
{uncertainty}
thermo_modify norm no
thermo_style custom step pe pxx pyy pzz pyz pxz pxy
thermo_modify format float %.16g
compute e all pe/atom
dump 1 all custom 1 dump.test id fx fy fz c_e {spread}
dump_modify 1 sort id format float %.17g
run 0
"""

# bar in eV/Å^3, of LAMMPS' units metal
BAR = 1.0 / 1.6021765e6


def run(lmp, folder, structure, files, periodic):
    symbols = {1: "H", 6: "C", 7: "N", 8: "O"}
    numbers = list(structure.numbers)
    kinds = sorted(set(numbers))
    if periodic:
        a, b, c = np.asarray(structure.cell)
        region = f"0 {a[0]} 0 {b[1]} 0 {c[2]} {b[0]} {c[0]} {c[1]}"
    else:
        region = "-20 20 -20 20 -20 20 0 0 0"
    atoms = "\n".join(
        f"create_atoms {1 + kinds.index(z)} single {x:.17g} {y:.17g} {w:.17g} units box"
        for z, (x, y, w) in zip(numbers, structure.positions, strict=True)
    )
    committee = len(files) > 1
    log = lmp(
        folder,
        INPUT.format(
            boundary="p p p" if periodic else "f f f",
            region=region,
            n_types=len(kinds),
            atoms=atoms,
            files=" ".join(f'"{file}"' for file in files),
            symbols=" ".join(symbols[z] for z in kinds),
            uncertainty="compute s all mlff/uncertainty" if committee else "",
            spread="c_s" if committee else "",
        ),
    )
    assert "Loop time" in log
    thermo = mlff.read_log(folder / "log.test")[-1]
    rows = np.loadtxt((folder / "dump.test").read_text().split("\n")[9:])
    return thermo, rows


@pytest.mark.parametrize(
    ("names", "periodic"),
    [
        (["ethanol-gfn2-painn32"], False),
        (["druglike-gfn2-painn64"], True),
        (["druglike-gfn2-painn64", "ethanol-gfn2-painn32"], True),
    ],
)
def test_agrees_with_lammps(lmp, tmp_path, ethanol, crystal, names, periodic):
    # within the box, so that the order of images is no matter
    shift = 2.5 if periodic else 0.0
    given = crystal if periodic else ethanol
    structure = mlff.Structure(
        given.numbers, np.array(given.positions) + shift, given.cell, given.pbc
    )
    potential = mlff.Potential(names, precision="double", backend="host", threads=1)
    thermo, rows = run(lmp, tmp_path, structure, potential.paths, periodic)
    found = potential.evaluate(structure)
    assert len(rows) == 9
    np.testing.assert_allclose(found.energy[0], thermo["PotEng"][-1], rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(found.forces, rows[:, 1:4], rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.atom_energies, rows[:, 4], rtol=1e-12, atol=1e-10)
    if periodic:
        names = ["Pxx", "Pyy", "Pzz", "Pyz", "Pxz", "Pxy"]
        pressure = np.array([thermo[name][-1] for name in names])
        # LAMMPS' own constant has eight digits
        np.testing.assert_allclose(found.stress_voigt[0], -pressure * BAR, rtol=1e-7, atol=1e-10)
    if found.spread is not None:
        np.testing.assert_allclose(found.spread, rows[:, 5], rtol=0, atol=1e-10)
