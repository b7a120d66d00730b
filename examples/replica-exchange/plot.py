#!/usr/bin/env python3
"""Torsion H-O-C-C of ethanol at 300 K: replicas that exchanged temperatures against plain runs, and how often they did.

    plot.py yes_log no_log picture.png      # log of the universe of each run; the dumps lie beside it
"""
import glob
import os
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

ATOMS = [8, 2, 0, 1]  # H on O, O, C, C


def frames(path):
    """Steps and torsions (degrees) of a dump."""
    steps, angles = [], []
    with open(path) as file:
        for line in file:
            if line.startswith("ITEM: TIMESTEP"):
                steps.append(int(next(file)))
            elif line.startswith("ITEM: NUMBER"):
                n = int(next(file))
            elif line.startswith("ITEM: ATOMS"):
                x = np.array([next(file).split()[1:4] for _ in range(n)], float)[ATOMS]
                b = np.diff(x, axis=0)
                m, k = np.cross(b[0], b[1]), np.cross(b[1], b[2])
                angles.append(np.degrees(np.arctan2(np.dot(np.cross(m, k), b[1]) / np.linalg.norm(b[1]), np.dot(m, k))))
    return np.array(steps), np.array(angles)


def exchanges(log):
    """Rows of temper's table: step, and the temperature index of each replica."""
    with open(log) as file:
        rows = [line.split() for line in file]
    return np.array([r for r in rows if len(r) > 2 and all(w.isdigit() for w in r)], int)


def shares(angles):
    """Share of the trans well, and density over 36 bins."""
    density, edges = np.histogram(angles, bins=36, range=(-180, 180), density=True)
    return np.mean(np.abs(angles) > 120), density, 0.5 * (edges[1:] + edges[:-1])


yes_log, no_log, picture = sys.argv[1:]
table = exchanges(yes_log)
n = table.shape[1] - 1
at_300, visits = [], []
for replica in range(n):
    steps, angles = frames(os.path.join(os.path.dirname(yes_log), f"yes.{replica + 1}.dump"))
    row = np.searchsorted(table[:, 0], steps, side="right") - 1
    at_300.append(angles[table[row, 1 + replica] == 0])
    visits.append(np.mean(table[:, 1 + replica] == 0))
plain = [frames(path)[1] for path in sorted(glob.glob(os.path.join(os.path.dirname(no_log), "no.*.dump")))]

changed = np.array([[np.where(row[1:] == t)[0][0] for t in range(n)] for row in table])
# a pair of temperatures is offered an exchange at every other table row
rates = [2 * np.mean((changed[1:, t] == changed[:-1, t + 1]) & (changed[1:, t + 1] == changed[:-1, t])) for t in range(n - 1)]
print("exchange rate of neighbors: mean %.2f, %.2f to %.2f" % (np.mean(rates), min(rates), max(rates)))
print("replicas that have been at 300 K: %d of %d" % (np.sum(np.array(visits) > 0), n))
together = np.concatenate(at_300)
tenths = [shares(part)[0] for part in np.array_split(together, 16)]
alone = [shares(part)[0] for part in plain]
for name, values in (("exchange", tenths), ("plain", alone)):
    print("share of trans at 300 K, %s: %.3f +- %.3f" % (name, np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values))))

figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
for name, angles in (("with exchange", together), ("16 plain runs", np.concatenate(plain))):
    _, density, centres = shares(angles)
    axes[0].plot(centres, density, drawstyle="steps-mid", label=name)
axes[0].set_xlabel("torsion H-O-C-C at 300 K, degrees")
axes[0].set_ylabel("density")
axes[0].legend(frameon=False)
axes[1].plot(table[:, 0] * 0.0005, table[:, 1], lw=0.8)
axes[1].set_xlabel("time, ps")
axes[1].set_ylabel("temperature index of replica 1")
figure.tight_layout()
figure.savefig(picture, dpi=110)
