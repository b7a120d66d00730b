"""Draws the scans that `mlff eval --reach` or `mlff distill` wrote: plot_reach.py REACH.json PICTURE.png"""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

numbers, picture = sys.argv[1:]
reach = json.load(open(numbers))
scans = reach["scans"]
columns = min(3, len(scans))
rows = -(-len(scans) // columns)
figure, axes = plt.subplots(rows, columns, figsize=(0.5 + 4 * columns, 0.5 + 2.7 * rows), squeeze=False, constrained_layout=True)
for panel, scan in zip(axes.flat, scans):
    curves = scan["curves"]
    torsion = scan["kind"] == "torsion"
    at = curves["turned_degrees" if torsion else "times_length"]
    for k, energies in reversed(list(enumerate(curves["students_eV"]))):
        label = {0: "student", 1: "other students"}.get(k)
        panel.plot(at, energies, "-", color="C0" if k == 0 else "C1", linewidth=1.5 if k == 0 else 0.8, label=label)
    taught = [float("nan") if e is None else e for e in curves["teacher_eV"]]
    panel.plot(at, taught, "k.", markersize=4, label=reach["teacher"])
    panel.axvspan(scan["agrees_from"], scan["agrees_to"], color="C2", alpha=0.12, linewidth=0, label=f"within {reach['threshold_meV']:.0f} meV")
    # a hole may be deeper than anything else is high
    seen = [e for e in taught + curves["students_eV"][0] if e is not None and -reach["highest_eV"] <= e <= reach["highest_eV"]]
    margin = 0.05 * (max(seen) - min(seen)) + 0.005
    panel.set_ylim(min(seen) - margin, max(seen) + margin)
    panel.set(xlabel="degrees turned" if torsion else "times the length", ylabel="energy (eV)")
    if torsion:
        panel.set_xticks(range(-180, 181, 60))
    alike = f" ({scan['alike']} alike)" if scan["alike"] > 1 else ""
    panel.set_title(scan["name"] + alike, fontsize="small")
for panel in list(axes.flat)[len(scans):]:
    panel.axis("off")
axes.flat[0].legend(fontsize="x-small", framealpha=0.5)
figure.savefig(picture, dpi=110)
