#!/usr/bin/env python3
"""Draws the free energy of the torsion by both runs of in.torsion: plot.py [PICTURE]

Prints the share of the trans form by each. Of ethanol the two sides of the torsion are the same:
their difference is the error of the profile.
"""

import sys

import numpy as np

KT = 8.617333e-5 * 300  # eV


def biased(file):
    """Centres of bins, degrees, and free energy, eV."""
    centres, energy = np.loadtxt(file)[:, :2].T
    return centres, energy


def plain(file, centres, skip=40):
    """Free energy of the bins from a run without bias."""
    torsion = np.loadtxt(file)[skip:, 1]
    half = (centres[1] - centres[0]) / 2
    counts, _ = np.histogram(torsion, np.append(centres - half, centres[-1] + half))
    with np.errstate(divide="ignore"):
        energy = -KT * np.log(counts)
    return energy - energy.min()


def share_of_trans(centres, energy):
    weight = np.exp(-energy / KT)
    return weight[abs(centres) > 120].sum() / weight.sum()


def draw(centres, profiles, picture):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), constrained_layout=True)
    for (name, energy), style in zip(profiles.items(), ("C0-", "k.")):
        axes.plot(centres, 1000 * energy, style, label=name)
    axes.set(xlim=(-180, 180), ylim=(0, None), xticks=range(-180, 181, 60))
    axes.set(xlabel="C-C-O-H (degrees)", ylabel="free energy (meV)")
    axes.legend()
    figure.savefig(picture, dpi=120)


def main(picture=None):
    centres, energy = biased("torsion.pmf")
    profiles = {"COLVARS": energy, "plain": plain("plain.colvars.traj", centres)}
    for name, energy in profiles.items():
        error = np.sqrt(np.mean((energy - energy[::-1])[np.isfinite(energy)] ** 2) / 2)
        print(
            f"{name}: share of trans {share_of_trans(centres, energy):.3f}, "
            f"barrier {1000 * energy[abs(abs(centres) - 120) < 10].mean():.0f} meV, "
            f"difference of the two sides {1000 * error:.1f} meV"
        )
    if picture:
        draw(centres, profiles, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
