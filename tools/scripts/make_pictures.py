#!/usr/bin/env python3
"""Draws the pictures of the first page and of the gallery whose data lie in the repository.

make_pictures.py [NAME]...    (default: all; needs matplotlib)

The picture of the first page is drawn from bench/results.toml, those of examples by their own
plot.py from the logs beside it. Pictures of other examples need what their commands leave, as
trajectories, which is too large for the repository.
"""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

top = Path(__file__).resolve().parents[2]
# name, folder, and words behind plot.py; the last one is the picture
examples = {
    "ethanol": ("examples/ethanol", "log.ethanol", "ethanol.png"),
    "neb": ("examples/neb", "neb.png"),
}
bars = (
    ("velocity Verlet, 0.5 fs", "verlet_05", "tab:gray"),
    ("velocity Verlet, 1 fs", "verlet_1", "tab:gray"),
    ("learned jumps of 8 fs,\none corrector step", "jump8_corrector", "tab:blue"),
    ("learned jumps of 8 fs", "jump8", "tab:blue"),
    ("learned jumps of 16 fs", "jump16", "tab:blue"),
    ("exact Monte Carlo jumps\nof 40 fs", "student_mlp", "tab:green"),
)


def first_page(path):
    """Simulated time per second of one core, by method."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    results = tomllib.loads((top / "bench/results.toml").read_text(encoding="utf-8"))
    speeds = [float(results["kstep_speed"][key]) for _, key, _ in bars]
    figure, axes = plt.subplots(figsize=(8, 3.6), constrained_layout=True)
    axes.barh([name for name, _, _ in bars], speeds, color=[colour for _, _, colour in bars])
    for place, (speed, (_, key, _)) in enumerate(zip(speeds, bars)):
        ratio = results["kstep_ratio"].get(key)
        axes.text(speed, place, f"  {speed:g}" + (f"  ({ratio}x)" if ratio else ""), va="center")
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("ps of ethanol with GFN2-xTB per second of CPU time")
    figure.savefig(path, dpi=130)


def main(names):
    unknown = set(names) - {"first-page", *examples}
    if unknown:
        sys.exit(f"no picture '{unknown.pop()}'; accepted: first-page {' '.join(examples)}")
    for name in names or ["first-page", *examples]:
        if name == "first-page":
            first_page(top / "doc/static/jumps.png")
            continue
        folder, *words = examples[name]
        with tempfile.TemporaryDirectory() as scratch:
            picture = Path(scratch) / words[-1]
            command = [sys.executable, "plot.py", *words[:-1], str(picture)]
            subprocess.run(command, cwd=top / folder, check=True)
            (top / folder / words[-1]).write_bytes(picture.read_bytes())


if __name__ == "__main__":
    main(sys.argv[1:])
