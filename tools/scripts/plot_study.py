"""Draws the pictures of a study, one a molecule: plot_study.py FOLDER (of mlff study, with report.json)"""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

folder = sys.argv[1]
report = json.load(open(folder + "/report.json"))


def shown(rows, most=9):
    """The reference, and of the others the ones with most to tell: each kind and control once or twice."""
    chosen, seen = [], {}
    for row in rows:
        key = (row["kind"], row["control"], row["stride_fs"] if row["kind"] in ("jump", "student") and not row["control"] else 0)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= (2 if row["kind"] == "verlet" else 1) and row.get("curves"):
            chosen.append(row)
    return chosen[:most]


for molecule in report["molecules"]:
    rows = molecule["rows"]
    figure, ((speed, kelvin), (turn, spectrum)) = plt.subplots(2, 2, figsize=(13, 4 + 0.28 * len(rows)), constrained_layout=True)
    timed = [row for row in rows if (row["times"] or {}).get("cpu_s_per_ps")]
    if timed:
        median = [row["times"]["cpu_s_per_ps"]["median"] for row in timed]
        low = [m - row["times"]["cpu_s_per_ps"]["least"] for m, row in zip(median, timed)]
        high = [row["times"]["cpu_s_per_ps"]["largest"] - m for m, row in zip(median, timed)]
        speed.barh([row["method"] for row in timed], median, xerr=[low, high], color="tab:blue")
        speed.invert_yaxis()
        speed.set(xscale="log", xlabel="CPU seconds per ps")
        speed.tick_params(axis="y", labelsize=7)
    kinds = list(dict.fromkeys(name for row in rows for name in (row["quantities"] or {}).get("temperature_K", {})))
    several = shown(rows)
    for k, row in enumerate(several):
        found = row["quantities"]["temperature_K"]
        places = [kinds.index(name) + 0.08 * (k - len(several) / 2) for name in found]
        kelvin.errorbar(places, [one["value"] for one in found.values()], [one.get("error", 0.0) for one in found.values()], fmt="o", ms=3, lw=1, label=row["method"])
    kelvin.axhline(report["temperature_K"], color="0.5", lw=0.5)
    kelvin.set_xticks(range(len(kinds)), kinds, rotation=60, fontsize=7)
    kelvin.set_ylim(0.75 * report["temperature_K"], 1.25 * report["temperature_K"])
    kelvin.set_ylabel("temperature (K)")
    kelvin.legend(fontsize=6, ncol=2)
    torsions = list(dict.fromkeys(name for row in several for name in row["curves"].get("torsion_msd", {})))
    for k, row in enumerate(several):
        for name in torsions[-1:]:
            curve = row["curves"].get("torsion_msd", {}).get(name)
            if curve:
                turn.plot(curve["x"], curve["y"], "k-" if row["method"] == report["reference"] else "--" if row["control"] else "-", lw=1, label=row["method"])
    turn.set(xlim=(0, 1), xlabel="time (ps)", ylabel="mean square turn of %s (rad²)" % (torsions[-1] if torsions else "torsions"))
    turn.legend(fontsize=6)
    fast = [row for row in several if row.get("nyquist_per_cm", 0) > 3500]
    for k, row in enumerate(fast):
        curve = row["curves"].get("vdos", {}).get("all")
        if curve:
            highest = max(curve["y"])
            keep = [i for i, x in enumerate(curve["x"]) if x < 4200]
            spectrum.plot([curve["x"][i] for i in keep], [curve["y"][i] / highest + k for i in keep], lw=0.8, label=row["method"])
    spectrum.set(xlabel="wave number (1/cm)", ylabel="density of states", yticks=[])
    if fast:
        spectrum.legend(fontsize=6)
    figure.suptitle("%s: %s" % (report["title"], molecule["molecule"]), fontsize="medium")
    name = "".join(c if c.isalnum() and c.isascii() else "-" for c in molecule["molecule"])
    figure.savefig("%s/%s.png" % (folder, name), dpi=80)
