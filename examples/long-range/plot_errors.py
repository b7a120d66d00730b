#!/usr/bin/env python3
"""Errors against distance: plot_errors.py picture.png fmm.json local.json, of "mlff eval --apart --json" with both students; prints a table."""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

reports = []
for path in sys.argv[2:4]:
    with open(path) as file:
        reports.append(json.load(file))
names = ("with long-range block", "local, 5 Å")
quantities = (("force_mae_meV_per_A", "force on an atom"), ("net_force_mae_meV_per_A", "net force on an ion"))
print("Å | frames | net force | " + " | ".join(f"{title}: {name}" for _, title in quantities for name in names))
for row in range(len(reports[0]["apart"])):
    rows = [report["apart"][row] for report in reports]
    values = [f"{r[key]:.1f}" for key, _ in quantities for r in rows]
    print(" | ".join([rows[0]["distance_A"], str(rows[0]["n_frames"]), f"{rows[0]['net_force_meV_per_A']:.0f}"] + values))

figure, axes = plt.subplots(1, 2, figsize=(8, 3.2))
for axis, (key, title) in zip(axes, quantities):
    for report, name, color in zip(reports, names, ("C0", "C1")):
        rows = [r for r in report["apart"] if " - " in r["distance_A"]]
        at = [sum(float(v) for v in r["distance_A"].split(" - ")) / 2 for r in rows]
        axis.semilogy(at, [r[key] for r in rows], "o-", color=color, label=name, fillstyle="none")
    axis.axvline(5.0, color="0.7", lw=0.8, zorder=0)
    axis.set_xlabel("between the nearest atoms, Å")
    axis.set_ylabel(f"MAE, {title}, meV/Å")
axes[1].legend(frameon=False)
figure.tight_layout()
figure.savefig(sys.argv[1], dpi=110)
