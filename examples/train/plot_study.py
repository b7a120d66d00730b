"""Draws what study.sh found: plot_study.py FOLDER PICTURE.png"""
import glob
import json
import os
import re
import statistics
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

folder, picture = sys.argv[1:]
error, cost = {}, {}
for path in glob.glob(folder + "/F*.json"):
    name = re.fullmatch(r"F(\d+)-(\d+)-(labels|distilled)-(\d+)\.json", os.path.basename(path))
    if not name:
        continue
    report = json.load(open(path))
    features, frames, kind = int(name[1]), int(name[2]), name[3]
    error.setdefault((features, frames, kind), []).append(report["force_mae_meV_per_A"])
    cost.setdefault(features, []).append(1e6 * report["seconds"] / report["n_atoms"])

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), constrained_layout=True)
for kind, marker in (("labels", "o"), ("distilled", "s")):
    rows = sorted((frames, values) for (features, frames, k), values in error.items() if features == 32 and k == kind)
    if rows:
        left.plot([r[0] for r in rows], [statistics.mean(r[1]) for r in rows], "-", label=kind)
        left.plot([r[0] for r in rows for _ in r[1]], [v for r in rows for v in r[1]], marker, color=left.lines[-1].get_color(), markersize=4)
    rows = sorted((statistics.median(cost[features]), statistics.mean(values), features) for (features, frames, k), values in error.items() if frames == 1000 and k == kind)
    if rows:
        right.plot([r[0] for r in rows], [r[1] for r in rows], "-" + marker, markersize=4, label=kind)
        for x, y, features in rows:
            right.annotate(f"F{features}", (x, y), textcoords="offset points", xytext=(4, 4), fontsize="small")
left.set(xlabel="labelled frames", ylabel="force MAE (meV/Å)", xscale="log", yscale="log", title="F32")
right.set(xlabel="µs per atom, energy and forces, one core", ylabel="force MAE (meV/Å)", xscale="log", title="1000 labelled frames")
left.legend()
right.legend()
figure.savefig(picture, dpi=110)
for key in sorted(error):
    values = error[key]
    print(f"F{key[0]:<4d} {key[1]:5d} {key[2]:10s} {statistics.mean(values):7.2f}   {' '.join(f'{v:.2f}' for v in values)}   {statistics.median(cost[key[0]]):.1f} us/atom")
