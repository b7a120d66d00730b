#!/usr/bin/env python3
"""Energy along the two bands: plot.py picture.png, beside log.mlff and log.xtb."""
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def band(path):
    """Reaction coordinate and energy (meV) of the replicas in the last row of the table of neb."""
    with open(path) as file:
        rows = [line.split() for line in file if line.split() and line.split()[0].isdigit() and len(line.split()) > 10]
    values = [float(v) for v in rows[-1][9:]]
    return values[0::2], [1000 * (e - values[1]) for e in values[1::2]]


for style, name, marker in (("mlff", "student F32", "o"), ("xtb", "GFN2-xTB", "x")):
    x, energy = band(f"log.{style}")
    plt.plot(x, energy, marker=marker, label=name, fillstyle="none")
plt.xlabel("reaction coordinate")
plt.ylabel("energy, meV")
plt.legend(frameon=False)
plt.gcf().set_size_inches(5, 3.4)
plt.tight_layout()
plt.savefig(sys.argv[1], dpi=110)
