"""Draws the training of a jump network and its errors: plot_jump.py FOLDER PICTURE.png (FOLDER of mlff make-jump)"""
import json
import os
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import matplotlib.ticker

folder, picture = sys.argv[1:]
manifest = json.load(open(folder + "/manifest.json"))
before, after = manifest["zero_shot"].get("report"), manifest.get("report")
jumps = {}
if before:
    jumps[manifest["settings"]["from"] + "\nas it is"] = before["jumps"]["network"]
if after:
    jumps["trained"] = after["jumps"]["network"]
report = after or before
for control in ("linear", "zero"):
    jumps[control] = report["jumps"][control]

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.6), constrained_layout=True)
log = folder + "/training/network.training/log.jsonl"
if after and os.path.exists(log):
    lines = [json.loads(line) for line in open(log)]
    for key, name in (("x", "positions"), ("v", "velocities")):
        left.plot([line["step"] for line in lines], [100 * line["valid"]["error_of_change"][key] for line in lines], label=name)
    left.set(xlabel="step", ylabel="validation error (% of the change)", yscale="log")
    left.legend()
else:
    left.text(0.5, 0.5, "not trained", ha="center", transform=left.transAxes)
places = range(len(jumps))
for key, name, shift in (("x", "positions", -0.2), ("v", "velocities", 0.2)):
    middle.bar([p + shift for p in places], [100 * jump["error_of_change"][key] for jump in jumps.values()], 0.4, label=name)
middle.set_xticks(places, jumps.keys())
middle.set(ylabel="error (% of the change)", yscale="log")
middle.legend()
for axes in (left, middle):
    for axis in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        axis(matplotlib.ticker.FormatStrFormatter("%g"))
energies = {name: jump["energy_kT"] for name, jump in jumps.items() if "energy_kT" in jump}
energies["velocity Verlet\n0.5 fs"] = report["jumps"]["dynamics"]["energy_kT"]
right.axhspan(-0.5, 0.5, color="0.92")
right.axhline(0.0, color="k", linewidth=0.5)
right.errorbar(range(len(energies)), [e["mean"] for e in energies.values()], [e["deviation"] for e in energies.values()], fmt="o", capsize=5)
right.set_xticks(range(len(energies)), energies.keys())
right.set(ylabel="energy change of a jump (kT)", xlim=(-0.5, len(energies) - 0.5))
figure.suptitle("%s: jumps of %g fs" % (manifest["settings"]["smiles"], manifest["settings"]["stride"]), fontsize="medium")
figure.savefig(picture, dpi=110)
