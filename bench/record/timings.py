"""Times of `mlff bench`, LAMMPS inputs and trainings, of one build or of two in turn."""

import fnmatch
import json
import re
import statistics
import tempfile
from pathlib import Path

from . import structures, toy
from .programs import ProgramError, potential
from .rows import say

REPLICAS = 16
# time and steps of a run, and how much of the time the processor worked for it
RUN = re.compile(
    r"^Loop time of (\S+) on \d+ procs for (\d+) steps.*?^([\d.]+)% CPU use with",
    re.MULTILINE | re.DOTALL,
)

INPUT = """units metal
boundary <boundary>
atom_modify map array
read_data <data>
pair_style <style>
pair_coeff * * <model> <types>
neighbor 1.0 bin
neigh_modify every 1 delay 0 check yes
timestep 0.0005
thermo 1000000
velocity all create 300.0 4711 mom yes rot no dist gaussian
<integrator>
run <warm>
run <steps>
run <steps>
run <steps>
run <steps>
run <steps>
"""


def bench_commands():
    """Arguments of `mlff bench`, by the name that their rows begin with."""
    return {
        "painn32": (
            "--random",
            32,
            2,
            20,
            "--data",
            "ethanol.xyz",
            "--batch",
            1,
            16,
            "--atoms",
            200,
        ),
        "painn32-double": (
            "--random",
            32,
            2,
            20,
            "--data",
            "ethanol.xyz",
            "--batch",
            1,
            "--atoms",
            200,
            "--precision",
            "double",
        ),
        "painn64": (
            "--model",
            potential("druglike-gfn2-painn64"),
            "--data",
            "caffeine.xyz",
            "--batch",
            1,
            8,
        ),
        "painn128": (
            "--model",
            potential("ethanol-rmd17-painn128"),
            "--data",
            "ethanol.xyz",
            "--batch",
            1,
            8,
        ),
        "long-range": ("--random", 32, 2, 20, "--fmm", 1, 8, 6, "--atoms", 300),
        "long-range-periodic": (
            "--random",
            32,
            2,
            20,
            "--fmm",
            1,
            8,
            6,
            "--atoms",
            300,
            "--periodic",
        ),
        "molecule-mlp": (
            "--model",
            potential("ethanol-gfn2-mlp"),
            "--data",
            "ethanol.xyz",
            "--batch",
            1,
            16,
        ),
        "jump": (
            "--model",
            potential("ethanol-gfn2-jump8"),
            "--data",
            "windows.xyz",
            "--batch",
            1,
            16,
        ),
    }


def lammps_inputs():
    """Fields of INPUT and words of the command line, by name of the row."""
    ethanol = {
        "data": "ethanol.data",
        "types": "C O H",
        "boundary": "s s s",
        "integrator": "fix move all nve",
        "model": potential("ethanol-rmd17-painn32"),
        "warm": "2000",
        "steps": "2000",
    }
    water = {
        "data": "water.data",
        "types": "O H",
        "boundary": "p p p",
        "integrator": "fix move all nve",
        "model": potential("druglike-gfn2-painn64"),
        "warm": "10",
        "steps": "12",
    }
    network = potential("ethanol-gfn2-jump8")
    jump = f"fix jump all kstep/hybrid {network} C O H langevin 300 0.1 7 timing no"
    return {
        "ethanol": ({**ethanol, "style": "mlff engine host"}, ()),
        "water-192": ({**water, "style": "mlff engine host"}, ()),
        "water-1029": (
            {
                **water,
                "data": "more-water.data",
                "style": "mlff engine host",
                "warm": "3",
                "steps": "5",
            },
            (),
        ),
        "water-192-kokkos": (
            {**water, "style": "mlff/kk", "warm": "3", "steps": "4"},
            ("-k", "on", "t", "1", "-sf", "kk"),
        ),
        "jumps": (
            {
                **ethanol,
                "boundary": "p p p",
                "style": "mlff engine host",
                "integrator": jump,
                "steps": "1200",
            },
            (),
        ),
        f"replicas-{REPLICAS}": (
            {**ethanol, "style": "mlff engine host", "warm": "200", "steps": "200"},
            ("-partition", f"{REPLICAS}x1", "-pscreen", "none"),
        ),
    }


def prepare(work):
    work.mkdir(parents=True, exist_ok=True)
    ethanol = structures.molecule("ethanol")
    structures.write_xyz(work / "ethanol.xyz", toy.rattled_frames(ethanol, 31, 16, 0.05))
    structures.write_xyz(
        work / "caffeine.xyz", toy.rattled_frames(structures.molecule("caffeine"), 32, 8, 0.05)
    )
    structures.write_xyz(work / "windows.xyz", toy.trajectory(ethanol, 33, 1, 16))
    structures.write_xyz(work / "long-windows.xyz", toy.trajectory(ethanol, 35, 2, 60))
    structures.write_data(work / "ethanol.data", ethanol, ["C", "O", "H"])
    water = structures.molecule("water").in_cell((3.1, 3.1, 3.1, 0.0, 0.0, 0.0))
    more = water.replicated((7, 7, 7)).rattled(0.05, 36)
    water = water.replicated((4, 4, 4)).rattled(0.05, 34)
    structures.write_data(work / "more-water.data", more, ["O", "H"])
    structures.write_data(work / "water.data", water, ["O", "H"])


def bench(build, work, name, repeats):
    """Microseconds per atom of the rows of one `mlff bench` command: median and shortest."""
    words = bench_commands()[name]
    report = json.loads(
        build.mlff("bench", *words, "--repeats", repeats, "--threads", 1, "--json", work=work)
    )
    result = {}
    for system in report["systems"]:
        for engine in report["engines"]:
            times = system[engine]["us_per_atom"], system[engine]["us_per_atom_min"]
            result[f"bench/{name}/{system['system']}/{engine}"] = times
    return result


def lammps_run(build, work, name):
    """Microseconds of the processor per step of one LAMMPS input: median and shortest of its runs.

    Those of the clock would tell how busy the machine is.
    """
    fields, words = lammps_inputs()[name]
    text = INPUT
    for key, value in fields.items():
        text = text.replace(f"<{key}>", value)
    (work / f"in.{name}").write_text(text, encoding="utf-8")
    if "-partition" in words:
        build.lmp("-in", f"in.{name}", "-nocite", *words, work=work, ranks=REPLICAS)
        logs = [
            (work / f"log.lammps.{k}").read_text(encoding="utf-8") for k in range(REPLICAS)
        ]
    else:
        logs = [build.lmp("-in", f"in.{name}", "-log", "none", "-nocite", *words, work=work)]
    # of each run the mean of the replicas; the first run is the warm one
    runs = zip(*(RUN.findall(log)[1:] for log in logs))
    times = [
        1e4 * statistics.fmean(float(time) * float(use) / int(steps) for time, steps, use in run)
        for run in runs
    ]
    return {f"lammps/{name}": (statistics.median(times), min(times))}


def train_run(build, work, name):
    """Microseconds per frame or window of a training, as median and as shortest."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        settings = {**trainings()[name], "output": "result.safetensors"}
        (Path(folder) / "settings.yaml").write_text(json.dumps(settings), encoding="utf-8")
        build.mlff("train", "settings.yaml", "--no-plots", work=folder)
        log = Path(folder) / "result.training" / "log.jsonl"
        last = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    rate = last.get("frames_per_second") or last["windows_per_second"]
    return {f"train/{name}": (1e6 / rate, 1e6 / rate)}


def trainings():
    """Settings of trainings with the hand-written gradients, a second or two long."""
    course = {"engine": "host", "threads": 1, "warmup": 10}
    frames = {"train": {"file": "../ethanol.xyz"}, "valid_fraction": 0}
    windows = {"timestep": 0.5, "train": {"file": "../long-windows.xyz"}, "valid_fraction": 0}
    painn = {"features": 32, "layers": 2, "radial": 20}
    jump = {"kind": "kstep", **painn, "strides": [8.0]}

    def steps(number):
        return {**course, "steps": number, "validate_every": number}

    return {
        "painn": {"model": painn, "data": frames, "training": {**steps(800), "batch_atoms": 90}},
        "molecule-mlp": {
            "model": {"kind": "molecule-mlp"},
            "data": frames,
            "training": {**steps(3000), "batch_atoms": 90},
        },
        "kstep-painn": {
            "model": jump,
            "data": windows,
            "report": {"energies": 0},
            "training": {**steps(800), "windows": 8},
        },
    }


def measures(repeats):
    """What can be timed: names, and functions of a build and a folder that return rows."""
    jobs = {
        f"bench/{name}": lambda build, work, name=name: bench(build, work, name, repeats)
        for name in bench_commands()
    }
    jobs |= {
        f"lammps/{name}": lambda build, work, name=name: lammps_run(build, work, name)
        for name in lammps_inputs()
    }
    jobs |= {
        f"train/{name}": lambda build, work, name=name: train_run(build, work, name)
        for name in trainings()
    }
    return jobs


def record(build, work, settings):
    """Times of one build, in microseconds per atom, step of LAMMPS, or frame of a training."""
    prepare(work)
    times = {}
    for name, measure in measures(3 if settings.quick else 7).items():
        say(f"timings: {name}")
        try:
            times |= {row: median for row, (median, _) in measure(build, work).items()}
        except ProgramError as error:
            times[name] = str(error)
    return times


def paired(builds, work, repeats, pattern):
    """Times of two builds in turn: for each row the samples of both, and their ratios."""
    prepare(work)
    samples, shortest = {}, {}
    jobs = {
        name: measure
        for name, measure in measures(5).items()
        if any(fnmatch.fnmatch(name, f"*{part}*") for part in pattern.split(","))
    }
    for repeat in range(repeats):
        for name, measure in jobs.items():
            say(f"paired: {repeat + 1} of {repeats}, {name}")
            # the one that goes first alternates
            for which in (0, 1) if repeat % 2 == 0 else (1, 0):
                for row, (median, least) in measure(builds[which], work).items():
                    samples.setdefault(row, ([], []))[which].append(median)
                    shortest.setdefault(row, ([], []))[which].append(least)
    rows = {}
    for row, (first, second) in samples.items():
        ratios = [b / a for a, b in zip(first, second)]
        rows[row] = {
            "median_ratio": statistics.median(ratios),
            "least_ratio": min(ratios),
            "largest_ratio": max(ratios),
            "ratio_of_shortest": min(shortest[row][1]) / min(shortest[row][0]),
            "first_us": first,
            "second_us": second,
        }
    return rows


def table(rows):
    """The ratios of `paired` as text."""
    width = max(map(len, rows), default=3)
    head = ("first, us", "second, us", "ratio", "of shortest", "range")
    lines = [f"{'row':{width}}" + "".join(f" {word:>15}" for word in head)]
    for name, row in rows.items():
        words = [f"{statistics.median(row[key]):.3f}" for key in ("first_us", "second_us")]
        words += [f"{row[key]:.3f}" for key in ("median_ratio", "ratio_of_shortest")]
        words.append(f"{row['least_ratio']:.3f} - {row['largest_ratio']:.3f}")
        lines.append(f"{name:{width}}" + "".join(f" {word:>15}" for word in words))
    return "\n".join(lines)
