#!/usr/bin/env python3
"""What one molecule of a pair does to the atoms of the other: forces of the pair less those of each molecule alone.

  interaction.py split N pairs.xyz first.xyz second.xyz        the first N atoms of each frame, and the others
  interaction.py errors N LABELS PREDICTIONS                   each: forces of pairs.xyz, first.xyz and second.xyz (three files)

prints, by the distance of the nearest atoms, mean absolute components in meV/Å: of the labels' interaction, of the error of the predicted one,
and of the error of molecules alone."""
import math
import re
import sys


def frames(path):
    """Of each frame: symbols, positions, and forces where the file has them."""
    with open(path) as file:
        while line := file.readline():
            count, comment = int(line), file.readline()
            at, columns = 0, {}
            for name, _, width in re.findall(r"(\w+):([SRIL]):(\d+)", comment):
                columns[name] = slice(at, at + int(width))
                at += int(width)
            rows = [file.readline().split() for _ in range(count)]
            numbers = lambda name: [[float(v) for v in row[columns[name]]] for row in rows]
            yield [row[columns["species"]][0] for row in rows], numbers("pos"), numbers("forces") if "forces" in columns else None


def split(first, path, *outputs):
    parts = (slice(0, first), slice(first, None))
    with open(outputs[0], "w") as one, open(outputs[1], "w") as other:
        for symbols, positions, _ in frames(path):
            for file, part in zip((one, other), parts):
                rows = [f"{s} {x:.12g} {y:.12g} {z:.12g}\n" for s, (x, y, z) in zip(symbols[part], positions[part])]
                file.write(f'{len(rows)}\nProperties=species:S:1:pos:R:3 pbc="F F F"\n' + "".join(rows))


def errors(first, *paths):
    sums = {}
    for pair, one, other, predicted, predicted_one, predicted_other in zip(*map(frames, paths), strict=True):
        distance = min(math.dist(a, b) for a in pair[1][:first] for b in pair[1][first:])
        flat = lambda *lists: [c for forces in lists for row in forces for c in row]
        label, alone = flat(pair[2]), flat(one[2], other[2])
        guess, guess_alone = flat(predicted[2]), flat(predicted_one[2], predicted_other[2])
        row = [0.0, 0.0, 0.0, len(label)]
        for f, f_alone, g, g_alone in zip(label, alone, guess, guess_alone, strict=True):
            row[0] += abs(f - f_alone)
            row[1] += abs((g - g_alone) - (f - f_alone))
            row[2] += abs(g_alone - f_alone)
        for key in (f"{int(distance)} - {int(distance) + 1}", "< 5" if distance < 5.0 else ">= 5"):
            sums[key] = [a + b for a, b in zip(sums.get(key, [0.0] * 4), row)]
    print("| Å | interaction | its error | error of molecules alone |")
    for key in sorted(sums, key=lambda key: (not key[0].isdigit(), key)):
        *values, count = sums[key]
        print(f"| {key} | " + " | ".join(f"{1000 * value / count:.1f}" for value in values) + " |")


if len(sys.argv) == 6 and sys.argv[1] == "split":
    split(int(sys.argv[2]), *sys.argv[3:])
elif len(sys.argv) == 9 and sys.argv[1] == "errors":
    errors(int(sys.argv[2]), *sys.argv[3:])
else:
    sys.exit(__doc__)
