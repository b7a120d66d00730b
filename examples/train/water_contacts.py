"""Water molecules too close to each other: frames that a student's dynamics of a water cluster falls into where its repulsion has holes.

    python3 water_contacts.py FOLDER DUMP.xyz...

Writes to FOLDER contacts.xyz (from the dumps: frames with hydrogens of different molecules nearer than 1.75 Angstrom), spread.xyz (60 frames of each dump before that) and
dimers.xyz (400 pairs at random places), to be labelled by mlff label --structures."""

import sys
from pathlib import Path

import numpy as np

rng = np.random.default_rng(7)


def frames(path):
    """Lines of each whole frame of an extended XYZ file."""
    lines = Path(path).read_text().split("\n")
    size = int(lines[0]) + 2
    whole = (lines[k : k + size] for k in range(0, len(lines) - size + 1, size))
    return [frame for frame in whole if frame[0].strip() == str(size - 2)]


def distances(frame):
    """Smallest H-H between molecules, largest and smallest O-H bond, smallest O-O (Angstrom)."""
    atoms = [line.split() for line in frame[2:]]
    hydrogen = np.array([a[0] == "H" for a in atoms])
    x = np.array([[float(c) for c in a[1:4]] for a in atoms])
    d = np.linalg.norm(x[:, None] - x[None], axis=-1) + 1e3 * np.eye(len(x))
    to_oxygen = d[hydrogen][:, ~hydrogen]
    own = to_oxygen.argmin(1)
    hh = d[hydrogen][:, hydrogen]
    hh[own[:, None] == own[None]] = np.inf
    return hh.min(), to_oxygen.min(1).max(), to_oxygen.min(), d[~hydrogen][:, ~hydrogen].min()


def from_dumps(folder, dumps):
    with open(folder / "contacts.xyz", "w") as contacts, open(folder / "spread.xyz", "w") as spread:
        for path in dumps:
            all_frames = frames(path)
            found = np.array([distances(frame) for frame in all_frames])
            near = found[:, 0] < 1.75
            whole = (found[:, 1] < 1.5) & (found[:, 2] > 0.7) & (found[:, 3] > 2.0)
            first = int(np.argmax(near)) if near.any() else len(all_frames)
            for k in range(min(100, first // 2), first, max(1, first // 60)):
                spread.write("\n".join(all_frames[k]) + "\n")
            for picked, most in ((near & whole & (found[:, 0] < 1.35), 90), (near & whole & (found[:, 0] >= 1.35), 60)):
                for k in rng.permutation(np.flatnonzero(picked))[:most]:
                    contacts.write("\n".join(all_frames[k]) + "\n")
            print(f"{path}: {len(all_frames)} frames, {int((near & whole).sum())} with contacts")


def rotation():
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def water():
    """O, H, H with bonds and angle spread as in dynamics, turned at random."""
    angle = np.deg2rad(106.5 + 6 * rng.normal())
    a, b = 0.962 + 0.03 * rng.normal(size=2)
    return np.array([[0, 0, 0], [a, 0, 0], [b * np.cos(angle), b * np.sin(angle), 0]]) @ rotation().T


def dimers(path, pairs=400):
    # nearest contact between the molecules, in units of these (Angstrom)
    limit = np.array([[2.1, 1.3, 1.3], [1.3, 0.75, 0.75], [1.3, 0.75, 0.75]])
    with open(path, "w") as file:
        for pair in range(pairs):
            first, second = water(), water()
            direction = rng.normal(size=3)
            direction /= np.linalg.norm(direction)
            wanted = rng.uniform(1.0, 1.4) if pair % 4 == 0 else rng.uniform(1.0, 2.2)
            # from far away, as near as wanted
            apart = 12.0
            while apart > 1.0 and (np.linalg.norm(first[:, None] - second[None] - (apart - 0.01) * direction, axis=-1) / limit).min() >= wanted:
                apart -= 0.01
            x = np.vstack([first, second + apart * direction])
            file.write('6\nProperties=species:S:1:pos:R:3 pbc="F F F"\n')
            file.writelines(f"{name} {p[0]:.6f} {p[1]:.6f} {p[2]:.6f}\n" for name, p in zip("OHHOHH", x))


if len(sys.argv) < 3:
    sys.exit(__doc__)
target = Path(sys.argv[1])
target.mkdir(exist_ok=True)
from_dumps(target, sys.argv[2:])
dimers(target / "dimers.xyz")
