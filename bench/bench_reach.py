#!/usr/bin/env python3
"""Errors near the training frames and far from them, with and without a cheap teacher first.

    bench/bench_reach.py FOLDER [--quick] [--seeds N] [--json FILE] [--plot FILE] [--mlff PROGRAM]

The dear force is GFN2-xTB, so that everybody can make the sets, and the cheap one GFN1-xTB; the
molecule is the enol of malonaldehyde with its hydrogen bond. Students learn 50, 100 or 475 dear
frames of dynamics at 300 K, from nothing and after the cheap frames (`pretrain` of `mlff train`).
Errors are those on held-out dear frames at 300 K and at 600 K, and, by `mlff eval --reach`, of the
energies along torsions and bonds. All that is made lies in the folder that is named first; a run
that was stopped goes on there. Minutes are processor time of the training, those of "after" with
the cheap frames and the first training, which counts once for a seed and is the same for all.

One core: about ten minutes, with --quick (fewer frames, smaller networks, short trainings) two.
"""

import argparse
import datetime
import json
import math
import os
import platform
import resource
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
SMILES = r"O=C/C=C\O"
START = """units metal
atom_style full
boundary s s s
read_data molecule.data
pair_style xtb method gfn2
pair_coeff * * H C O
min_style fire
minimize 0.0 0.002 2000 4000
write_dump all extxyz start.xyz.partial modify sort id element H C O forces yes
"""
FULL = {
    "model": {"features": 64, "layers": 2},
    "dear": [50, 100, 475],
    "held_out": 200,
    "every": 100,
    "wide": 3000,
    "hot": {"--trajectories": 4, "--frames": 125},  # at each of three temperatures
    "first": {"steps": 20000, "learning_rate": 2.0e-3},
    "second": {"steps": 12000, "learning_rate": 5.0e-4},
    "nothing": {"steps": 20000, "learning_rate": 2.0e-3},
}
QUICK = {
    "model": {"features": 32, "layers": 2},
    "dear": [50, 200],
    "held_out": 50,
    "every": 40,
    "wide": 1000,
    "hot": {"--trajectories": 1, "--frames": 75},
    "first": {"steps": 10000, "learning_rate": 4.0e-3},
    "second": {"steps": 4000, "learning_rate": 1.0e-3},
    "nothing": {"steps": 10000, "learning_rate": 4.0e-3},
}


class Bench:
    """The sets, trainings and errors in one folder."""

    def __init__(self, folder, mlff, size):
        self.folder, self.mlff, self.size = folder, mlff, size
        self.lmp = os.environ.get("MLFF_LMP") or next(
            (p for p in (str(Path(mlff).parent / "lmp"), "lmp") if shutil.which(p)), None
        )
        if not self.lmp:
            sys.exit("bench_reach.py: no lmp beside mlff or in PATH; set MLFF_LMP")
        folder.mkdir(parents=True, exist_ok=True)
        self.times = folder / "times.json"
        self.check_settings()

    def check_settings(self):
        """A folder holds the sets of one size."""
        path, text = self.folder / "settings.json", json.dumps(self.size)
        if path.exists() and path.read_text() != text:
            sys.exit(f"bench_reach.py: {self.folder} is of other settings (--quick?); name another")
        path.write_text(text)

    def seconds(self):
        return json.loads(self.times.read_text()) if self.times.exists() else {}

    def run(self, name, words, done=None):
        """A command in the folder, unless its result is there; its processor seconds are kept."""
        if done and (self.folder / done).exists():
            return None
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = subprocess.run(
            [str(word) for word in words], cwd=self.folder, capture_output=True, text=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if result.returncode:
            sys.exit(f"bench_reach.py: {name}: {(result.stderr or result.stdout).strip()[-2000:]}")
        if done:
            used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
            times = self.seconds()
            times[name] = times.get(name, 0.0) + used
            self.times.write_text(json.dumps(times, indent=1))
            if not (self.folder / done).exists():
                (self.folder / f"{done}.partial").rename(self.folder / done)
            print(f"{name}: {used:.0f} s", file=sys.stderr, flush=True)
        return result.stdout

    def dynamics(self, name, temperature, seed, frames):
        """Dear frames, by the input that mlff label runs, from the conformer with the bond."""
        values = {
            "data": "molecule.data",
            "temperature": temperature,
            "seed": seed,
            "frames": frames,
            "every": self.size["every"],
            "output": f"{name}.xyz.partial",
        }
        (self.folder / f"{name}.xyz.partial").unlink(missing_ok=True)
        variables = [word for key, value in values.items() for word in ("-var", key, value)]
        words = [self.lmp, "-in", TOP / "examples/label/in.langevin", "-log", "none"]
        self.run(name, [*words, "-screen", "none", *variables], f"{name}.xyz")

    def cheap(self, name, *words):
        """Frames of GFN1-xTB; `mlff label` itself goes on where it was stopped."""
        done = f"{name}.complete"
        command = [self.mlff, "label", "--molecule", SMILES, "--method", "gfn1", "--seed", 1]
        (self.folder / f"{done}.partial").touch()
        self.run(name, [*command, "--jobs", 1, "-q", "-o", name, *words], done)

    def sets(self):
        size = self.size
        data = ["-o", "molecule.data", "--conformers", 20]
        self.run("molecule", [self.mlff, "molecule", SMILES, *data], "molecule.data")
        (self.folder / "in.start").write_text(START)
        lmp = [self.lmp, "-in", "in.start", "-log", "none", "-screen", "none"]
        self.run("start", lmp, "start.xyz")
        self.dynamics("train", 300, 1, max(size["dear"]))
        self.dynamics("test-300", 300, 2, size["held_out"])
        self.dynamics("test-600", 600, 3, size["held_out"])
        self.cheap("wide", "--sampling", "wide", "--frames", size["wide"])
        hot = [word for pair in size["hot"].items() for word in pair]
        self.cheap("hot", "--temperature", 600, 1000, 1500, "--every", 20, *hot)

    def train(self, name, settings):
        path = self.folder / f"{name}.yaml"
        path.write_text(json.dumps({**settings, "output": f"{name}.safetensors"}, indent=1))
        words = [self.mlff, "train", "--no-plots", "-q", path.name]
        self.run(name, words, f"{name}.safetensors")

    def student(self, kind, dear, seed):
        """Trains one, and returns its row of the table."""
        size, first = self.size, f"cheap-{seed}"
        common = {"batch_atoms": 96, "seed": seed}
        model = {**size["model"], "cutoff": 5.0}
        steps = ["wide", "hot", first] if kind != "nothing" else []
        if steps:
            frames = {"train": {"file": ["wide/*.xyz", "hot/*.xyz"]}, "max_force": 30}
            training = {**size["first"], **common}
            self.train(first, {"model": model, "data": frames, "training": training})
            # The weights of `pretrain`, made once for all numbers of dear frames.
            model = {"init_from": f"{first}.safetensors"}
        name = first
        if dear:
            name = f"{kind}-{dear}-{seed}"
            steps.append(name)
            frames = {"train": {"file": "train.xyz", "frames": dear}, "valid_fraction": 0.1}
            training = {**size["second" if kind == "after" else "nothing"], **common}
            self.train(name, {"model": model, "data": frames, "training": training})
        seconds = self.seconds()
        return {
            "training": kind,
            "labels": dear,
            "seed": seed,
            "minutes": sum(seconds.get(step, 0.0) for step in steps) / 60,
            **self.errors(name),
        }

    def errors(self, name):
        words = [self.mlff, "eval", "--model", f"{name}.safetensors", "--json"]
        row = {}
        for test in ("300", "600"):
            said = json.loads(self.run(name, [*words, "--data", f"test-{test}.xyz"]))
            row[f"force_{test}"] = said["force_rmse_meV_per_A"]
        said = json.loads(self.run(name, [*words, "--reach", "--structure", "start.xyz"]))
        for column, kind in (("torsion", "torsion"), ("bond", "bond")):
            scans = [scan for scan in said["reach"]["scans"] if scan["kind"] == kind]
            counted = sum(scan["n_counted"] for scan in scans)
            squares = sum(scan["n_counted"] * scan["rmse_meV"] ** 2 for scan in scans)
            row[column] = math.sqrt(squares / counted)
        row["holes"] = sum(scan["has_hole"] for scan in said["reach"]["scans"])
        row["scans"] = said["reach"]["scans"]
        return row


NAMES = {
    "cheap": "the cheap frames alone",
    "nothing": "from nothing",
    "after": "after the cheap frames",
}
COLUMNS = ("minutes", "force_300", "force_600", "torsion", "bond", "holes")


def means(rows):
    """One row for all seeds of a training: mean, and least and largest of each column."""
    table = {}
    for row in rows:
        table.setdefault((row["training"], row["labels"]), []).append(row)
    return [
        {
            "training": kind,
            "labels": labels,
            "seeds": len(group),
            **{
                column: [sum(r[column] for r in group) / len(group)]
                + [f(r[column] for r in group) for f in (min, max)]
                for column in COLUMNS
            },
        }
        for (kind, labels), group in table.items()
    ]


def show(table):
    print("| training | dear labels | core minutes | 300 K | 600 K | torsions | bonds | holes |")
    print("|" + "---|" * 8)
    digits = dict(zip(COLUMNS, (1, 1, 1, 0, 0, 0)))
    for row in table:
        cells = []
        for column in COLUMNS:
            mean, least, most = (f"{value:.{digits[column]}f}" for value in row[column])
            spread = f" ({least}-{most})" if row["seeds"] > 1 and column != "minutes" else ""
            cells.append(mean + spread)
        print(f"| {NAMES[row['training']]} | {row['labels']} | {' | '.join(cells)} |")
    print("300 K, 600 K: RMSE of forces, meV/A; torsions, bonds: RMSE of energies, meV")


def draw(picture, table):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    panels = {
        "force_300": "forces at 300 K (meV/Å)",
        "force_600": "forces at 600 K (meV/Å)",
        "torsion": "energies along torsions (meV)",
    }
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), constrained_layout=True)
    for panel, (column, title) in zip(axes, panels.items()):
        for kind, color in (("nothing", "C3"), ("after", "C0")):
            rows = [row for row in table if row["training"] == kind]
            at = [row["labels"] for row in rows]
            mean, least, most = zip(*(row[column] for row in rows))
            panel.plot(at, mean, "o-", color=color, label=NAMES[kind])
            panel.fill_between(at, least, most, color=color, alpha=0.2, linewidth=0)
        panel.set(title=title, xlabel="dear labels", xscale="log", yscale="log")
        panel.set_xticks(at, [str(n) for n in at])
        panel.minorticks_off()
        bottom, top = panel.get_ylim()
        ticks = [m * 10**e for e in range(0, 4) for m in (1, 2, 5) if bottom <= m * 10**e <= top]
        panel.set_yticks(ticks, [str(tick) for tick in ticks])
    axes[0].legend(fontsize="small")
    figure.savefig(picture, dpi=110)


def processor():
    for line in Path("/proc/cpuinfo").read_text().split("\n"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where all is made")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter: two minutes")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each kind")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write rows and curves")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a picture (matplotlib)")
    default = TOP / "build/bin/mlff"
    parser.add_argument("--mlff", default=default if default.exists() else shutil.which("mlff"))
    arguments = parser.parse_args()
    if not arguments.mlff or not shutil.which(str(arguments.mlff)):
        parser.error("no mlff: build it with ./quickstart.sh, or name it by --mlff")
    mlff = str(Path(shutil.which(str(arguments.mlff))).absolute())

    os.environ["OMP_NUM_THREADS"] = "1"
    bench = Bench(arguments.folder.absolute(), mlff, QUICK if arguments.quick else FULL)
    bench.sets()
    rows = [
        bench.student(kind, dear, seed)
        for seed in range(1, arguments.seeds + 1)
        for kind in NAMES
        for dear in (bench.size["dear"] if kind != "cheap" else [0])
    ]
    table = means(rows)
    show(table)
    if arguments.json:
        report = {
            "program": bench.run("version", [mlff, "--version"]).strip(),
            "processor": processor(),
            "date": datetime.date.today().isoformat(),
            "settings": bench.size,
            "seconds": bench.seconds(),
            "table": table,
            "rows": rows,
        }
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    if arguments.plot:
        draw(arguments.plot, table)


if __name__ == "__main__":
    main()
