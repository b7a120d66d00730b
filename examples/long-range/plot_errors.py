#!/usr/bin/env python3
"""Errors against distance: plot_errors.py picture.png TITLE block.json local.json [TITLE block.json local.json ...], of "mlff eval --apart --json" or
"mlff eval --groups --json" with both students of each set; prints their tables."""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

if len(sys.argv) < 5 or len(sys.argv) % 3 != 2:
    sys.exit(__doc__)
names = ("with long-range block", "local, 5 Å")
quantities = (("force_mae_meV_per_A", "force on an atom"), ("net_force_mae_meV_per_A", "net force"))
sets = [sys.argv[k : k + 3] for k in range(2, len(sys.argv), 3)]
figure, axes = plt.subplots(2, len(sets), figsize=(1.2 + 3.2 * len(sets), 5.4), squeeze=False, sharey="row")
for (title, *paths), column in zip(sets, axes.T):
    reports = []
    for path in paths:
        with open(path) as file:
            reports.append(json.load(file)["apart"])
    print(f"\n{title}\n| Å | frames | net force | " + " | ".join(f"{what}: {name}" for _, what in quantities for name in names) + " |")
    for rows in zip(*reports):
        values = [f"{row[key]:.1f}" for key, _ in quantities for row in rows]
        print("| " + " | ".join([rows[0]["distance_A"], str(rows[0]["n_frames"]), f"{rows[0]['net_force_meV_per_A']:.0f}"] + values) + " |")
    for axis, (key, what) in zip(column, quantities):
        for rows, name, color in zip(reports, names, ("C0", "C1")):
            bins = [row for row in rows if " - " in row["distance_A"]]
            at = [sum(float(v) for v in row["distance_A"].split(" - ")) / 2 for row in bins]
            axis.semilogy(at, [row[key] for row in bins], "o-", color=color, label=name, fillstyle="none")
        axis.axvline(5.0, color="0.7", lw=0.8, zorder=0)
    column[0].set_title(title, fontsize=10)
    column[1].set_xlabel("between the nearest atoms, Å")
for axis, (_, what) in zip(axes[:, 0], quantities):
    axis.set_ylabel(f"MAE, {what}, meV/Å")
axes[0, 0].legend(frameon=False, fontsize=8)
figure.tight_layout()
figure.savefig(sys.argv[1], dpi=100)
