"""Draws the force and energy distributions that `mlff dataset --plots` found: plot_dataset.py REPORT.json PICTURE.png"""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

report = json.load(open(sys.argv[1]))
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), constrained_layout=True)
for element, samples in report["force_samples_eV_per_A"].items():
    left.hist(samples, bins=80, histtype="step", density=True, label=element)
left.set(xlabel="force norm (eV/Å)", ylabel="density", yscale="log")
if report["force_samples_eV_per_A"]:
    left.legend()
for molecule, samples in report["energy_samples_eV"].items():
    mean = sum(samples) / len(samples)
    right.hist([e - mean for e in samples], bins=60, histtype="step", density=True, label=molecule)
right.set(xlabel="energy - mean (eV)", ylabel="density")
if report["energy_samples_eV"]:
    right.legend(fontsize="x-small")
figure.savefig(sys.argv[2], dpi=110)
