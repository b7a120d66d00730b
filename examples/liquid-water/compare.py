#!/usr/bin/env python3
"""Liquid water by student and teacher: compare.py STUDENT TEACHER RDF [POTENTIAL [PICTURE]]

STUDENT and TEACHER are the same frames with the labels of both, RDF is the file that in.water
writes. Prints the error of forces, mean pressures and the first O-O peak; with POTENTIAL, which
needs sevenn and the Python module of mlff, also the times of a call by one thread. PICTURE needs
matplotlib.
"""

import sys
import time

import numpy as np
from ase.io import read
from ase.units import bar


def pressures(frames):
    """Bar, of each frame without its kinetic part."""
    return np.array([-frame.get_stress()[:3].mean() / bar for frame in frames])


def distribution(path):
    """Distances (Å) and g(r) of the last block of a file of fix ave/time."""
    lines = [line.split() for line in open(path) if not line.startswith("#")]
    start = max(k for k, words in enumerate(lines) if len(words) == 2)
    rows = np.array([[float(x) for x in words] for words in lines[start + 1 :]])
    return rows[:, 1], rows[:, 2]


def milliseconds(calculator, frames, n_calls=5):
    """Median time of energy and forces."""
    times = []
    for frame in frames[: n_calls + 1]:
        atoms = frame.copy()
        atoms.calc = calculator
        start = time.perf_counter()
        atoms.get_forces()
        times.append(time.perf_counter() - start)
    return 1e3 * np.median(times[1:])


def main(student, teacher, rdf, potential=None, picture=None):
    ours, theirs = read(student, ":"), read(teacher, ":")
    forces = [np.array([frame.get_forces() for frame in frames]) for frames in (ours, theirs)]
    error = np.sqrt(((forces[0] - forces[1]) ** 2).mean())
    print(f"{len(ours)} frames: force RMSE {1e3 * error:.1f} meV/A")
    means = [pressures(frames).mean() for frames in (ours, theirs)]
    print(
        f"mean pressure: student {means[0]:.0f}, teacher {means[1]:.0f} bar (without the "
        f"kinetic part), difference {means[0] - means[1]:.0f} bar"
    )
    r, g = distribution(rdf)
    peak = np.argmax(np.where(r < 3.5, g, 0))
    print(f"first O-O peak: {g[peak]:.2f} at {r[peak]:.2f} A")
    if potential:
        import torch
        from sevenn.calculator import SevenNetCalculator

        from mlff.ase import MLFFCalculator

        torch.set_num_threads(1)
        slow = milliseconds(SevenNetCalculator(model="7net-0", device="cpu"), ours)
        fast = milliseconds(MLFFCalculator(potential, threads=1), ours)
        print(f"{len(ours[0])} atoms: teacher {slow:.0f} ms, student {fast:.2f} ms a call in ASE")
    if picture:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(figsize=(6, 4), constrained_layout=True)
        axes.plot(r, g)
        axes.set(xlabel="O-O distance (Å)", ylabel="g(r)")
        figure.savefig(picture, dpi=120)


if __name__ == "__main__":
    main(*sys.argv[1:])
