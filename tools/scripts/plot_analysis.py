"""Draws what `mlff analyze --plots` found: plot_analysis.py ANALYSIS.json PICTURE.png"""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

report = json.load(open(sys.argv[1]))
trajectories = report["trajectories"]
styles = {"trajectory": "-", "reference": "--", "second seed": ":"}
figure, axes = plt.subplots(2, 4, figsize=(16, 7), constrained_layout=True)
axes = axes.flat


def curves(axis, section, xlabel, ylabel, only=None, most=6):
    """Curves of a section: a color a kind, a line style a trajectory."""
    names = [name for name in dict.fromkeys(n for t in trajectories for n in t.get("curves", {}).get(section, {})) if only is None or name in only][:most]
    for k, name in enumerate(names):
        for t in trajectories:
            curve = t.get("curves", {}).get(section, {}).get(name)
            if curve:
                axis.plot(curve["x"], curve["y"], styles[t["role"]], color="C%d" % k, lw=1, label=name if t["role"] == "trajectory" else None)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    if names:
        axis.legend(fontsize="x-small")
    else:
        axis.text(0.5, 0.5, "none", ha="center", transform=axis.transAxes)


for t in trajectories:
    energies = t.get("curves", {}).get("potential_energy", {})
    samples = energies.get("samples", {}).get("y", [])
    weights = energies.get("weights", {}).get("y")
    worth = t.get("effective_samples", {}).get("potential_energy", {}).get("effective_samples")
    if samples:
        mean = t["quantities"]["potential_energy_eV"]["mean"]["value"] if t is trajectories[0] else mean
        axes[0].hist([e - mean for e in samples], bins=50, weights=weights, histtype="step", density=True, label=t["role"] + (", %.0f effective samples" % worth if worth else ""))
        axes[0].legend(fontsize="x-small")
axes[0].set(xlabel="potential energy - mean (eV)", ylabel="density")
curves(axes[1], "bond", "length of bonds (Å)", "density (1/Å)")
curves(axes[2], "angle", "angles (degrees)", "density (1/degree)")
curves(axes[3], "dihedral", "dihedrals (degrees)", "density (1/degree)")
periodic = "rdf" in trajectories[0].get("curves", {})
curves(axes[4], "rdf" if periodic else "distances", "distance (Å)", "g(r)" if periodic else "density (1/Å)")
curves(axes[5], "vdos", "wave number (1/cm)", "density of states", only=["all"])
axes[5].set_xlim(0, min(4200, max((t["vdos"]["nyquist_per_cm"] for t in trajectories if "vdos" in t), default=4200)))
curves(axes[6], "torsion_msd", "time (ps)", "mean square turn (rad²)")
curves(axes[7], "msd", "time (ps)", "mean square displacement (Å²)")
figure.suptitle(", ".join("%s: %s" % ({"-": "solid", "--": "dashed", ":": "dotted"}[styles[t["role"]]], t["role"]) for t in trajectories), fontsize="medium")
figure.savefig(sys.argv[2], dpi=80)
