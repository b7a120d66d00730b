"""Potentials after 200 training steps of every kind: each tensor, and the metadata."""

import json

from . import forces, lammps, safetensors, structures, toy
from .programs import ProgramError, potential
from .rows import say

# of the metadata: names of files, programs, versions and days; errors of jumps without training
LEFT_OUT = (
    "zero",
    "ballistic",
    "verlet",
    "dynamics",
    "date",
    "sha256",
    "citation",
    "program",
    "command",
    "inputs",
)
TIMES = ("frames_per_second", "windows_per_second", "seconds")

PAINN = {"kind": "painn", "features": 16, "layers": 2, "radial": 8, "cutoff": 4.5}
ODD_SIZES = {
    "kind": "painn",
    "features": 22,
    "layers": 3,
    "radial": 7,
    "cutoff": 4.0,
    "norm_floor": 1e-4,
}
LONG_RANGE = {
    **PAINN,
    "kind": "painn-fmm",
    "fmm_heads": 2,
    "fmm_key_width": 4,
    "fmm_value_width": 4,
    "fmm_kappa_count": 4,
}
MOLECULE = {"kind": "molecule-mlp", "widths": [24, 20]}
JUMP = {"kind": "kstep", "features": 16, "layers": 2, "radial": 8, "cutoff": 5.0, "strides": [4.0]}

FRAMES = {"train": {"file": "../frames.xyz"}, "valid": {"file": "../valid.xyz"}}
PERIODIC = {"train": {"file": "../periodic.xyz"}, "valid_fraction": 0.2}
PAIRS = {"train": {"file": "../pairs.xyz"}, "valid_fraction": 0.2}
TEACHER = {"train": [{"file": "../frames.xyz", "labels": "teacher"}], "valid_fraction": 0.2}
WINDOWS = {
    "train": {"file": "../train-*.xyz"},
    "valid": {"file": "../windows-valid.xyz"},
    "test": {"file": "../windows-test.xyz"},
}
QUICK = (
    "painn/host-single",
    "painn/torch-double",
    "long-range/double",
    "molecule-mlp/host-single",
    "kstep-painn/host-single",
    "kstep-egnn/corrected",
)
LOSS = {"energy": {"weight": 0.5}, "force": {"weight": 1.0}}


def write_data(work, quick):
    """Frames and trajectories of toy force fields of ethanol, water and an ion pair."""
    ethanol = structures.molecule("ethanol")
    water = (
        structures.molecule("water").in_cell((4.1, 3.9, 4.3, 0.5, -0.4, 0.6)).replicated((2, 2, 1))
    )
    pair = structures.ion_pair()
    structures.write_xyz(work / "frames.xyz", toy.rattled_frames(ethanol, 1, 60))
    structures.write_xyz(work / "valid.xyz", toy.rattled_frames(ethanol, 2, 15))
    structures.write_xyz(work / "periodic.xyz", toy.periodic_frames(water, 3, 20))
    structures.write_xyz(work / "pairs.xyz", toy.rattled_frames(pair, 4, 30))
    for name, seed in (
        ("train-1", 11),
        ("train-2", 12),
        ("train-3", 13),
        ("windows-valid", 14),
        ("windows-test", 15),
    ):
        structures.write_xyz(
            work / f"{name}.xyz", toy.trajectory(ethanol, seed, 2 if quick else 3, 60)
        )


def energy_trainings(engines):
    """Settings of potentials: (model, data, loss, training, further sections)."""
    course = {"batch_atoms": 36, "learning_rate": 2e-3, "warmup": 10}
    teachers = {
        "teacher": {
            "models": [potential("ethanol-rmd17-painn32"), potential("ethanol-gfn2-painn32")],
            "spread": 0.1,
        }
    }
    one_teacher = {"teacher": {"models": [potential("ethanol-gfn2-painn32")]}}
    rich_loss = {
        "energy": {"weight": 0.5, "final_weight": 2.0, "kind": "huber", "delta": 0.05},
        "force": {"weight": 1.0, "kind": "huber", "delta": 0.1},
    }
    rich_course = {
        **course,
        "validate_every": 5,
        "weight_decay": 0.01,
        "clip": 0.5,
        "accumulate": 2,
        "batch_atoms": 18,
    }
    start = {
        "kind": "painn",
        "init_from": potential("ethanol-rmd17-painn32"),
        "freeze": ["embedding", "filter", "message.0"],
    }
    distillation = {**LOSS, "atom_energy": {"weight": 0.3}}
    settings = {
        "painn/host-single": (PAINN, FRAMES, LOSS, {**course, "engine": "host"}, {}),
        "painn/host-double": (
            PAINN,
            FRAMES,
            LOSS,
            {**course, "engine": "host", "precision": "double"},
            {},
        ),
        "painn/periodic": (PAINN, PERIODIC, LOSS, {**course, "engine": "host"}, {}),
        "painn/losses-and-course": (
            PAINN,
            FRAMES,
            rich_loss,
            {**rich_course, "engine": "host"},
            {},
        ),
        "painn/from-weights": (start, FRAMES, LOSS, {**course, "engine": "host"}, {}),
        "painn/distillation": (
            PAINN,
            TEACHER,
            distillation,
            {**course, "engine": "host"},
            teachers,
        ),
        "painn/odd-sizes": (ODD_SIZES, FRAMES, LOSS, {**course, "engine": "host"}, {}),
        "molecule-mlp/host-single": (MOLECULE, FRAMES, LOSS, {**course, "engine": "host"}, {}),
        "molecule-mlp/host-double": (
            MOLECULE,
            FRAMES,
            LOSS,
            {**course, "engine": "host", "precision": "double"},
            {},
        ),
        "molecule-mlp/no-permutations": (
            {**MOLECULE, "permutations": "none"},
            FRAMES,
            LOSS,
            {**course, "engine": "host"},
            {},
        ),
        "molecule-mlp/distillation": (
            MOLECULE,
            TEACHER,
            LOSS,
            {**course, "engine": "host"},
            one_teacher,
        ),
    }
    if "torch" in engines:
        torch = {**course, "engine": "torch", "device": "cpu"}
        from_local = {
            "kind": "painn-fmm",
            "init_from": potential("ionpair-gfn2-painn32"),
            "fmm_heads": 1,
            "fmm_kappa_count": 4,
        }
        settings |= {
            "painn/torch-single": (PAINN, FRAMES, LOSS, torch, {}),
            "painn/torch-double": (PAINN, FRAMES, LOSS, {**torch, "precision": "double"}, {}),
            "painn/torch-mixed": (PAINN, FRAMES, LOSS, {**torch, "precision": "mixed"}, {}),
            "painn/torch-jacobian": (
                PAINN,
                TEACHER,
                {**distillation, "jacobian": {"weight": 0.01}},
                torch,
                one_teacher,
            ),
            "long-range/single": (LONG_RANGE, PAIRS, LOSS, torch, {}),
            "long-range/double": (LONG_RANGE, PAIRS, LOSS, {**torch, "precision": "double"}, {}),
            "long-range/periodic": (LONG_RANGE, PERIODIC, LOSS, torch, {}),
            "long-range/from-local": (from_local, PAIRS, LOSS, torch, {}),
            "molecule-mlp/torch-single": (MOLECULE, FRAMES, LOSS, torch, {}),
            "molecule-mlp/torch-double": (
                MOLECULE,
                FRAMES,
                LOSS,
                {**torch, "precision": "double"},
                {},
            ),
        }
    return settings


def jump_trainings(engines):
    """Settings of jump networks."""
    course = {"windows": 8, "learning_rate": 5e-3, "warmup": 10}
    host = {**course, "engine": "host"}
    noise = {**WINDOWS, "rotate": True, "noise": {"position": 0.002, "velocity": 0.05}}
    unheld = {"train": WINDOWS["train"], "valid_fraction": 0.4, "reversed": False}
    start = {
        "kind": "kstep",
        "init_from": potential("ethanol-gfn2-jump8"),
        "strides": [8.0],
        "freeze": ["filter", "message"],
    }
    settings = {
        "kstep-painn/host-single": (JUMP, WINDOWS, {}, host, {}),
        "kstep-painn/host-double": (JUMP, WINDOWS, {}, {**host, "precision": "double"}, {}),
        "kstep-painn/two-strides": ({**JUMP, "strides": [4.0, 6.0]}, WINDOWS, {}, host, {}),
        "kstep-painn/classes": ({**JUMP, "species": "classes"}, WINDOWS, {}, host, {}),
        "kstep-painn/odd-sizes": (
            {**JUMP, "features": 22, "layers": 1, "radial": 7},
            WINDOWS,
            {},
            host,
            {},
        ),
        "kstep-painn/noise": (JUMP, noise, {"position": 2.0, "velocity": 0.5}, host, {}),
        "kstep-painn/held-out": (JUMP, unheld, {}, host, {}),
        "kstep-painn/structure": (
            JUMP,
            WINDOWS,
            {"structure": {"bond": 0.3, "angle": 0.3, "dihedral": 0.1}},
            host,
            {},
        ),
        "kstep-painn/force": (JUMP, WINDOWS, {"force": 0.3}, host, {}),
        "kstep-painn/chosen-by-rollout": (
            JUMP,
            WINDOWS,
            {},
            {**host, "choose": "rollout", "choose_jumps": 4},
            {},
        ),
        "kstep-painn/from-weights": (start, WINDOWS, {}, host, {}),
    }
    if "torch" in engines:
        torch = {**course, "engine": "torch", "device": "cpu"}
        rollout = {"rollout": {"jumps": 2, "weight": 0.3, "force": "data"}}
        settings |= {
            "kstep-painn/torch-single": (JUMP, WINDOWS, {}, torch, {}),
            "kstep-painn/torch-double": (JUMP, WINDOWS, {}, {**torch, "precision": "double"}, {}),
            "kstep-painn/rollout": (JUMP, WINDOWS, rollout, torch, {}),
            "kstep-egnn/corrected": ({**JUMP, "network": "egnn"}, WINDOWS, {}, torch, {}),
            "kstep-egnn/published": (
                {**JUMP, "network": "egnn", "form": "published"},
                WINDOWS,
                {},
                torch,
                {},
            ),
            "kstep-transformer/corrected": (
                {**JUMP, "network": "transformer", "heads": 2},
                WINDOWS,
                {},
                torch,
                {},
            ),
            "kstep-transformer/published": (
                {**JUMP, "network": "transformer", "form": "published"},
                WINDOWS,
                {},
                torch,
                {},
            ),
        }
    return settings


def without(value, names):
    """JSON without some keys, at any depth."""
    if isinstance(value, dict):
        return {key: without(item, names) for key, item in value.items() if key not in names}
    if isinstance(value, list):
        return [without(item, names) for item in value]
    return value


def metadata_of(metadata):
    """Metadata of a potential, JSON texts taken apart."""
    result = {}
    for key, text in sorted(metadata.items()):
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        result[key] = value
    # the settings are what the input says; their text alone is kept
    training = result.get("training")
    if isinstance(training, dict) and "settings" in training:
        training["settings"] = json.dumps(training["settings"], sort_keys=True)
    return without(result, LEFT_OUT)


def log_of(folder):
    """Losses and errors at the validations, exactly as they were found."""
    path = next(folder.glob("*.training/log.jsonl"))
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [without(line, TIMES) for line in lines]


def add_potential(rows, name, path, log):
    metadata, tensors = safetensors.read(path)
    rows.add(
        name, metadata=metadata_of(metadata), validations=log, shapes=safetensors.shapes(tensors)
    )
    rows.put(
        name,
        {
            "tensors": {
                key: safetensors.summary(tensor, rows.full) for key, tensor in tensors.items()
            }
        },
    )


def train(rows, build, name, folder, parts, steps, isa=None):
    model, data, loss, training, more = parts
    course = {
        "steps": steps,
        "validate_every": steps,
        "ema": 0.99,
        "threads": 1,
        "seed": 1,
        **training,
    }
    settings = {
        "model": model,
        "data": data,
        "training": course,
        **more,
        "output": "result.safetensors",
    }
    if loss:
        settings["loss"] = loss
    if model["kind"] == "kstep":
        settings["data"] = {"timestep": 0.5, **data}
        settings["report"] = {"every": 20, "energies": 0, "method": "none"}
    row = f"training/{name}" + (f"/isa={isa}" if isa else "")
    folder.mkdir()
    # JSON is YAML
    (folder / "settings.yaml").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    try:
        build.mlff("train", "settings.yaml", "--no-plots", work=folder, isa=isa)
        add_potential(rows, row, folder / "result.safetensors", log_of(folder))
    except ProgramError as error:
        rows.add_error(row, str(error))


def record(rows, build, work, settings):
    work.mkdir()
    write_data(work, settings.quick)
    steps = 20 if settings.quick else 200
    trainings = {**energy_trainings(settings.engines), **jump_trainings(settings.engines)}
    if settings.quick:
        trainings = {name: parts for name, parts in trainings.items() if name in QUICK}
    for name, parts in trainings.items():
        say(f"training: {name}")
        # third derivatives and roll-outs take several times as long as other steps
        share = 4 if name in ("painn/torch-jacobian", "kstep-painn/rollout") else 1
        train(rows, build, name, work / name.replace("/", "-"), parts, steps // share)
    for isa in settings.isas:
        for name in ("painn/host-single", "molecule-mlp/host-single", "kstep-painn/host-single"):
            say(f"training: {name}, isa={isa}")
            train(
                rows,
                build,
                name,
                work / f"{name.replace('/', '-')}-{isa}",
                trainings[name],
                steps,
                isa,
            )
    jumps_of_trained(rows, build, work)
    forces_of_trained(rows, build, work)


def jumps_of_trained(rows, build, work):
    """Trained networks of kinds that do not ship: what they do to a trajectory."""
    for name in (
        "kstep-egnn/corrected",
        "kstep-transformer/corrected",
        "kstep-painn/two-strides",
        "kstep-painn/odd-sizes",
    ):
        model = work / name.replace("/", "-") / "result.safetensors"
        if not model.exists():
            continue
        row = f"training/{name}/jumps"
        try:
            text = build.mlff(
                "eval",
                "--json",
                "--model",
                model,
                "--data",
                "windows-test.xyz",
                "--rollout",
                4,
                work=work,
            )
            rows.add(row, errors=without(json.loads(text), LEFT_OUT))
        except ProgramError as error:
            rows.add_error(row, str(error))


def forces_of_trained(rows, build, work):
    """Trained potentials of sizes that do not ship, in LAMMPS."""
    ethanol, pair = (
        structures.molecule("ethanol").rattled(0.05, 41),
        structures.ion_pair().rattled(0.05, 42),
    )
    for name, structure in (("ethanol", ethanol), ("pair", pair)):
        structures.write_data(work / f"{name}.data", structure, structure.elements())
    engines = {
        "host-single": (),
        "host-double": (),
        "kokkos-double": ("-k", "on", "t", "1", "-sf", "kk"),
    }
    for engine, words in engines.items():
        cases = []
        for name, data, structure in (
            ("painn/odd-sizes", "ethanol", ethanol),
            ("painn/losses-and-course", "ethanol", ethanol),
            ("long-range/double", "pair", pair),
            ("molecule-mlp/no-permutations", "ethanol", ethanol),
        ):
            model = work / name.replace("/", "-") / "result.safetensors"
            if not model.exists() or (engine == "kokkos-double" and name.startswith("molecule")):
                continue
            types = structure.elements()
            coeff = f"pair_coeff * * {model} {' '.join(types)}"
            one = forces.Input(data=f"../{data}.data", style=forces.STYLES[engine], coeff=coeff)
            cases.append(lammps.Case(f"training/{name}/forces/{engine}", one.commands()))
        lammps.run_cases(rows, build, cases, work / f"forces-{engine}", words)
