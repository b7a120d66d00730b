"""Rigid turns of two bonds of malonaldehyde: scan.py start.xyz STEP scan.xyz

The first frame is the start, the next ones turn the group OH about C-O, the last ones the group
CHO about C-C, from STEP to 180 degrees. Atoms are in the order of the SMILES O=C/C=C\\O with hydrogen at
the end, as mlff molecule writes them.
"""

import sys

import numpy as np

TURNS = {"O-H": (3, 4, (8,)), "C-C": (2, 1, (0, 5))}  # a bond from and to, and what turns


def turned(x, origin, end, group, degrees):
    """Positions after a turn of a group about the bond, by the formula of Rodrigues."""
    axis = (x[end] - x[origin]) / np.linalg.norm(x[end] - x[origin])
    angle, y = np.radians(degrees), x.copy()
    for k in group:
        v = x[k] - x[end]
        y[k] = (
            x[end]
            + v * np.cos(angle)
            + np.cross(axis, v) * np.sin(angle)
            + axis * (axis @ v) * (1 - np.cos(angle))
        )
    return y


def main(start, step, output):
    lines = open(start).read().split("\n")
    rows = [line.split() for line in lines[2:11]]
    x = np.array([row[1:4] for row in rows], float)
    frames = [("start", 0, x)]
    for name, (origin, end, group) in TURNS.items():
        frames += [(name, k, turned(x, origin, end, group, k)) for k in range(step, 181, step)]
    with open(output, "w") as file:
        for name, degrees, y in frames:
            file.write(
                f'9\nProperties=species:S:1:pos:R:3 pbc="F F F" turn={name} degrees={degrees}\n'
            )
            file.writelines(
                f"{row[0]} {p[0]:.8f} {p[1]:.8f} {p[2]:.8f}\n" for row, p in zip(rows, y)
            )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
