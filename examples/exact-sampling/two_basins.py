"""The torsion Cl-C-C-Cl of two_basins.sh: atoms 1 to 4 in this order, 7 and 8 are on the fourth's side.

two_basins.py turn molecule.data turned.data DEGREES
two_basins.py populations [--json] START.WAY.xyz...
"""

import json
import sys
from math import atan2, cos, degrees, radians, sin, sqrt

FIRST = 100  # frames that are left out


def minus(a, b):
    return [a[k] - b[k] for k in range(3)]


def dot(a, b):
    return sum(a[k] * b[k] for k in range(3))


def cross(a, b):
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def torsion(x):
    """In degrees, of the first four atoms."""
    u, v, w = minus(x[1], x[0]), minus(x[2], x[1]), minus(x[3], x[2])
    p, q = cross(u, v), cross(v, w)
    return degrees(atan2(sqrt(dot(v, v)) * dot(u, q), dot(p, q)))


def turn(source, target, wanted):
    """Writes the data file with the torsion turned to `wanted` degrees."""
    lines = open(source).read().split("\n")
    begin = next(n for n, line in enumerate(lines) if line.startswith("Atoms")) + 2
    words = [line.split() for line in lines[begin : begin + 8]]
    x = [[float(word) for word in atom[4:7]] for atom in words]
    axis = minus(x[2], x[1])
    length = sqrt(dot(axis, axis))
    axis = [a / length for a in axis]
    angle = radians(wanted - torsion(x))
    for i in (3, 6, 7):
        d = minus(x[i], x[2])
        along, side = dot(axis, d), cross(axis, d)
        x[i] = [
            x[2][k] + d[k] * cos(angle) + side[k] * sin(angle) + axis[k] * along * (1 - cos(angle))
            for k in range(3)
        ]
    for n, atom in enumerate(words):
        lines[begin + n] = " ".join(atom[:4] + [f"{value:.8f}" for value in x[n]])
    open(target, "w").write("\n".join(lines))


def inefficiency(values):
    """Statistical inefficiency by the initial positive sequence."""
    n, mean = len(values), sum(values) / len(values)
    d = [value - mean for value in values]
    variance = sum(value * value for value in d) / n
    if variance == 0.0:
        return float(n)
    g = 1.0
    for lag in range(1, n // 2):
        correlation = sum(d[k] * d[k + lag] for k in range(n - lag)) / ((n - lag) * variance)
        if correlation < 0.0:
            break
        g += 2.0 * correlation
    return g


def anti(file):
    """1 for each frame of extended XYZ that is anti, else 0."""
    lines = open(file).read().split("\n")
    n_atoms = int(lines[0])
    found = []
    for begin in range(0, len(lines) - 1, n_atoms + 2):
        atoms = [line.split() for line in lines[begin + 2 : begin + 2 + 4]]
        found.append(int(abs(torsion([[float(w) for w in atom[1:4]] for atom in atoms])) > 120.0))
    return found


def populations(files, as_json):
    rows = []
    for file in files:
        start, way = file.split("/")[-1].split(".")[:2]
        shapes = anti(file)[FIRST:]
        share, g = sum(shapes) / len(shapes), inefficiency(shapes)
        crossings = sum(a != b for a, b in zip(shapes, shapes[1:]))
        error = sqrt(share * (1.0 - share) * g / len(shapes)) if crossings else None
        rows.append({"start": start, "way": way, "calls": len(shapes) + FIRST, "anti": share,
                     "error": error, "crossings": crossings})
    if as_json:
        print(json.dumps({"rows": rows}, indent=1))
        return
    print(f"{'start':8} {'way':8} {'calls':>6} {'anti':>7} {'error':>7} {'crossings':>10}")
    for row in rows:
        error = "-" if row["error"] is None else f"{row['error']:.3f}"
        print(f"{row['start']:8} {row['way']:8} {row['calls']:6} {row['anti']:7.3f} {error:>7} "
              f"{row['crossings']:10}")


if __name__ == "__main__":
    if sys.argv[1] == "turn":
        turn(sys.argv[2], sys.argv[3], float(sys.argv[4]))
    else:
        populations([word for word in sys.argv[2:] if word != "--json"], "--json" in sys.argv)
