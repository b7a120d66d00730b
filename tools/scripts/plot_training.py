"""Draws the course of a training and its predictions: plot_training.py FOLDER PICTURE.png"""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

folder, picture = sys.argv[1:]
log = [json.loads(line) for line in open(folder + "/log.jsonl")]
predictions = json.load(open(folder + "/predictions.json"))
panels = [("force_eV_per_A", "force (eV/Å)"), ("energy_eV_per_atom", "energy (eV/atom)")]
if predictions.get("stress_GPa"):
    panels.append(("stress_GPa", "stress (GPa)"))
figure, (left, *others) = plt.subplots(1, 1 + len(panels), figsize=(4 + 4 * len(panels), 3.6), constrained_layout=True)
step = [entry["step"] for entry in log]
left.plot(step, [entry["train_force_mae_meV_per_A"] for entry in log], label="training")
if all("force_mae_meV_per_A" in entry["valid"] for entry in log):
    left.plot(step, [entry["valid"]["force_mae_meV_per_A"] for entry in log], label="validation (averaged weights)")
left.set(xlabel="step", ylabel="force MAE (meV/Å)", yscale="log")
lines, names = left.get_legend_handles_labels()
if any("train_stress_mae_GPa" in entry for entry in log):
    stress = left.twinx()
    curve = [(entry["step"], entry["train_stress_mae_GPa"]) for entry in log if "train_stress_mae_GPa" in entry]
    stress.plot(*zip(*curve), "--", color="C2", label="stress, training")
    curve = [(entry["step"], entry["valid"]["stress_mae_GPa"]) for entry in log if "stress_mae_GPa" in entry["valid"]]
    if curve:
        stress.plot(*zip(*curve), "--", color="C3", label="stress, validation")
    stress.set(ylabel="stress MAE (GPa)", yscale="log")
    lines, names = [a + b for a, b in zip((lines, names), stress.get_legend_handles_labels())]
left.legend(lines, names)
for axes, (key, unit) in zip(others, panels):
    pairs = predictions[key]
    if pairs:
        predicted, label = zip(*pairs)
        axes.plot(label, predicted, ".", markersize=1, rasterized=True)
        ends = [min(label), max(label)]
        axes.plot(ends, ends, "k-", linewidth=0.5)
    axes.set(xlabel="label: " + unit, ylabel="predicted")
    axes.set_title(predictions["frames"] + " frames", fontsize="small")
figure.savefig(picture, dpi=110)
