"""Draws how a sampler was made and how good it is: plot_sampler.py FOLDER PICTURE.png (FOLDER of mlff make-sampler)"""
import json
import math
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

folder, picture = sys.argv[1:]
manifest = json.load(open(folder + "/manifest.json"))
settings, check = manifest["settings"], manifest["check"]
labels, points = 0, []
for entry in manifest["rounds"]:
    # the frames of a round measure the student of the rounds before
    if "measure" in entry:
        points.append((labels, entry["measure"]))
    labels += entry["labels"]

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.6), constrained_layout=True)
known = [label for label, _ in points]
left.plot(known, [m["acceptance"] for _, m in points], "o-", label="erfc(s/2)")
left.plot(known, [m["acceptance_of_pairs"] for _, m in points], "s--", label="over pairs of frames")
left.plot([labels], [check["acceptance"]], "k*", markersize=10, label="measured in the check")
left.axhline(settings["acceptance"], color="0.7", linewidth=0.8)
left.set(xlabel="labels", ylabel="accepted proposals", ylim=(0.0, 1.0))
left.legend()

for number, (label, measure) in enumerate(points):
    numbers = measure["differences_kT"]
    middle.hist(numbers, bins=24, density=True, histtype="step", label="%d labels: s = %.2f" % (label, measure["deviation_kT"]))
middle.set(xlabel="energy error of the student (kT)", ylabel="density")
middle.legend()

total, square, means, errors = 0.0, 0.0, [], []
for count, difference in enumerate(check["differences_kT"], 1):
    factor = 0.0 if difference is None else math.exp(-difference)
    total += factor
    square += factor * factor
    mean = total / count
    means.append(mean)
    errors.append(math.sqrt(max(0.0, square / count - mean * mean) / count))
counts = range(1, len(means) + 1)
right.fill_between(counts, [m - e for m, e in zip(means, errors)], [m + e for m, e in zip(means, errors)], alpha=0.3)
right.plot(counts, means)
right.axhline(1.0, color="k", linewidth=0.5)
right.set(xlabel="proposals of the check", ylabel="mean of exp(-D)", ylim=(0.0, 2.0))
figure.suptitle("%s at %g K: %d labels" % (settings["smiles"], settings["temperature"], labels), fontsize="medium")
figure.savefig(picture, dpi=110)
