"""What the sub-commands of the program mlff print and write."""

import hashlib
import json
import re

from . import inputs, safetensors, training
from .programs import POTENTIALS, ProgramError, potential
from .rows import say

# keys of JSON output that name files, programs, engines and times
LEFT_OUT = (
    "engine",
    "file",
    "files",
    "data",
    "model_file",
    "date",
    "program",
    "command",
    "inputs",
    "seconds",
    "us_per_atom",
    "frames_per_second",
)


class Recorder:
    """Runs commands in one folder; a command that fails is a row with its message."""

    def __init__(self, rows, build, work):
        self.rows, self.build, self.work = rows, build, work

    def output(self, *words):
        return self.build.mlff(*words, work=self.work)

    def clean(self, text):
        """Text without paths, times and trailing blanks."""
        text = self.build.without_paths(text, self.work)
        text = re.sub(r"\d+(?:\.\d+)? us/atom|\d+(?:\.\d+)?(?:e[+-]\d+)? s\b", "TIME", text)
        return "\n".join(line.rstrip() for line in text.splitlines())

    def text(self, name, *words):
        try:
            self.rows.add(f"program/{name}", output=self.clean(self.output(*words)).split("\n"))
        except ProgramError as error:
            self.rows.add_error(f"program/{name}", str(error))

    def json(self, name, *words, brief=()):
        """What a command prints as JSON; of the keys in `brief` a hash alone."""
        try:
            value = training.without(
                json.loads(self.clean(self.output(*words, "--json"))), LEFT_OUT
            )
            for key in brief:
                value[key] = hashlib.sha256(
                    json.dumps(value[key], sort_keys=True).encode()
                ).hexdigest()
            self.rows.add(
                f"program/{name}", **value if isinstance(value, dict) else {"output": value}
            )
        except ProgramError as error:
            self.rows.add_error(f"program/{name}", str(error))

    def files(self, name, names, *words):
        """A command, and the files that it writes, by their names or patterns."""
        try:
            self.output(*words)
            for pattern in names:
                for path in sorted(self.work.glob(pattern)):
                    self.file(f"{name}/{path.relative_to(self.work)}", path)
        except ProgramError as error:
            self.rows.add_error(f"program/{name}", str(error))

    def file(self, name, path):
        """Numbers of a file of text, and its words without them."""
        text = path.read_text(encoding="utf-8")
        numbers = [float(word) for word in re.findall(NUMBER, text)]
        words = self.clean(re.sub(NUMBER, "#", text)).split("\n")
        self.rows.add(
            f"program/{name}",
            numbers=numbers,
            lines=len(words),
            words="\n".join(dict.fromkeys(words)),
        )


NUMBER = r"(?<![\w.+-])[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])"


def molecules(run):
    run.files(
        "molecule/ethanol",
        ["ethanol.data", "ethanol-new.xyz"],
        "molecule",
        "CCO",
        "-o",
        "ethanol.data",
        "-o",
        "ethanol-new.xyz",
        "--copies",
        2,
        "--seed",
        3,
    )
    run.files(
        "molecule/conformers",
        ["hexane.xyz"],
        "molecule",
        "CCCCCC",
        "-o",
        "hexane.xyz",
        "--conformers",
        3,
    )
    run.files(
        "molecule/isotopes",
        ["heavy.data"],
        "molecule",
        "[2H]O[2H].O",
        "-o",
        "heavy.data",
        "--no-labels",
    )
    run.files(
        "molecule/apart",
        ["apart.xyz"],
        "molecule",
        "CC(=O)[O-].C[NH3+]",
        "--apart",
        2,
        6,
        "--frames",
        4,
        "--rattle",
        0.02,
        "-o",
        "apart.xyz",
    )
    run.files(
        "molecule/stacked",
        ["stacked.xyz"],
        "molecule",
        "c1ccccc1.c1ccccc1",
        "--apart",
        3,
        6,
        "--stacked",
        "--frames",
        3,
        "-o",
        "stacked.xyz",
    )


def infos(run):
    for path in sorted(POTENTIALS.glob("*.safetensors")):
        run.json(f"info/{path.stem}", "info", path, brief=("training",))
    run.text("info/text/ethanol-gfn2-painn32", "info", potential("ethanol-gfn2-painn32"))
    run.text("info/text/aspirin-gfn2-mlp", "info", potential("aspirin-gfn2-mlp"))


def evaluations(run, engines):
    for engine in [name for name in ("host", "torch") if name in engines]:
        for precision in ("single", "double"):
            words = ("--engine", engine, "--precision", precision, "--threads", 1)
            for model, data in (
                ("ethanol-rmd17-painn32", "ethanol.xyz"),
                ("druglike-gfn2-painn64", "caffeine.xyz"),
                ("druglike-gfn2-painn64", "periodic.xyz"),
                ("ionpair-gfn2-painn32-fmm", "pairs.xyz"),
                ("ethanol-gfn2-mlp", "ethanol.xyz"),
            ):
                name = f"eval/{model}/{data}/{engine}-{precision}"
                run.json(
                    name, "eval", "--model", potential(model), "--data", data, "--batch", 5, *words
                )
            run.json(
                f"eval/ethanol-gfn2-jump8/{engine}-{precision}",
                "eval",
                "--model",
                potential("ethanol-gfn2-jump8"),
                "--data",
                "windows.xyz",
                "--rollout",
                2,
                *words,
            )
    run.text(
        "eval/text",
        "eval",
        "--model",
        potential("ethanol-rmd17-painn32"),
        "--data",
        "ethanol.xyz",
        "--threads",
        1,
    )
    run.json(
        "eval/pieces",
        "eval",
        "--model",
        potential("ethanol-rmd17-painn128"),
        "--data",
        "ethanol.xyz",
        "--batch",
        24,
        "--memory",
        1,
        "--threads",
        1,
    )
    run.json(
        "eval/npz",
        "eval",
        "--model",
        potential("ethanol-rmd17-painn64"),
        "--data",
        "ethanol.npz",
        "--threads",
        1,
    )
    fmm = potential("ionpair-gfn2-painn32-fmm")
    run.json("eval/apart", "eval", "--model", fmm, "--data", "pairs.xyz", "--apart", "--threads", 1)
    run.json(
        "eval/groups",
        "eval",
        "--model",
        fmm,
        "--data",
        "pairs.xyz",
        "--groups",
        "1-7",
        "8-15",
        "--threads",
        1,
    )
    words = (
        "eval",
        "--model",
        potential("druglike-gfn2-painn64"),
        "--data",
        "caffeine.xyz",
        "--threads",
        1,
        "-o",
        "predicted.xyz",
    )
    run.files("eval/output", ["predicted.xyz"], *words)


def data_sets(run):
    run.json("dataset/ethanol", "dataset", "ethanol.xyz", "caffeine.xyz")
    run.json("dataset/windows", "dataset", "windows.xyz", "--net-force", 1.0)
    run.json("dataset/npz", "dataset", "ethanol.npz")
    run.json("dataset/dump", "dataset", "windows.dump", "--elements", "C", "O", "H")
    run.json(
        "dataset/real", "dataset", "windows.dump", "--elements", "C", "O", "H", "--units", "real"
    )
    run.text("dataset/text", "dataset", "ethanol.xyz")
    parts = [f"split/{part}.xyz" for part in ("train", "valid", "test")]
    run.files(
        "dataset/split",
        parts,
        "dataset",
        "ethanol.xyz",
        "caffeine.xyz",
        "--split",
        0.6,
        0.2,
        0.2,
        "--centre",
        "--seed",
        5,
        "-o",
        "split",
    )
    run.files(
        "dataset/windows-split",
        ["by-window/train.xyz"],
        "dataset",
        "windows.xyz",
        "--split",
        0.5,
        0.5,
        "--by",
        "window",
        "-o",
        "by-window",
    )


def analyses(run):
    one = ("analyze", "--traj", "trajectory-a.xyz", "--lag", 0.1)
    run.json("analyze/one", *one)
    run.json(
        "analyze/compared",
        *one,
        "--reference",
        "trajectory-b.xyz",
        "--second-seed",
        "trajectory-c.xyz",
    )
    run.json("analyze/atoms", *one, "--no-bonds", "--rmax", 6)
    run.json(
        "analyze/dump",
        "analyze",
        "--traj",
        "windows.dump",
        "--elements",
        "C",
        "O",
        "H",
        "--timestep",
        0.5,
        "--lag",
        0.01,
    )
    run.text("analyze/text", *one)


def gradients(run):
    for model, data in (
        ("ethanol-rmd17-painn32", "ethanol.xyz"),
        ("druglike-gfn2-painn64", "periodic.xyz"),
        ("ionpair-gfn2-painn32-fmm", "pairs.xyz"),
        ("ethanol-gfn2-mlp", "ethanol.xyz"),
    ):
        run.json(
            f"check-gradients/{model}/{data}",
            "check-gradients",
            "--model",
            potential(model),
            "--data",
            data,
            "--frames",
            1,
        )


def labels(run, quick):
    two = (potential("ethanol-rmd17-painn32"), potential("ethanol-rmd17-painn64"))
    run.files(
        "label/models",
        ["by-models.xyz"],
        "label",
        "--structures",
        "ethanol.xyz",
        "--model",
        *two,
        "-o",
        "by-models.xyz",
    )
    run.files(
        "label/gfn2",
        ["gfn2.xyz"],
        "label",
        "--structures",
        "ethanol.xyz",
        "--method",
        "gfn2",
        "-o",
        "gfn2.xyz",
        "--jobs",
        1,
    )
    run.files(
        "label/gfnff",
        ["gfnff.xyz"],
        "label",
        "--structures",
        "caffeine.xyz",
        "--method",
        "gfnff",
        "-o",
        "gfnff.xyz",
        "--jobs",
        1,
    )
    if quick:
        return
    few = ("--jobs", 1, "--seed", 5, "--temperature", 300)
    run.files(
        "label/rattle",
        ["rattle/*.xyz"],
        "label",
        "--molecule",
        "CO",
        "--sampling",
        "rattle",
        "--frames",
        4,
        "-o",
        "rattle",
        "--jobs",
        1,
    )
    run.files(
        "label/langevin",
        ["langevin/*.xyz"],
        "label",
        "--molecule",
        "CO",
        "--warmup",
        50,
        "--frames",
        4,
        "--every",
        5,
        "-o",
        "langevin",
        *few,
    )
    windows = (
        "--sampling",
        "nve",
        "--rotation",
        "--warmup",
        50,
        "--between",
        10,
        "--windows",
        2,
        "--window",
        20,
    )
    run.files("label/nve", ["nve/*.xyz"], "label", "--molecule", "CO", *windows, "-o", "nve", *few)


def imports(run):
    name = "program/import"
    try:
        run.output(
            "import",
            "weights.npz",
            "--elements",
            "H",
            "C",
            "O",
            "--date",
            "2020-01-01",
            "-o",
            "imported.safetensors",
        )
        training.add_potential(run.rows, name, run.work / "imported.safetensors", [])
        run.json(
            "import/eval",
            "eval",
            "--model",
            "imported.safetensors",
            "--data",
            "ethanol.xyz",
            "--threads",
            1,
        )
    except ProgramError as error:
        run.rows.add_error(name, str(error))


def distillation(run):
    """One round of `mlff distill`, a potential as the teacher."""
    settings = {
        "molecules": "CCO",
        "teacher": {"models": [potential("ethanol-gfn2-painn32")]},
        "data": {"start": {"file": "by-models.xyz"}, "valid": {"file": "by-models.xyz"}},
        "sampling": {
            "temperatures": [100],
            "frames": 12,
            "every": 3,
            "warmup": 10,
            "timestep": 0.5,
        },
        "select": {"frames": 4, "probe": 2},
        "rounds": 1,
        "students": 2,
        "seed": 1,
        "student": {
            "model": {"features": 16, "layers": 2, "radial": 8, "cutoff": 4.5},
            "training": {
                "steps": 400,
                "batch_atoms": 36,
                "validate_every": 200,
                "warmup": 10,
                "learning_rate": 5e-3,
                "threads": 1,
            },
        },
        "output": "distilled",
    }
    (run.work / "distill.yaml").write_text(json.dumps(settings), encoding="utf-8")
    try:
        run.output("distill", "distill.yaml")
        for path in sorted((run.work / "distilled").rglob("*.safetensors")):
            name = "program/distill/" + str(path.relative_to(run.work / "distilled"))
            _, tensors = safetensors.read(path)
            run.rows.add(name, shapes=safetensors.shapes(tensors))
            run.rows.put(
                name,
                {
                    "tensors": {
                        key: safetensors.summary(tensor, run.rows.full)
                        for key, tensor in tensors.items()
                    }
                },
            )
    except ProgramError as error:
        run.rows.add_error("program/distill", str(error))


def small_study(run):
    """A short `mlff study`: the physics in its report, without times."""
    settings = {
        "seeds": [1],
        "ps": 0.4,
        "warmup": 0.1,
        "frame": 4,
        "lag": 0.1,
        "timing": {"repeats": 0},
        "molecules": [{"name": "ethanol", "smiles": "CCO", "force": {"method": "gfnff"}}],
        "methods": [{"verlet": [0.5]}, {"jump": potential("ethanol-gfn2-jump8"), "corrector": 1}],
    }
    (run.work / "study.yaml").write_text(json.dumps(settings), encoding="utf-8")
    try:
        run.output("study", "study.yaml", "--jobs", 1)
        report = json.loads((run.work / "study" / "report.json").read_text(encoding="utf-8"))
        for row in report["molecules"][0]["rows"]:
            run.rows.add(
                f"program/study/{row['method']}", **training.without(row, (*LEFT_OUT, "times"))
            )
    except ProgramError as error:
        run.rows.add_error("program/study", str(error))


def record(rows, build, work, settings):
    work.mkdir()
    inputs.write(work)
    run = Recorder(rows, build, work)
    for name, part in (
        ("molecule", molecules),
        ("info", infos),
        ("eval", lambda run: evaluations(run, settings.engines)),
        ("dataset", data_sets),
        ("analyze", analyses),
        ("import", imports),
        ("check-gradients", gradients if not settings.quick else None),
        ("label", lambda run: labels(run, settings.quick)),
        ("distill", distillation if not settings.quick else None),
        ("study", small_study if not settings.quick else None),
    ):
        if part:
            say(f"program: {name}")
            part(run)
