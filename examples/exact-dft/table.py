"""Table and picture of run.sh: table.py [--json] MOLECULE..., in the folder of its results."""

import json
import re
import sys
from math import cos, radians, sin, sqrt
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "exact-sampling"))
from two_basins import inefficiency, minus, torsion  # noqa: E402

FIRST = 20  # samples of a chain that are left out


def frames(folder):
    """Elements and positions of all samples of a chain, in the order of its parts."""
    for part in sorted(folder.glob("[0-9]*.xyz"), key=lambda path: int(path.stem)):
        lines = part.read_text().split("\n")
        n_atoms = int(lines[0])
        for begin in range(0, len(lines) - 1, n_atoms + 2):
            atoms = [line.split() for line in lines[begin + 2 : begin + 2 + n_atoms]]
            yield [a[0] for a in atoms], [[float(w) for w in a[1:4]] for a in atoms]


def distance(a, b):
    d = minus(a, b)
    return sqrt(sum(x * x for x in d))


def nearest(elements, x, kind, place):
    """Atom of an element that is nearest to a place, not at it."""
    atoms = [i for i, e in enumerate(elements) if e == kind and distance(x[i], place) > 0.1]
    return min(atoms, key=lambda i: distance(x[i], place))


def hydroxyl_torsion(elements, x):
    """H-O-C-C of ethanol, degrees: 0 is cis, 180 anti."""
    o = elements.index("O")
    h, c = nearest(elements, x, "H", x[o]), nearest(elements, x, "C", x[o])
    return torsion([x[h], x[o], x[c], x[nearest(elements, x, "C", x[c])]])


def proton_shift(elements, x):
    """Of the hydrogen between both oxygens of malonaldehyde: difference of its distances, Å."""
    first, second = (i for i, e in enumerate(elements) if e == "O")
    hydrogens = [i for i, e in enumerate(elements) if e == "H"]
    middle = min(hydrogens, key=lambda i: distance(x[i], x[first]) + distance(x[i], x[second]))
    return distance(x[middle], x[first]) - distance(x[middle], x[second])


COORDINATES = {
    "ethanol": (hydroxyl_torsion, "torsion H-O-C-C, degrees", (-180.0, 180.0)),
    "malonaldehyde": (proton_shift, "H-O less H-O', Å", (-1.2, 1.2)),
}


def samples_for_one(molecule, values):
    """Statistical inefficiency of the coordinate; of an angle, of its sine or its cosine."""
    if molecule == "malonaldehyde":
        return inefficiency(values)
    return max(inefficiency([f(radians(v)) for v in values]) for f in (sin, cos))


def number(pattern, text):
    return float(re.findall(pattern, text)[-1])


def row_of(molecule, force, values):
    """What one chain cost and gave."""
    folder = Path(f"{molecule}-{force}")
    made = json.loads((folder / "manifest.json").read_text())
    log = max(folder.glob("log.[0-9]*"), key=lambda path: int(path.suffix[1:])).read_text()
    mine = [r for r in made["rounds"] if r["teacher"] == made["rounds"][-1]["teacher"]]
    # the last line of thermo output: acceptance, mean of exp(-D), its error
    last = re.findall(r"^ +\d+ +\S+ +(\S+) +(\S+) +(\S+) +\S+ *$", log, re.M)[-1]
    g, verlet = samples_for_one(molecule, values), made["lengths"]["verlet"]["calls"]
    seconds = [float(s) for s in re.findall(r"Loop time of (\S+)", log)]
    return {
        "molecule": molecule,
        "force": force,
        "labels": sum(r["labels"] for r in mine),
        "label_seconds": made["label_seconds"],
        "check_calls": round(1.1 * made["check"]["proposals"]) + 1,
        "energy_error_meV": mine[-1]["measure"]["energy_deviation_meV"],
        "samples": len(values),
        "acceptance": float(last[0]),
        "mean_boltzmann": float(last[1]),
        "mean_boltzmann_error": float(last[2]),
        "calls_per_sample": g,
        "independent_samples": len(values) / g,
        "verlet_calls": verlet,
        "speedup_calls": verlet / g,
        "move_seconds": seconds[-1] / number(r"Loop time of .* for (\d+) steps", log),
    }


def histogram(values, g, low, high, bins):
    """Density of values, and its error where `g` of them make an independent one."""
    width = (high - low) / bins
    counts = [0] * bins
    for value in values:
        if low <= value < high:
            counts[int((value - low) / width)] += 1
    n = len(values)
    shares = [count / n for count in counts]
    return (
        [low + (k + 0.5) * width for k in range(bins)],
        [share / width for share in shares],
        [sqrt(share * (1.0 - share) * g / n) / width for share in shares],
    )


def draw(series, file):
    try:
        import matplotlib
    except ImportError:
        print("table.py: no picture without matplotlib", file=sys.stderr)
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    molecules = list(dict.fromkeys(molecule for molecule, _ in series))
    size = (4.5 * len(molecules), 3.2)
    figure, panels = plt.subplots(1, len(molecules), figsize=size, squeeze=False)
    for panel, molecule in zip(panels[0], molecules):
        _, label, (low, high) = COORDINATES[molecule]
        for force, name, colour in (("pbe", "PBE", "C0"), ("gfn2", "GFN2-xTB", "C1")):
            values = series[molecule, force]
            g = samples_for_one(molecule, values)
            x, y, error = histogram(values, g, low, high, 24)
            panel.errorbar(x, y, error, label=name, color=colour, capsize=2)
        panel.set(xlabel=label, ylabel="density", title=molecule, ylim=(0, None))
        panel.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(file, dpi=110)


def main(words):
    molecules = [word for word in words if word != "--json"]
    series, rows = {}, []
    for molecule in molecules:
        for force in ("pbe", "gfn2"):
            values = [COORDINATES[molecule][0](*one) for one in frames(Path(f"{molecule}-{force}"))]
            series[molecule, force] = values[FIRST:]
            rows.append(row_of(molecule, force, values[FIRST:]))
    draw(series, "exact-dft.png")
    if "--json" in words:
        print(json.dumps({"rows": rows}, indent=1))
        return
    for name in rows[0]:
        cells = [row[name] for row in rows]
        print(f"{name:22}", *(f"{c:>14.4g}" if isinstance(c, float) else f"{c:>14}" for c in cells))


if __name__ == "__main__":
    main(sys.argv[1:])
