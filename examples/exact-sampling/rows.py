"""Rows of run.sh from its logs and analyses: rows.py [--json] METHOD..., in the folder of its results"""
import json
import re
import sys


def last(pattern, text):
    found = re.findall(pattern, text)
    return found[-1] if found else None


def row_of(method):
    log = open("log." + method).read()
    seconds, steps = last(r"Loop time of (\S+) on \d+ procs for (\d+) steps", log)
    seconds = float(seconds) * float(last(r"([\d.]+)% CPU use", log)) / 100.0
    calls = int(steps)  # one in each step of LAMMPS
    samples = json.load(open(method + ".json"))["trajectories"][0]["effective_samples"]
    accepted = None if method.startswith("vv") else last(r"accepted, acceptance ([\d.]+)", log)

    def over(key, cost):
        effective = samples.get(key, {}).get("effective_samples")
        return None if effective is None or not cost > 0.0 else effective / cost

    return {
        "method": method,
        "molecule": "ethanol",
        "acceptance": None if accepted is None else float(accepted),
        "slowest_torsion": samples.get("slowest_torsion", {}).get("name"),
        "ess_torsion": over("slowest_torsion", 1),
        "ess_torsion_per_s": over("slowest_torsion", seconds),
        "ess_energy_per_s": over("potential_energy", seconds),
        "ess_torsion_per_call": over("slowest_torsion", calls),
    }


def ratio(a, b):
    return a / b if a and b else None


rows = [row_of(method) for method in sys.argv[2:]]
speed = {row["method"]: row["ess_torsion_per_s"] for row in rows}
for row in rows:
    for reference in ("vv0.5", "vv1"):
        row["speedup_ess_vs_" + reference] = ratio(row["ess_torsion_per_s"], speed.get(reference))
    if not (row["ess_torsion"] or 0.0) > 20.0:
        print("rows.py: %s has fewer than 20 effective samples, its numbers are guesses; a larger --length makes more" % row["method"], file=sys.stderr)
if sys.argv[1] == "--json":
    print(json.dumps({"rows": rows}, indent=2))
else:
    heads = list(rows[0])
    lines = [heads] + [["-" if x is None else "%.3g" % x if isinstance(x, float) else str(x) for x in row.values()] for row in rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(heads))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
