"""Energies, forces, virials and what each atom has of them, by pair styles of LAMMPS."""

from dataclasses import dataclass

from . import lammps, structures
from .programs import potential
from .rows import say

HOST = ("host-single", "host-single-exact", "host-double", "host-double-spline")
TORCH = ("torch-single", "torch-double")
KOKKOS = ("kokkos-single", "kokkos-double")

STYLES = {
    "default": "mlff",
    "host-single": "mlff engine host precision single",
    "host-single-exact": "mlff engine host precision single filter exact",
    "host-double": "mlff engine host precision double",
    "host-double-spline": "mlff engine host precision double filter spline",
    "torch-single": "mlff engine torch device cpu precision single",
    "torch-double": "mlff engine torch device cpu precision double",
    "kokkos-single": "mlff/kk precision single",
    "kokkos-double": "mlff/kk precision double",
}

VIRIAL = [f"c_virial[{k}]" for k in range(1, 7)]


@dataclass
class Target:
    """A structure and the potentials that it is evaluated with."""

    system: str
    models: tuple
    engines: tuple
    words: str = ""  # of the pair style, for all engines
    label: str = ""  # of the row, beside system and model
    ranks: tuple = ()  # engines that also run on two MPI ranks
    isa: tuple = ()  # engines that also run with each instruction set


@dataclass
class Input:
    """A LAMMPS input up to the run."""

    data: str
    style: str
    coeff: str
    periodic: bool = False
    units: str = "metal"
    newton: str = "on"
    atom_style: str = "atomic"
    per_atom: bool = True
    spread: bool = False
    before_run: str = ""
    dynamics: int = 0
    minimize: bool = False

    def commands(self):
        columns = "fx fy fz c_eatom"
        text = f"units {self.units}\nnewton {self.newton}\natom_style {self.atom_style}\n"
        text += "atom_modify map array\n"
        text += f"boundary {'p p p' if self.periodic else 's s s'}\nread_data {self.data}\n"
        text += f"pair_style {self.style}\n{self.coeff}\n"
        text += "neighbor 2.0 bin\nneigh_modify every 1 delay 0 check yes\n"
        text += self.before_run
        text += "compute eatom all pe/atom\ncompute virial all pressure NULL virial\n"
        if self.per_atom:
            text += "compute satom all stress/atom NULL virial\n"
            columns += "".join(f" c_satom[{k}]" for k in range(1, 7))
        if self.spread:
            text += "compute spread all mlff/uncertainty\n"
            columns += " c_spread"
        text += f"thermo_style custom step pe {' '.join(VIRIAL)}\n"
        text += f"dump atoms all custom 1 OUT.dump id {columns}\n"
        text += "dump_modify atoms sort id format float %.17g\n"
        text += (
            "run 0 post no\n"
            + lammps.report("energy", ["pe"])
            + lammps.report("virial", VIRIAL)
            + "undump atoms\n"
        )
        if self.dynamics:
            step = "0.5" if self.units == "real" else "0.0005"
            text += "velocity all create 300.0 4711 mom yes rot no dist gaussian\n"
            text += f"timestep {step}\nfix move all nve\n"
            text += f"run {self.dynamics} post no\n" + lammps.report("moved_energy", ["pe"])
            text += lammps.dump_now("x y z vx vy vz fx fy fz", "moved")
        if self.minimize:
            text += "min_style cg\nminimize 0.0 1e-4 20 100\n" + lammps.report(
                "moved_energy", ["pe"]
            )
            text += lammps.dump_now("x y z fx fy fz", "moved")
        return text


def targets(quick):
    """Structures and models, without those of several potentials and of other styles."""
    all_engines = HOST + TORCH + KOKKOS
    few = ("host-single", "host-double", "torch-double", "kokkos-double")
    molecule = ("host-single", "host-double") + TORCH
    exact = ("host-single", "host-single-exact", "host-double")
    plain = ("host-single", "host-double")
    everywhere = ("host-single", "host-double", "kokkos-double")
    painn = [
        Target("ethanol", ("ethanol-rmd17-painn32",), all_engines, isa=exact),
        Target("ethanol", ("ethanol-rmd17-painn128",), all_engines, isa=exact),
        Target("caffeine", ("druglike-gfn2-painn64",), all_engines, ranks=everywhere, isa=exact),
        Target("caffeine-cluster", ("druglike-gfn2-painn64",), few),
        Target(
            "ethanol-crystal", ("ethanol-rmd17-painn32",), all_engines, ranks=everywhere, isa=plain
        ),
        Target("ethanol-small-cell", ("ethanol-rmd17-painn64",), few),
        Target(
            "water-triclinic", ("druglike-gfn2-painn64",), all_engines, ranks=everywhere, isa=plain
        ),
        Target("two-ethanols", ("ethanol-gfn2-painn32",), few),
    ]
    long_range = [
        Target(
            "ion-pair",
            ("ionpair-gfn2-painn32-fmm",),
            all_engines,
            "fmm direct",
            "direct",
            ranks=plain,
            isa=plain,
        ),
        Target(
            "ion-pair",
            ("ionpair-gfn2-painn32-fmm",),
            all_engines,
            "fmm linear",
            "linear",
            ranks=everywhere,
            isa=plain,
        ),
        Target("caffeine", ("ionpair-gfn2-painn32-fmm",), few, "fmm auto", "auto"),
        Target(
            "caffeine-cluster",
            ("ionpair-gfn2-painn32-fmm",),
            few,
            "fmm direct",
            "direct",
            ranks=plain,
            isa=plain,
        ),
        Target(
            "caffeine-cluster",
            ("ionpair-gfn2-painn32-fmm",),
            few,
            "fmm linear",
            "linear",
            ranks=plain,
            isa=plain,
        ),
        Target("ion-pair-cell", ("ionpair-gfn2-painn32-fmm",), all_engines, ranks=everywhere),
        Target(
            "ion-pair-triclinic", ("ionpair-gfn2-painn32-fmm",), all_engines, ranks=plain, isa=plain
        ),
        Target("ion-pair-cell", ("ionpair-gfn2-painn32",), few),
    ]
    one_molecule = [
        Target("ethanol", ("ethanol-gfn2-mlp",), molecule, isa=plain),
        Target("two-ethanols", ("ethanol-gfn2-mlp",), molecule),
        Target("aspirin", ("aspirin-gfn2-mlp",), molecule, isa=plain),
    ]
    committee = ("ethanol-rmd17-painn32", "ethanol-rmd17-painn64", "ethanol-gfn2-painn32")
    committees = [
        Target("ethanol", committee, plain + TORCH, label="committee", isa=plain),
        Target("ethanol-crystal", committee, plain, label="committee", ranks=plain),
        Target(
            "ethanol",
            ("ethanol-gfn2-mlp", "ethanol-gfn2-painn32"),
            plain,
            label="committee-of-kinds",
        ),
    ]
    if quick:
        return [painn[0], painn[4], long_range[0], long_range[5], one_molecule[0], committees[0]]
    return painn + long_range + one_molecule + committees


def row_name(target, engine):
    model = (
        target.label
        if len(target.models) > 1
        else "/".join(filter(None, (target.models[0], target.label)))
    )
    return f"forces/{target.system}/{model}/{engine}"


def case_of(target, engine, system):
    types = system.elements()
    files = " ".join(potential(model) for model in target.models)
    mass = Input(
        data=f"../{target.system}.data",
        style=f"{STYLES[engine]} {target.words}",
        coeff=f"pair_coeff * * {files} {' '.join(types)}",
        periodic=system.cell is not None,
        spread=len(target.models) > 1,
        dynamics=10
        if target.system in ("ethanol-crystal", "water-triclinic", "ion-pair-cell")
        else 0,
    )
    return lammps.Case(row_name(target, engine), mass.commands())


def other_cases(all_systems, have_torch):
    """pair_style mlff in other surroundings: units, newton off, hybrid styles, atoms left out."""
    crystal, water = all_systems["ethanol-crystal"], all_systems["water-triclinic"]
    types, water_types = crystal.elements(), water.elements()
    file = potential("ethanol-rmd17-painn32")
    elements = " ".join(types)
    host = "mlff engine host precision double"
    base = {"data": "../ethanol-crystal.data", "periodic": True}
    coeff = f"pair_coeff * * {file} {elements}"
    without_oxygen = " ".join("NULL" if element == "O" else element for element in types)
    oxygen = types.index("O") + 1
    cases = {
        "default": Input(style="mlff", coeff=coeff, **base),
        "newton-off": Input(style=host, coeff=coeff, newton="off", dynamics=5, **base),
        "units-real": Input(style=host, coeff=coeff, units="real", dynamics=5, **base),
        "hybrid-overlay": Input(
            style=f"hybrid/overlay {host} lj/cut 6.0",
            coeff=f"pair_coeff * * mlff {file} {without_oxygen}\n"
            f"pair_coeff {oxygen} * lj/cut 0.002 1.3\n"
            f"pair_coeff * {oxygen} lj/cut 0.002 1.3",
            dynamics=5,
            **base,
        ),
        "hybrid-scaled": Input(
            style=f"hybrid/scaled 0.3 {host} 0.7 {host}",
            coeff=f"pair_coeff * * mlff 1 {file} {elements}\n"
            f"pair_coeff * * mlff 2 {potential('ethanol-gfn2-painn32')} {elements}",
            **base,
        ),
        "atoms-left-out": Input(
            style=host,
            coeff=coeff,
            before_run="group gone id 10:18\nneigh_modify exclude group all gone\n",
            **base,
        ),
        "minimized": Input(style=host, coeff=coeff, minimize=True, **base),
        "warnings": Input(
            style=f"{host} warn 0.05",
            coeff=f"pair_coeff * * {file} {file} {elements}",
            spread=True,
            **base,
        ),
        "isolated-atoms": Input(
            data="../water-triclinic.data",
            style=host,
            coeff=f"pair_coeff * * {potential('druglike-gfn2-painn64')} {' '.join(water_types)}",
            periodic=True,
            before_run="change_box all x scale 2.5 y scale 2.5 z scale 2.5 remap\n",
        ),
    }
    if have_torch:
        pair_types = " ".join(all_systems["ion-pair"].elements())
        cases["long-range-auto-torch"] = Input(
            data="../ion-pair.data",
            style="mlff engine torch device cpu precision double",
            coeff=f"pair_coeff * * {potential('ionpair-gfn2-painn32-fmm')} {pair_types}",
        )
    return [lammps.Case(f"forces/other/{name}", one.commands()) for name, one in cases.items()]


def xtb_cases(all_systems):
    cases = []
    for name, system, words in (
        ("ethanol/gfn2", "ethanol", "method gfn2"),
        ("ethanol/gfn1", "ethanol", "method gfn1"),
        ("ethanol/gfnff", "ethanol", "method gfnff"),
        ("caffeine/gfn2", "caffeine", "method gfn2"),
        ("ion-pair/gfnff", "ion-pair", "method gfnff"),
        ("two-ethanols/gfn2-molecules", "two-ethanols", "method gfn2 system molecule"),
    ):
        types = all_systems[system].elements()
        molecules = system == "two-ethanols"
        one = Input(
            data=f"../{system}{'-molecules' if molecules else ''}.data",
            style=f"xtb {words}",
            coeff=f"pair_coeff * * {' '.join(types)}",
            atom_style="full" if molecules else "atomic",
            per_atom=False,
            dynamics=3,
        )
        cases.append(lammps.Case(f"forces/xtb/{name}", one.commands()))
    return cases


def record(rows, build, work, settings):
    work.mkdir()
    systems = structures.systems()
    for name, system in systems.items():
        structures.write_data(work / f"{name}.data", system, system.elements())
    pair = systems["two-ethanols"]
    molecules = [1 + (i >= len(pair.symbols) // 2) for i in range(len(pair.symbols))]
    structures.write_data(
        work / "two-ethanols-molecules.data", pair, pair.elements(), molecules=molecules
    )

    groups = {}
    for target in targets(settings.quick):
        for engine in target.engines:
            groups.setdefault((engine.split("-")[0], 1, None), []).append(
                case_of(target, engine, systems[target.system])
            )
            if engine in target.ranks:
                groups.setdefault((engine.split("-")[0], 2, None), []).append(
                    case_of(target, engine, systems[target.system])
                )
            if engine in target.isa:
                for isa in settings.isas:
                    groups.setdefault((engine.split("-")[0], 1, isa), []).append(
                        case_of(target, engine, systems[target.system])
                    )
    groups["host", 1, None] += other_cases(systems, "torch" in settings.engines)
    groups["xtb", 1, None] = xtb_cases(systems)[: 3 if settings.quick else None]

    for (engine, ranks, isa), cases in groups.items():
        if engine == "torch" and "torch" not in settings.engines:
            continue
        suffix = (f"/ranks={ranks}" if ranks > 1 else "") + (f"/isa={isa}" if isa else "")
        say(f"forces: {len(cases)} with {engine}{suffix.replace('/', ', ')}")
        words = ("-k", "on", "t", "1", "-sf", "kk") if engine == "kokkos" else ()
        folder = work / f"{engine}-{ranks}-{isa or 'best'}"
        lammps.run_cases(rows, build, cases, folder, words, ranks=ranks, isa=isa, suffix=suffix)
    threads = [
        case_of(target, engine, systems[target.system])
        for target in targets(settings.quick)[1:3]
        for engine in ("host-single", "host-double")
    ]
    say(f"forces: {len(threads)} with two threads")
    lammps.run_cases(rows, build, threads, work / "threads", threads=2, suffix="/threads=2")
