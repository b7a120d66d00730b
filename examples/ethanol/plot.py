"""Draws temperature and total energy of a log of in.ethanol: plot.py LOG PICTURE. Prints the drift of the total energy."""
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np


def thermo_tables(path):
    """Every thermo table of a LAMMPS log, as (column names, array [rows, columns])."""
    tables, names, rows = [], None, []
    for line in open(path):
        words = line.split()
        if words and words[0] == "Step":
            names, rows = words, []
        elif line.startswith("Loop time") and names:
            tables.append((names, np.array(rows, dtype=float)))
            names = None
        elif names and len(words) == len(names):
            try:
                rows.append([float(word) for word in words])
            except ValueError:
                pass
    return tables


def main(log, picture):
    # minimisation, thermostat, constant energy
    tables = thermo_tables(log)
    if len(tables) < 3:
        sys.exit(f"plot.py: '{log}' has {len(tables)} complete runs, expected 3 (minimisation, thermostat, constant energy)")
    (names, warm), (_, free) = tables[-2:]
    column = {name: k for k, name in enumerate(names)}
    time, temp, ke, total = (column[name] for name in ("Time", "Temp", "KinEng", "TotEng"))
    zero = free[0, total]

    slope = np.polyfit(free[:, time], free[:, total], 1)[0]
    length = free[-1, time] - free[0, time]
    kinetic = free[:, ke].mean()
    print(f"   constant energy for {length:.1f} ps: mean temperature {free[:, temp].mean():.0f} K, drift of the total energy "
          f"{1000 * slope * length:+.3f} meV = {100 * abs(slope) * length / kinetic:.3f} % of the kinetic energy")
    print(f"   speed: {np.median(free[1:, column['S/CPU']]):.0f} steps per second")

    figure, (upper, lower) = plt.subplots(2, 1, sharex=True, figsize=(8, 5.5), constrained_layout=True)
    for table, colour, label in ((warm, "tab:orange", "Langevin, 300 K"), (free, "tab:blue", "constant energy")):
        upper.plot(table[:, time], table[:, temp], lw=0.6, color=colour, label=label)
    upper.axhline(300, color="gray", lw=0.8, ls="--")
    upper.set_ylabel("temperature (K)")
    upper.legend(loc="upper right")
    lower.plot(free[:, time], 1000 * (free[:, total] - zero), lw=0.6, color="tab:blue")
    lower.set_ylabel("total energy (meV)")
    lower.set_xlabel("time (ps)")
    figure.suptitle("Ethanol in LAMMPS with pair_style mlff")
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
