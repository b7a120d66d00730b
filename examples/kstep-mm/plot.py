"""Picture of the example: speed against velocity Verlet at 0.5 fs with both classical forces, from rows.json of run.sh."""

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

here = Path(__file__).parent


def main():
    rows = json.load(open(here / "rows.json"))["rows"]
    forces = list(dict.fromkeys(row["force"] for row in rows))
    fig, axes = plt.subplots(1, len(forces), figsize=(5 * len(forces), 3.2), squeeze=False)
    for axis, force in zip(axes[0], forces):
        own = [row for row in rows if row["force"] == force and row["speedup_vs_plain0.5"]]
        axis.barh([row["method"] for row in own], [row["speedup_vs_plain0.5"] for row in own],
                  color=["tab:grey" if row["method"].startswith(("plain", "vv", "zero", "linear")) else "tab:blue" for row in own])
        for k, row in enumerate(own):
            axis.text(row["speedup_vs_plain0.5"], k, f" {row['speedup_vs_plain0.5']:.2f}x", va="center")
        axis.axvline(1, color="black", lw=0.5)
        axis.invert_yaxis()
        axis.margins(x=0.2)
        axis.set_title({"opls": "OPLS-AA", "gfnff": "GFN-FF"}.get(force, force))
        axis.set_xlabel("speed, fix nve and fix langevin at 0.5 fs = 1")
    fig.tight_layout()
    fig.savefig(here / "kstep-mm.png", dpi=80)


if __name__ == "__main__":
    main()
