"""Picture of an example: speed, temperatures, and how fast a torsion turns, from rows.json, logs and dumps of run.sh in its folder.

python3 plot.py [FOLDER] [--torsion I J K L --name TEXT]   (default: this folder, the hydroxyl group of ethanol)"""

import argparse
import json
import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np


def frames(path):
    """Times (ps) and positions [frame][atom][3] of a dump with times, atoms sorted by ID."""
    times, positions = [], []
    with open(path) as file:
        for line in file:
            if line.startswith("ITEM: TIME") and not line.startswith("ITEM: TIMESTEP"):
                times.append(float(next(file)))
            elif line.startswith("ITEM: NUMBER"):
                n = int(next(file))
            elif line.startswith("ITEM: ATOMS"):
                positions.append([[float(x) for x in next(file).split()[1:4]] for _ in range(n)])
    return np.array(times), np.array(positions)


def torsion(positions, atoms):
    a, b, c, d = (positions[:, i - 1] for i in atoms)
    u, v, w = b - a, c - b, d - c
    p, q = np.cross(u, v), np.cross(v, w)
    return np.arctan2(np.sum(np.cross(p, q) * v, axis=1) / np.linalg.norm(v, axis=1), np.sum(p * q, axis=1))


def spread(times, angle, longest=1.0):
    """Mean square displacement of the angle against time."""
    angle = np.unwrap(angle)
    step = (times[-1] - times[0]) / (len(times) - 1)
    lags = np.arange(1, max(2, min(len(angle) // 4, int(round(longest / step)) + 1)))
    return lags * step, np.array([np.mean((angle[lag:] - angle[:-lag]) ** 2) for lag in lags])


def temperatures(log):
    """Names, values and errors of the last temperatures in a log."""
    found = {}
    for line in open(log):
        if "temperature of" in line and line.startswith("  temp"):
            for name, value, error in re.findall(r" ([A-Z][A-Za-z()-]*|all) ([0-9.]+)(?: \+- ([0-9.]+))?", line.split(":", 1)[1]):
                found[name] = (float(value), float(error or 0.0))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument("--torsion", nargs=4, type=int, default=[9, 3, 1, 2], help="atoms, from 1")
    parser.add_argument("--name", default="H-O-C-C", help="of the torsion in the picture")
    given = parser.parse_args()
    here = given.folder.resolve()
    rows = json.load(open(here / "rows.json"))["rows"]
    fig, (speed, kelvin, turn) = plt.subplots(1, 3, figsize=(13, 4))
    names = [row["method"] for row in rows]
    speed.barh(names, [row["ps_per_s"] for row in rows], color="tab:blue")
    for k, row in enumerate(rows):
        if row["speedup_vs_vv0.5"]:
            speed.text(row["ps_per_s"], k, f" {row['speedup_vs_vv0.5']:.1f}x", va="center")
    speed.invert_yaxis()
    speed.set_xlabel("ps per second of one core")
    speed.margins(x=0.18)

    jumps = [name for name in names if name.startswith(("jump", "student"))]
    for k, name in enumerate(jumps):
        found = temperatures(here / f"log.{name}")
        kinds = [kind for kind in found if kind != "all"]
        place = np.arange(len(kinds)) + 0.15 * (k - (len(jumps) - 1) / 2)
        kelvin.errorbar(place, [found[kind][0] for kind in kinds], [found[kind][1] for kind in kinds], fmt="o", ms=3, label=name)
        kelvin.set_xticks(range(len(kinds)), kinds, rotation=60)
    kelvin.axhline(300, color="grey", lw=0.5)
    kelvin.set_ylabel("temperature of atoms and bonds (K)")
    kelvin.legend(fontsize=7)

    for name in dict.fromkeys(names + ["zero8-c1"]):
        dump = here / f"{name}.dump"
        if dump.exists() and not name.startswith("student"):  # turned-round velocities are no dynamics
            times, positions = frames(dump)
            t, msd = spread(times, torsion(positions, given.torsion))
            turn.plot(t, msd, label=name, ls="--" if name.startswith("zero") else "-")
    turn.set_xlabel("time (ps)")
    turn.set_ylabel(f"mean square turn of {given.name} (rad$^2$)")
    turn.legend(fontsize=7)
    fig.tight_layout()
    fig.savefig(here / f"{here.name}.png", dpi=80)


if __name__ == "__main__":
    main()
