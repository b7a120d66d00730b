"""Draws the learning curve of a distillation: plot_distill.py MANIFEST.json PICTURE.png"""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

manifest = json.load(open(sys.argv[1]))
curve, target = manifest["curve"], manifest["settings"].get("target")
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), constrained_layout=True)


def errors(axes, key, label):
    """Errors with their bars, of the points that have them."""
    points = [p for p in curve if key in p]
    bars = [p.get(key.replace("rmse", "rmse_error"), 0.0) for p in points]
    axes.errorbar([p["labels"] for p in points], [p[key] for p in points], bars, fmt="o-", capsize=4, label=label)


errors(left, "force_rmse_meV_per_A", "error on fresh frames")
left.plot([p["labels"] for p in curve], [p["spread_meV_per_A"] for p in curve], "s--", markersize=4, label="spread of the students")
if target:
    left.axhline(target, color="k", linewidth=0.5, label="target")
left.set(xlabel="labels", ylabel="forces, RMSE (meV/Å)", yscale="log")
left.legend()
errors(right, "energy_rmse_meV_per_atom", None)
right.set(xlabel="labels", ylabel="energies, RMSE (meV/atom)")
figure.savefig(sys.argv[2], dpi=110)
