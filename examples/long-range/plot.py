#!/usr/bin/env python3
"""Force between the ions against their distance: plot.py picture.png, beside the files of in.force; prints the means of windows."""
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

names = {"gfn2": ("GFN2-xTB", "k", "o"), "fmm": ("student with long range", "C0", "s"), "local": ("local student, 5 Å", "C1", "^")}
columns = {}
for style in names:
    with open(f"force.{style}.txt") as file:
        rows = [[float(v) for v in line.split()] for line in file if not line.startswith("#")]
    windows = {}
    for r, force in rows:
        windows.setdefault(round(2 * r) / 2, []).append(force)
    columns[style] = {r: sum(f) / len(f) for r, f in sorted(windows.items())}
print("   Å" + "".join(f"{names[s][0]:>26}" for s in columns) + "   eV/Å")
for r in columns["gfn2"]:
    print(f"{r:4.1f}" + "".join(f"{columns[s][r]:26.4f}" for s in columns))
for style, (name, color, marker) in names.items():
    plt.plot(columns[style].keys(), columns[style].values(), color=color, marker=marker, label=name, fillstyle="none", lw=1)
plt.axhline(0.0, color="0.8", lw=0.8, zorder=0)
plt.xlabel("between the centres of mass, Å")
plt.ylabel("force on methylammonium, eV/Å")
plt.legend(frameon=False)
plt.gcf().set_size_inches(5, 3.4)
plt.tight_layout()
plt.savefig(sys.argv[1], dpi=110)
