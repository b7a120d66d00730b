"""Errors of the potentials of this example beside DFT: table.py WORK [PICTURE.png]

WORK is the folder of run.sh. Prints a table, and writes it with all energies of the
scan as WORK/result.json.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from scan import main as write_scan

CHEAP = ("wide", "hot")
LABELS = ("train.xyz", "train-dft.xyz")
# name, potential, labels of DFT, what it took
ROWS = (
    ("GFN2-xTB itself", None, 0, ()),
    ("network of GFN2-xTB", "after.training/pretrain", 0, ()),
    ("from nothing, 15,000 steps", "nothing", 100, (*LABELS, "nothing")),
    ("from nothing, 50,000 steps", "nothing-long", 100, (*LABELS, "nothing-long")),
    ("after GFN2-xTB", "after", 100, (*LABELS, *CHEAP, "after")),
    ("after GFN2-xTB, replay 0.5", "replay", 100, (*LABELS, *CHEAP, "replay")),
)
FINE = 5  # degrees between geometries of the curves


def read(path):
    """Frames of an extended XYZ file: energy, forces, turn and degrees."""
    frames, lines = [], Path(path).read_text().split("\n")
    while lines and lines[0].strip():
        n, comment = int(lines[0]), lines[1]
        keys = dict(
            word.split("=", 1) for word in comment.replace('"F F F"', "open").split() if "=" in word
        )
        energy = float(keys.get("Potential_energy", keys.get("energy", "nan")))
        kinds, place = keys["Properties"].split(":"), 0
        for name, width in zip(kinds[::3], map(int, kinds[2::3])):
            if name in ("forces", "force"):
                break
            place += width
        forces = np.array(
            [[float(x) for x in line.split()[place : place + 3]] for line in lines[2 : 2 + n]]
        )
        frames.append((energy, forces, keys.get("turn"), int(keys.get("degrees", 0))))
        lines = lines[2 + n :]
    return frames


def run(words, folder):
    result = subprocess.run(["mlff", *map(str, words)], cwd=folder, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"table.py: mlff {' '.join(map(str, words))}: {result.stderr.strip()}")
    return result.stdout


def force_error(work, potential, name):
    """Root mean square error of the forces on held-out frames beside DFT, meV/A."""
    if potential is None:  # the frames come from dynamics of GFN2-xTB, and hold its forces
        pairs = zip(read(work / f"{name}.xyz"), read(work / f"{name}-dft.xyz"))
        return 1e3 * np.sqrt(np.mean([(a[1] - b[1]) ** 2 for a, b in pairs]))
    words = ("eval", "--model", f"{potential}.safetensors", "--data", f"{name}-dft.xyz", "--json")
    return json.loads(run(words, work))["force_rmse_meV_per_A"]


def curves_of(frames):
    """Energies relative to the start by turn: degrees, eV."""
    start = frames[0][0]
    return {
        turn: (
            [0] + [f[3] for f in frames if f[2] == turn],
            [0.0] + [f[0] - start for f in frames if f[2] == turn],
        )
        for turn in ("O-H", "C-C")
    }


def curves_by(work, potential):
    """Those of a potential, or of GFN2-xTB, at fine steps."""
    teacher = ("--model", f"{potential}.safetensors") if potential else ("--method", "gfn2")
    output = work / f"scan-{(potential or 'gfn2').replace('/', '-')}.xyz"
    for path in (output, Path(f"{output}.json")):
        path.unlink(missing_ok=True)
    run(("label", "--structures", "scan-fine.xyz", *teacher, "-o", output.name), work)
    return curves_of(read(output))


def compare(fine, dft):
    """Root mean square error at the geometries of DFT, meV, and both barriers, eV."""
    degrees, energies = dft
    at = dict(zip(*fine))
    errors = [at[d] - e for d, e in zip(degrees[1:], energies[1:])]
    return 1e3 * float(np.sqrt(np.mean(np.square(errors)))), max(at[d] for d in degrees)


def seconds_of(work):
    """Processor seconds by the name of a step."""
    seconds = {}
    for line in (work / "times").read_text().split("\n"):
        words = line.split()
        if len(words) == 3:
            seconds[words[0]] = seconds.get(words[0], 0.0) + float(words[1]) + float(words[2])
    return seconds


def draw(picture, dft, curves):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), constrained_layout=True)
    colors = {
        "GFN2-xTB itself": "0.6",
        "from nothing, 50,000 steps": "C3",
        "after GFN2-xTB": "C0",
        "after GFN2-xTB, replay 0.5": "C2",
    }
    for panel, (turn, points) in zip(axes, dft.items()):
        for name, color in colors.items():
            panel.plot(*curves[name][turn], "-", color=color, label=name)
        panel.plot(*points, "ko", markersize=4, label="DFT")
        low, high = min(points[1]), max(points[1])
        panel.set_ylim(low - 0.15 * (high - low), high + 0.75 * (high - low))
        panel.set(
            title="group OH, about C-O" if turn == "O-H" else "group CHO, about C-C",
            xlabel="degrees",
            ylabel="energy (eV)",
            xticks=range(0, 181, 30),
        )
    axes[0].legend(fontsize="small")
    figure.savefig(picture, dpi=110)


def main(work, picture=None):
    work = Path(work)
    write_scan(work / "start.xyz", FINE, work / "scan-fine.xyz")
    dft, seconds = curves_of(read(work / "scan-dft.xyz")), seconds_of(work)
    curves, report = {}, []
    print("| training | labels of DFT | core minutes | 300 K | 600 K | turn of OH | turn of CHO |")
    print("|" + "---|" * 7)
    for name, potential, labels, steps in ROWS:
        curves[name] = curves_by(work, potential)
        row = {
            "training": name,
            "labels": labels,
            "core_minutes": sum(seconds[s] for s in steps) / 60 if steps else None,
        }
        row["force_rmse_meV_per_A"] = {
            t: force_error(work, potential, f"test-{t}") for t in (300, 600)
        }
        row["scan"] = {turn: compare(curves[name][turn], dft[turn]) for turn in dft}
        report.append(row)
        minutes = f"{row['core_minutes']:.1f}" if steps else ""
        forces = " | ".join(f"{e:.1f}" for e in row["force_rmse_meV_per_A"].values())
        scans = " | ".join(f"{e:.0f} ({high:.2f})" for e, high in row["scan"].values())
        print(f"| {name} | {labels or ''} | {minutes} | {forces} | {scans} |")
    highest = {turn: max(points[1]) for turn, points in dft.items()}
    print(
        "forces: RMSE, meV/A; turns: RMSE of the energy, meV, and the highest energy, eV; by DFT "
        + ", ".join(f"{high:.2f}" for high in highest.values())
    )
    print("processor seconds: " + ", ".join(f"{name} {s:.0f}" for name, s in seconds.items()))
    (work / "result.json").write_text(
        json.dumps({"rows": report, "dft": dft, "curves": curves, "seconds": seconds}, indent=1)
    )
    if picture:
        draw(picture, dft, curves)


if __name__ == "__main__":
    main(*sys.argv[1:])
