#!/usr/bin/env python3
"""Rows of a comparison of integrators: report.py [--json] [--thermostat] [--peak KEY] NAME:METHOD:STEP[:CALLS] ...

NAME.scalars, NAME.pairs and NAME.path are the files that in.mts writes (a row without them has
times only), NAME.time-*.log the logs of its timings. The first row is what the others are compared
with. METHOD is a word for the table, STEP the step in fs between calls of the dear force. Errors
are standard errors of ten parts of a run.
"""

import argparse
import glob
import json
import os
import re
import sys

import numpy as np

BOLTZMANN = 8.617333262e-5  # eV/K


def error_of_mean(values, parts=10):
    """Standard error from the means of parts of a series."""
    parts = min(parts, len(values))
    if parts < 2:
        return 0.0
    means = [part.mean(axis=0) for part in np.array_split(values, parts)]
    return np.std(means, axis=0, ddof=1) / np.sqrt(parts)


def scalars(path, step):
    """Drift of the total energy and temperatures of elements."""
    with open(path) as lines:
        names = [line for line in lines if line.startswith("# step")][0].split()[5:]
    rows = np.loadtxt(path)
    time = 1e-3 * step * rows[:, 0]
    kinetic = rows[:, 2].mean()
    slope = np.polyfit(time, rows[:, 1], 1)[0]
    temperatures = {
        name: [round(rows[:, 4 + k].mean(), 1), round(error_of_mean(rows[:, 4 + k]), 1)]
        for k, name in enumerate(names)
    }
    return {
        "ps": round(time[-1], 3),
        "energy_drift_kT_per_ps": round(slope / (BOLTZMANN * rows[:, 3].mean()), 5),
        "energy_drift_percent_of_kinetic_in_run": round(100 * slope * time[-1] / kinetic, 4),
        "energy_rms_percent_of_kinetic": round(100 * rows[:, 1].std() / kinetic, 4),
        "temperature_by_element": temperatures,
    }


def first_peak(path):
    """Height of the first peak of g(r), its error, and where it is."""
    blocks = []
    with open(path) as lines:
        for line in lines:
            words = line.split()
            if line.startswith("#"):
                continue
            if len(words) == 2:
                blocks.append([])
            else:
                blocks[-1].append([float(words[1]), float(words[2])])
    blocks = np.array(blocks)
    g = blocks[:, :, 1]
    mean = g.mean(axis=0)
    start = np.argmax(mean > 1.0)
    low = start + np.argmax(mean[start:] < 1.0)
    peak = start + np.argmax(mean[start:low])
    return {
        "peak": [
            round(mean[peak], 3),
            round(g[:, peak].std(ddof=1) / np.sqrt(len(g)), 3),
            round(blocks[0, peak, 0], 3),
        ]
    }


def positions(path):
    """Steps and positions [frames][atoms][3]."""
    steps, frames = [], []
    with open(path) as lines:
        for line in lines:
            if line.startswith("ITEM: TIMESTEP"):
                steps.append(int(next(lines)))
            elif line.startswith("ITEM: NUMBER"):
                n = int(next(lines))
            elif line.startswith("ITEM: ATOMS"):
                frames.append([[float(x) for x in next(lines).split()[1:]] for _ in range(n)])
    return np.array(steps), np.array(frames)


def diffusion(path, step):
    """Slope of the mean square displacement from 1 to 3 ps, over 6; its error from parts."""
    steps, x = positions(path)
    x = x - x.mean(axis=1, keepdims=True)
    spacing = 1e-3 * step * (steps[1] - steps[0])
    lags = np.unique(np.linspace(1.0 / spacing, 3.0 / spacing, 9).astype(int))
    lags = lags[(lags > 0) & (lags < len(x) // 2)]
    if len(lags) < 3:
        return {}
    # each lag: the mean over atoms, for every start
    slopes = []
    for part in np.array_split(np.arange(len(x) - lags[-1]), 5):
        msd = [((x[part + lag] - x[part]) ** 2).sum(axis=2).mean() for lag in lags]
        slopes.append(np.polyfit(spacing * lags, msd, 1)[0] / 6)
    error = np.std(slopes, ddof=1) / np.sqrt(len(slopes))
    return {"diffusion_A2_per_ps": [round(np.mean(slopes), 4), round(error, 4)]}


def seconds_per_ps(name):
    """Wall and CPU seconds of the timings."""
    wall, cpu = [], []
    for path in sorted(glob.glob(name + ".time-*.log")):
        text = open(path).read()
        loop = re.findall(r"Loop time of (\S+) on \d+ procs for (\d+) steps", text)
        share = re.findall(r"([\d.]+)% CPU use with", text)
        step = re.findall(r"^timestep +(\S+)", text, re.M)
        if not loop or not step:
            sys.exit(f"report.py: '{path}' is not the log of a run that ended")
        ps = int(loop[-1][1]) * float(step[-1])
        wall.append(float(loop[-1][0]) / ps)
        cpu.append(wall[-1] * float(share[-1]) / 100)
    return wall, cpu


def row_of(word, peak):
    name, method, step, *calls = word.split(":")
    step = float(step)
    row = {"method": method, "outer_step_fs": step, "dear_calls_per_ps": round(1e3 / step, 1)}
    if calls:
        row["dear_calls_per_ps"] = float(calls[0])
    wall, cpu = seconds_per_ps(name)
    if wall:
        row["wall_s_per_ps"] = [round(x, 3) for x in (np.median(wall), min(wall), max(wall))]
        row["cpu_s_per_ps"] = [round(x, 3) for x in (np.median(cpu), min(cpu), max(cpu))]
    if os.path.exists(name + ".scalars"):
        row.update(scalars(name + ".scalars", step))
        row[peak] = first_peak(name + ".pairs")["peak"]
        row.update(diffusion(name + ".path", step))
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--thermostat", action="store_true", help="the energy is not conserved")
    parser.add_argument("--peak", default="goo_first_peak")
    parser.add_argument("runs", nargs="+")
    o = parser.parse_args()
    rows = [row_of(word, o.peak) for word in o.runs]
    if o.thermostat:
        rows = [{key: row[key] for key in row if not key.startswith("energy_")} for row in rows]
    reference = f"speedup_vs_vv{rows[0]['outer_step_fs']:g}"
    for row in rows:
        for clock, key in (("wall", reference), ("cpu", "cpu_" + reference)):
            seconds = [one.get(clock + "_s_per_ps", [0])[0] for one in (rows[0], row)]
            if min(seconds) > 0:
                row[key] = round(seconds[0] / seconds[1], 2)
    if o.json:
        print(json.dumps({"rows": rows}, indent=1))
        return
    heads = ["method", "calls/ps", "wall s/ps", "CPU s/ps", "times as fast, wall", "CPU"]
    heads += ["drift, % of kinetic energy", "temperatures, K", "first peak", "diffusion, A^2/ps"]
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(cells(row, o.peak, reference)) + " |")


def cells(row, peak, reference):
    """Words of a row of the table."""

    def words(key, form):
        value = row.get(key)
        if value is None:
            return "-"
        return form.format(*value) if isinstance(value, list) else form.format(value)

    temperatures = ", ".join(
        f"{name} {value} ± {error}"
        for name, (value, error) in row.get("temperature_by_element", {}).items()
    )
    drift = words("energy_drift_percent_of_kinetic_in_run", "{:+.3f}")
    return [
        f"{row['method']}, {row['outer_step_fs']:g} fs",
        f"{row['dear_calls_per_ps']:g}",
        words("wall_s_per_ps", "{:.3g} ({:.3g} to {:.3g})"),
        words("cpu_s_per_ps", "{:.3g} ({:.3g} to {:.3g})"),
        words(reference, "{:.2f}"),
        words("cpu_" + reference, "{:.2f}"),
        f"{drift} in {row['ps']:.3g} ps" if drift != "-" else "-",
        temperatures or "-",
        words(peak, "{:.3f} ± {:.3f} at {:.2f} A"),
        words("diffusion_A2_per_ps", "{:.4f} ± {:.4f}"),
    ]


if __name__ == "__main__":
    main()
