"""Draws the course of a training and its predictions: plot_training.py FOLDER PICTURE.png"""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

folder, picture = sys.argv[1:]
log = [json.loads(line) for line in open(folder + "/log.jsonl")]
predictions = json.load(open(folder + "/predictions.json"))
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.6), constrained_layout=True)
step = [entry["step"] for entry in log]
left.plot(step, [entry["train_force_mae_meV_per_A"] for entry in log], label="training")
if all("force_mae_meV_per_A" in entry["valid"] for entry in log):
    left.plot(step, [entry["valid"]["force_mae_meV_per_A"] for entry in log], label="validation (averaged weights)")
left.set(xlabel="step", ylabel="force MAE (meV/Å)", yscale="log")
left.legend()
for axes, key, unit in ((middle, "force_eV_per_A", "force (eV/Å)"), (right, "energy_eV_per_atom", "energy (eV/atom)")):
    pairs = predictions[key]
    if pairs:
        predicted, label = zip(*pairs)
        axes.plot(label, predicted, ".", markersize=1, rasterized=True)
        ends = [min(label), max(label)]
        axes.plot(ends, ends, "k-", linewidth=0.5)
    axes.set(xlabel="label: " + unit, ylabel="predicted")
    axes.set_title(predictions["frames"] + " frames", fontsize="small")
figure.savefig(picture, dpi=110)
