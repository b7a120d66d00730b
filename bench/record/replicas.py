"""Partitions that evaluate a model together: where they are after some steps."""

from . import lammps, structures
from .programs import ProgramError, potential
from .rows import say

HEAD = """variable p world <names>
units metal
boundary s s s
atom_modify map array sort 0 0.0
read_data ../<system>.data
pair_style <style>
pair_coeff * * <model> <types>
neighbor 2.0 bin
neigh_modify every 1 delay 0 check yes
timestep 0.0005
thermo 1000000
"""
DYNAMICS = """velocity all create 300.0 ${p}7 mom yes rot yes dist gaussian
fix move all nve
fix bath all langevin 300.0 300.0 0.05 ${p}3
run <steps> post no
"""
UNEQUAL = """velocity all create 300.0 ${p}7 mom yes rot yes dist gaussian
fix move all nve
variable n world <lengths>
run ${n} post no
"""
TEMPER = """variable T world <temperatures>
velocity all create $T 11 mom yes rot yes dist gaussian
fix move all nve
fix bath all langevin $T $T 0.05 5${p}
temper <steps> 10 $T bath 0 58728
"""
NEB = """fix band all neb 1.0
min_style fire
neb 0.0 0.001 40 40 10 final ../final
"""
JUMPS = """velocity all create 300.0 ${p}7 mom no rot no dist gaussian
compute_modify thermo_temp extra/dof 0
fix jump all kstep/hybrid <network> <types> batch on wait 100 langevin 300.0 0.1 5${p} timing no
run <steps> post no
print "scalar $(f_jump:%.17g)" append replica${p}.numbers screen no
"""
END = """print "energy $(pe:%.17g)" append replica$p.numbers screen no
write_dump all custom replica$p.dump id x y z vx vy vz fx fy fz modify sort id format float %.17g
"""


def filled(text, fields):
    for key, value in fields.items():
        text = text.replace(f"<{key}>", value)
    return text


def turned_hydroxyl(ethanol):
    """End of a band as the command neb reads it: O-H turned by 90 degrees about C-O."""
    carbon, oxygen, hydrogen = (ethanol.positions[k] for k in (1, 2, 8))
    length = structures.distance(carbon, oxygen)
    u = [(x - y) / length for x, y in zip(oxygen, carbon)]
    h = [x - y for x, y in zip(hydrogen, oxygen)]
    along = sum(x * y for x, y in zip(u, h))
    cross = (u[1] * h[2] - u[2] * h[1], u[2] * h[0] - u[0] * h[2], u[0] * h[1] - u[1] * h[0])
    place = [o + along * x + c for o, x, c in zip(oxygen, u, cross)]
    return "1\n9 " + " ".join(f"{x:.10f}" for x in place) + "\n"


def record(rows, build, work, settings):
    work.mkdir()
    system, pair = structures.molecule("ethanol"), structures.systems()["ion-pair"]
    structures.write_data(work / "ethanol.data", system, system.elements())
    structures.write_data(work / "ion-pair.data", pair, pair.elements())
    painn = potential("ethanol-gfn2-painn32")
    (work / "final").write_text(turned_hydroxyl(system), encoding="utf-8")
    steps = 120
    host = "mlff engine host precision {} threads 1 batch {}"
    runs = {
        "2x1/host-double": (2, "ethanol", painn, host.format("double", "on wait 100"), DYNAMICS),
        "4x1/host-double": (4, "ethanol", painn, host.format("double", "on wait 100"), DYNAMICS),
        "4x1/host-single": (4, "ethanol", painn, host.format("single", "on wait 100"), DYNAMICS),
        "4x1/host-alone": (4, "ethanol", painn, host.format("double", "off"), DYNAMICS),
        "2x1/molecule-mlp": (
            2,
            "ethanol",
            potential("ethanol-gfn2-mlp"),
            host.format("double", "on wait 100"),
            DYNAMICS,
        ),
        "2x1/long-range": (
            2,
            "ion-pair",
            potential("ionpair-gfn2-painn32-fmm"),
            host.format("double", "on wait 100"),
            DYNAMICS,
        ),
        "4x1/unequal": (4, "ethanol", painn, host.format("double", "on wait 100"), UNEQUAL),
        "4x1/temper": (4, "ethanol", painn, host.format("double", "on wait 100"), TEMPER),
        "4x1/neb": (4, "ethanol", painn, host.format("double", "on wait 100"), NEB),
        "2x1/jumps": (2, "ethanol", painn, host.format("double", "off"), JUMPS),
    }
    if "torch" in settings.engines:
        runs["2x1/torch-alone"] = (
            2,
            "ethanol",
            painn,
            "mlff engine torch device cpu precision double threads 1 batch off",
            DYNAMICS,
        )
    if settings.quick:
        runs = {name: runs[name] for name in ("2x1/host-double", "2x1/jumps")}
    for name, (count, system_name, model, style, body) in runs.items():
        say(f"replicas: {name}")
        elements = pair.elements() if system_name == "ion-pair" else system.elements()
        fields = {
            "names": " ".join(map(str, range(1, count + 1))),
            "system": system_name,
            "style": style,
            "model": model,
            "network": potential("ethanol-gfn2-jump8"),
            "types": " ".join(elements),
            "steps": str(steps),
            "lengths": " ".join(str(steps // (k + 1)) for k in range(count)),
            "temperatures": " ".join(str(300 + 40 * k) for k in range(count)),
        }
        folder = work / name.replace("/", "-")
        folder.mkdir()
        text = filled(HEAD + body + END, fields)
        (folder / "in.replicas").write_text(text, encoding="utf-8")
        words = ("-partition", f"{count}x1", "-in", "in.replicas", "-nocite", "-pscreen", "none")
        try:
            # on one core they wait for each other, with more cores they need not
            build.lmp(*words, work=folder, ranks=count, one_core=True)
            for replica in range(1, count + 1):
                lammps.collect(rows, f"replicas/{name}/{replica}", folder, f"replica{replica}")
        except ProgramError as error:
            rows.add_error(f"replicas/{name}", str(error))
