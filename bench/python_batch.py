#!/usr/bin/env python3
"""Speed of the Python module on a batch, beside `mlff bench` on the same frames.

    PYTHONPATH=build/python bench/python_batch.py --build build

Both take turns, with one thread unless --threads says otherwise. `mlff bench` times the engine
alone, on neighbors that are found already; the module is timed as a user calls it: from arrays to
arrays, with neighbor search and sums. A ratio of 1 means that the rest costs nothing.

Ratios are those of the least times: other work on the machine only ever adds to a time, by half of
it and more, and between two medians it makes differences that change sign from run to run. Where
processors are shared, calls of more than a millisecond or two are never left alone: then take a
smaller --batch.
"""

import argparse
import json
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np

import mlff

TOP = Path(__file__).resolve().parent.parent
NUMBERS = {"H": 1, "C": 6, "N": 7, "O": 8}


def frames_of(path, n):
    """The first frames of an extended XYZ file of molecules, again from the first after the last."""
    lines = Path(path).read_text().split("\n")
    frames = []
    while len(frames) < n and lines and lines[0].strip():
        count = int(lines[0])
        words = [line.split() for line in lines[2 : 2 + count]]
        numbers = [NUMBERS[word[0]] for word in words]
        frames.append(mlff.Structure(np.array(numbers), np.array([w[1:4] for w in words], float)))
        lines = lines[2 + count :]
    return [frames[k % len(frames)] for k in range(n)]


def bench_of_program(arguments):
    command = [f"{arguments.build}/bin/mlff", "bench", "--model", arguments.model, "--json"]
    command += ["--data", arguments.data, "--batch", str(arguments.batch)]
    command += ["--threads", str(arguments.threads), "--precision", arguments.precision]
    report = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    row = report["systems"][0]
    return [row["host"][name] * row["atoms"] for name in ("us_per_atom_min", "us_per_atom")]


def time_of(call):
    """Microseconds of a call: the least, and the median."""
    begin = time.perf_counter()
    call()
    samples = []
    for _ in range(max(5, min(1000, int(0.2 / (time.perf_counter() - begin))))):
        begin = time.perf_counter()
        call()
        samples.append(time.perf_counter() - begin)
    return [1e6 * min(samples), 1e6 * statistics.median(samples)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=TOP / "build", help="build folder with bin/mlff")
    parser.add_argument("--model", default=TOP / "potentials/ethanol-gfn2-painn32.safetensors")
    parser.add_argument("--data", default=TOP / "unittest/data/ethanol_gfn2.xyz")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="single")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    potential = mlff.Potential(
        arguments.model, threads=arguments.threads, precision=arguments.precision, backend="host"
    )
    frames = frames_of(arguments.data, arguments.batch)
    flat = mlff.Batch(
        np.concatenate([frame.numbers for frame in frames]),
        np.concatenate([frame.positions for frame in frames]),
        counts=[len(frame.numbers) for frame in frames],
    )
    times = {"mlff bench": [], "flat batch": [], "list": []}
    for _ in range(arguments.repeats):
        times["mlff bench"].append(bench_of_program(arguments))
        times["flat batch"].append(time_of(lambda: potential.evaluate(flat)))
        times["list"].append(time_of(lambda: potential.evaluate(frames)))
    least = {name: min(row[0] for row in samples) for name, samples in times.items()}
    report = {
        name: {
            "us_min": least[name],
            "us": statistics.median(row[1] for row in samples),
            "speed": least["mlff bench"] / least[name],
        }
        for name, samples in times.items()
    }
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    print(f"{potential.info.description}; {arguments.batch} structures, {len(flat.numbers)} atoms")
    for name, row in report.items():
        print(
            f"{name:12s} least {row['us_min']:8.1f} us, median {row['us']:8.1f} us"
            f"   {row['speed']:.2f}x"
        )


if __name__ == "__main__":
    main()
