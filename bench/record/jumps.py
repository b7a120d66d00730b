"""Jumps of fix kstep/hybrid in every mode: the state afterwards, and what the fix counted."""

import re

from . import lammps, structures
from .programs import potential
from .rows import say

STRIDE_16 = "jump network 16 0.0005"
STUDENT = "jump student 20 0.0005"
HEAT = "langevin 300 0.1 7"
HOST = "mlff engine host precision double"

START = """units metal
atom_style atomic
atom_modify map array sort 0 0.0
boundary p p p
read_data ../{system}.data
timestep 0.0005
pair_style {pair}
pair_coeff * * {coeff}
neighbor 2.0 bin
neigh_modify every 1 delay 0 check no
thermo 1000000
compute_modify thermo_temp extra/dof 0
"""
HOT = "velocity all create 300.0 4711 mom yes rot no dist gaussian\n"


class Mode:
    """A way to use the fix: its model, its words, and what else is in the input."""

    def __init__(self, model, words, steps=100, **more):
        self.model, self.words, self.steps = model, words, steps
        self.system = more.pop("system", "ethanol")
        self.pair = more.pop("pair", HOST)
        self.coeff = more.pop("coeff", potential("ethanol-gfn2-painn32"))
        self.style = more.pop("style", "kstep/hybrid")
        self.before = more.pop("before", "")  # commands before the fix
        self.between = more.pop("between", "")  # commands in the middle of the run
        self.as_written = more.pop("as_written", False)
        self.restart = more.pop("restart", False)
        if more:
            raise TypeError(f"unknown: {more}")

    def case(self, name, system):
        types = " ".join(system.elements())
        coeff = f"{self.coeff} {types}"
        start = START.format(system=self.system, pair=self.pair, coeff=coeff)
        fix = f"fix jump all {self.style} {potential(self.model)} {types} {self.words} timing no\n"
        if self.as_written:
            # the suffix of a Kokkos run would turn all styles into those of the device
            start = re.sub(r"(?m)^(pair_style .*)$", r"suffix off\n\1\nsuffix on", start)
            fix = f"suffix off\n{fix}suffix on\n"
        text = start + HOT + self.before + fix
        half = self.steps // 2
        if self.restart:
            again = (
                start.split("read_data")[0] + "read_restart OUT.restart\n" + start.split("\n", 5)[5]
            )
            text += f"run {half} post no\nwrite_restart OUT.restart\nclear\n"
            text += f"{again}{self.before}{fix}run {self.steps - half} post no\n"
        elif self.between:
            text += f"run {half} post no\n{self.between}run {self.steps - half} post no\n"
        else:
            text += f"run {self.steps} post no\n"
        text += lammps.report("scalar", ["f_jump"])
        text += lammps.report(
            "vector", [f"f_jump[{k}]" for k in range(1, 25 + len(system.elements()))]
        )
        text += lammps.report("energies", ["time", "pe", "ke", "etotal"])
        text += lammps.dump_now("x y z vx vy vz fx fy fz ix iy iz")
        return lammps.Case(f"jumps/{name}", text)


def network_modes():
    jump8, jump16, jumps = "ethanol-gfn2-jump8", "ethanol-gfn2-jump16", "ethanol-gfn2-jumps"
    loose = "limits published"
    modes = {
        "network": Mode(jump8, HEAT),
        "network/double": Mode(jump8, f"{HEAT} precision double"),
        "network/no-corrector": Mode(jump8, f"corrector 0 {HEAT}", 50),
        "network/corrector-3": Mode(jump8, f"corrector 3 {HEAT}", 200),
        "network/fraction": Mode(jump8, f"fraction 0.25 {HEAT}", 250),
        "network/newtonian": Mode(jump8, "corrector 0 temp 300", 50),
        "network/not-rescaled": Mode(jump8, f"corrector 0 conserve no {HEAT}", 50),
        "network/published-limits": Mode(jump8, f"{loose} {HEAT}"),
        "network/no-limits": Mode(
            jump8, f"range off strain off rise off kinetic off drift off {HEAT}"
        ),
        "network/range": Mode(jump8, f"range 0.45 {HEAT}", 200),
        "network/strain": Mode(jump8, f"strain 0.08 {HEAT}", 200),
        "network/rise": Mode(jump8, f"rise 0.05 {HEAT}", 200),
        "network/kinetic": Mode(jump8, f"kinetic 1.0 {HEAT}", 200),
        "network/drift": Mode(jump8, f"drift 0.05 {HEAT}", 200),
        "network/no-fallback": Mode(jump8, f"drift 0.05 fallback off {HEAT}"),
        "network/attempts": Mode(jump8, f"drift 0.05 attempts 3 scale 0.7 {HEAT}", 200),
        "network/16-fs": Mode(jump16, f"jump network 32 0.0005 corrector 0 {HEAT}", 50),
        "network/stride-of-several": Mode(jumps, f"{STRIDE_16} {HEAT}"),
        "network/thermostat": Mode(
            jump8, "temp 300", before="fix heat all temp/berendsen 300 300 0.1\n"
        ),
        "network/nvt-name": Mode(jump8, HEAT, style="nvt/kstep/hybrid"),
        "network/restart": Mode(
            jump8, f"corrector 2 drift 0.12 range 0.8 {HEAT}", 90, restart=True
        ),
        "network/displaced": Mode(jump8, HEAT, between="displace_atoms all move 1.0 0.5 0.0\n"),
        "network/several-molecules": Mode(jump8, f"drift 0.08 {HEAT}", 200, system="two-ethanols"),
        "network/several-together": Mode(
            jump8, f"drift 0.15 attempts 2 {HEAT}", 100, system="two-ethanols"
        ),
        "network/shared-energy": Mode(
            jump8,
            f"drift 0.15 {HEAT}",
            100,
            system="two-ethanols",
            pair=f"hybrid/overlay {HOST} lj/cut 18.0",
            coeff=f"mlff {potential('ethanol-gfn2-painn32')}",
            before="pair_coeff * * lj/cut 1e-10 3.0\n",
        ),
        "network/druglike-caffeine": Mode(
            "druglike-gfn2-jump8",
            HEAT,
            20,
            system="caffeine",
            coeff=potential("druglike-gfn2-painn64"),
        ),
        "network/aspirin": Mode(
            "aspirin-gfn2-jump8",
            HEAT,
            20,
            system="aspirin",
            coeff=potential("druglike-gfn2-painn64"),
        ),
    }
    for control in ("corrector", "zero", "ballistic", "verlet", "linear"):
        modes[f"control/{control}"] = Mode(jump8, f"control {control} {HEAT}")
    return modes


def student_modes():
    painn, mlp = "ethanol-gfn2-painn32", "ethanol-gfn2-mlp"
    other = potential("ethanol-rmd17-painn32")  # a force that the student is not
    tether = "fix tether all spring/self 0.2\nfix_modify tether energy yes\n"
    return {
        "student/equal": Mode(painn, f"{STUDENT} {HEAT}"),
        "student/metropolis": Mode(painn, f"{STUDENT} {HEAT}", coeff=other),
        "student/metropolis-double": Mode(painn, f"{STUDENT} precision double {HEAT}", coeff=other),
        "student/no-metropolis": Mode(
            painn, f"jump student 10 0.0005 metropolis no {HEAT}", coeff=other
        ),
        "student/corrector": Mode(painn, f"{STUDENT} corrector 2 {HEAT}", 150, coeff=other),
        "student/several-molecules": Mode(
            painn, f"{STUDENT} {HEAT}", coeff=other, system="two-ethanols"
        ),
        "student/tether": Mode(painn, f"{STUDENT} {HEAT}", before=tether),
        "student/tether-together": Mode(
            painn, f"{STUDENT} {HEAT}", before=tether, system="two-ethanols"
        ),
        "student/thermostat": Mode(
            painn, f"{STUDENT}", coeff=other, before="fix heat all temp/berendsen 300 300 0.1\n"
        ),
        "student/mass-changed": Mode(painn, f"{STUDENT} {HEAT}", between="mass 3 2.014\n"),
        "student/restart": Mode(painn, f"{STUDENT} {HEAT}", coeff=other, restart=True),
        "student/molecule-mlp": Mode(mlp, f"jump student 80 0.0005 {HEAT}"),
        "student/molecule-mlp-force": Mode(painn, f"{STUDENT} {HEAT}", coeff=potential(mlp)),
        "student/molecule-mlp-several": Mode(mlp, f"{STUDENT} {HEAT}", system="two-ethanols"),
    }


def torch_modes():
    return {
        "network/torch": Mode("ethanol-gfn2-jump8", f"engine torch {HEAT}"),
        "network/torch-double": Mode("ethanol-gfn2-jump8", f"engine torch precision double {HEAT}"),
        "student/torch": Mode(
            "ethanol-gfn2-painn32", f"jump student 4 0.0005 engine torch precision double {HEAT}"
        ),
        "network/torch-force": Mode(
            "ethanol-gfn2-jump8", HEAT, pair="mlff engine torch device cpu precision double"
        ),
    }


def kokkos_modes():
    device = {"style": "kstep/hybrid/kk", "pair": "mlff/kk precision double", "as_written": True}
    jump8, painn = "ethanol-gfn2-jump8", "ethanol-gfn2-painn32"
    words = f"corrector 2 drift 0.12 range 0.8 precision double {HEAT}"
    return {
        "kokkos/network": Mode(jump8, f"{HEAT} precision double", **device),
        "kokkos/single": Mode(jump8, f"{HEAT} precision single", **device),
        "kokkos/limits": Mode(jump8, words, 150, **device),
        "kokkos/force-of-host": Mode(jump8, words, 150, **{**device, "pair": HOST}),
        "kokkos/several-molecules": Mode(jump8, words, 150, system="two-ethanols", **device),
        "kokkos/student": Mode(
            painn, f"jump student 10 0.0005 precision double {HEAT}", 50, **device
        ),
        "kokkos/linear": Mode(jump8, "control linear temp 300 precision double", **device),
        "kokkos/corrector": Mode(jump8, f"control corrector precision double {HEAT}", **device),
        "kokkos/nvt-name": Mode(
            jump8, f"{HEAT} precision double", **{**device, "style": "nvt/kstep/hybrid/kk"}
        ),
        # restart files know styles without their suffix
        "kokkos/restart": Mode(jump8, words, 90, restart=True, pair="mlff precision double"),
    }


def xtb_modes():
    jump8, mlp = "ethanol-gfn2-jump8", "ethanol-gfn2-mlp"
    return {
        "xtb/network": Mode(jump8, HEAT, 40, pair="xtb method gfn2", coeff=""),
        "xtb/student": Mode(
            mlp, f"jump student 40 0.0005 {HEAT}", 20, pair="xtb method gfn2", coeff=""
        ),
        "xtb/gfnff-together": Mode(
            mlp,
            f"jump student 4 0.0005 {HEAT}",
            20,
            pair="xtb method gfnff",
            coeff="",
            system="two-ethanols",
        ),
    }


def record(rows, build, work, settings):
    work.mkdir()
    all_systems = structures.systems()
    systems = {
        name: all_systems[name].in_cell(None)
        for name in ("ethanol", "two-ethanols", "caffeine", "aspirin")
    }
    # nearer to the minimum than the rattled structures of the forces
    systems["ethanol"] = structures.molecule("ethanol")
    for name, system in systems.items():
        structures.write_data(work / f"{name}.data", system, system.elements(), margin=18.0)

    def cases(modes):
        return [mode.case(name, systems[mode.system]) for name, mode in modes.items()]

    host = {**network_modes(), **student_modes()}
    groups = [("host", cases(host), (), None)]
    if "torch" in settings.engines:
        groups.append(("torch", cases(torch_modes()), (), None))
    groups.append(("kokkos", cases(kokkos_modes()), ("-k", "on", "t", "1", "-sf", "kk"), None))
    if not settings.quick:
        groups.append(("xtb", cases(xtb_modes()), (), None))
    chosen = (
        "network",
        "network/double",
        "network/several-molecules",
        "student/metropolis",
        "student/molecule-mlp",
    )
    for isa in settings.isas:
        groups.append(("host", cases({name: host[name] for name in chosen}), (), isa))
    for engine, list_of_cases, words, isa in groups:
        say(f"jumps: {len(list_of_cases)} with {engine}{', isa=' + isa if isa else ''}")
        folder = work / f"{engine}-{isa or 'best'}"
        lammps.run_cases(
            rows, build, list_of_cases, folder, words, isa=isa, suffix=f"/isa={isa}" if isa else ""
        )
