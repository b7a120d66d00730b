"""Command line of the record; see README.md in the folder above."""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from . import commands, forces, jumps, replicas, timings, training
from .programs import TOP, Build, ProgramError
from .rows import Rows, say

PARTS = {
    "forces": forces,
    "replicas": replicas,
    "training": training,
    "jumps": jumps,
    "program": commands,
}


@dataclass
class Settings:
    """What the parts need to know beside the build."""

    quick: bool
    engines: tuple
    isas: tuple


def arguments():
    parser = argparse.ArgumentParser(
        prog="record.sh",
        description="Records the numbers that a build computes, or times two builds in turn.",
    )
    default = os.environ.get("MLFF_BUILD", TOP / "build")
    parser.add_argument(
        "--build",
        default=default,
        help="folder with bin/lmp and bin/mlff, of a build or of an environment (default: "
        "MLFF_BUILD, or build)",
    )
    parser.add_argument(
        "--only", help=f"parts, separated by commas: {', '.join([*PARTS, 'timings'])}"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer rows and steps, and no times unless named in --only",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="keep whole arrays, so that a comparison tells how far they are apart",
    )
    parser.add_argument(
        "--paired", nargs=2, metavar=("FOLDER_A", "FOLDER_B"), help="time two builds in turn"
    )
    parser.add_argument("--repeats", type=int, default=7, help="of --paired (default 7)")
    parser.add_argument(
        "--match",
        default="",
        help="of --paired: only rows with this, or one of these with commas between them, in their "
        "name; * and ? allowed",
    )
    parser.add_argument("--keep", metavar="FOLDER", help="a new folder to work in, which stays")
    parser.add_argument("-o", "--output", help="JSON to write")
    options = parser.parse_args()
    if not options.output and not options.paired:
        parser.error("a record needs -o FILE")
    options.parts = (
        options.only.split(",")
        if options.only
        else [*PARTS]
        if options.quick
        else [*PARTS, "timings"]
    )
    for part in options.parts:
        if part not in (*PARTS, "timings"):
            parser.error(f"unknown part '{part}'; accepted: {', '.join([*PARTS, 'timings'])}")
    return options


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown"


def hashes_of_inputs():
    """Hashes of the files of the repository that a record starts from."""
    files = [
        *(TOP / "potentials").glob("*.safetensors"),
        *(TOP / "examples" / "molecules" / "start").glob("*.xyz"),
    ]
    return {
        path.relative_to(TOP).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
    }


def as_json(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def write(path, content):
    """JSON with a line for each entry of a section, so that a record can be read as text, too."""
    sections = []
    for name, section in content.items():
        if isinstance(section, dict) and section:
            lines = [f"  {json.dumps(key)}: {as_json(section[key])}" for key in sorted(section)]
            sections.append(f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
        else:
            sections.append(f" {json.dumps(name)}: {as_json(section)}")
    Path(path).write_text("{\n" + ",\n".join(sections) + "\n}\n", encoding="utf-8")


def record(options, work):
    build = Build(options.build)
    try:
        engines, isas = build.engines(work), build.instruction_sets(work)
    except ProgramError as error:
        raise SystemExit(f"record: {error}") from None
    say(f"{build.version(work)}, engines {', '.join(engines)}")
    say(f"instruction sets to choose: {', '.join(isas) or 'none'}")
    settings = Settings(options.quick, tuple(engines), tuple(isas))
    rows = Rows(options.full)
    for name, part in PARTS.items():
        if name in options.parts:
            start = time.monotonic()
            part.record(rows, build, work / name, settings)
            say(f"{name}: {time.monotonic() - start:.0f} s")
    content = {
        "about": {
            "format": 1,
            "version": build.version(work),
            "processor": processor(),
            "engines": engines,
            "instruction_sets": isas,
            "quick": options.quick,
            "full": options.full,
            "parts": [name for name in PARTS if name in options.parts],
            "inputs": hashes_of_inputs(),
        },
        "rows": rows.rows,
    }
    if "timings" in options.parts:
        content["timings"] = timings.record(build, work / "timings", settings)
    write(options.output, content)
    errors = sum("error" in row for row in rows.rows.values())
    say(f"{len(rows.rows)} rows, {errors} of them errors, in {options.output}")


def paired(options, work):
    builds = [Build(folder) for folder in options.paired]
    rows = timings.paired(builds, work / "timings", options.repeats, options.match)
    if options.output:
        write(options.output, {"processor": processor(), "repeats": options.repeats, "rows": rows})
    print(timings.table(rows))


def main():
    options = arguments()
    run = paired if options.paired else record
    if options.keep:
        work = Path(options.keep).resolve()
        work.mkdir(parents=True)
        run(options, work)
        return
    with tempfile.TemporaryDirectory(prefix="mlff-record-") as folder:
        run(options, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
