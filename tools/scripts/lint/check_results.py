#!/usr/bin/env python3
"""Checks that numbers of pages are those of bench/results.toml.

A page writes a number and behind it <!-- result: GROUP.NAME -->. Each such number must be the one of
the file, in README.md each number among the measured ones must have such a mark, and each number of
the file must be in a page. With --write the numbers of the file are put into the pages.
"""

import re
import tomllib

from sources import Finding, repository_files, run

RESULTS = "bench/results.toml"
MARK = re.compile(r"(?P<number>[-+]?\d[\d,]*(?:\.\d+)?)?<!-- result: (?P<name>[^ ]*) -->")
NUMBER = re.compile(r"(?<![\w.,])[-+]?\d[\d,]*(?:\.\d+)?")
# what a group says besides its numbers
ABOUT = ("what", "command", "machine", "date")
MEASURED = "## Measured"


def read(root):
    """Numbers by their names, and what is wrong with the file."""
    text = (root / RESULTS).read_text(encoding="utf-8")
    try:
        groups = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return {}, [Finding(RESULTS, 0, RESULTS, f"{error}")]
    numbers, found = {}, []
    for group, values in groups.items():
        for word in ABOUT:
            if not values.get(word):
                said = f"group '{group}' has no '{word}'"
                found.append(Finding(RESULTS, 0, f"{RESULTS}:{group}", said))
        for name, value in values.items():
            if name in ABOUT:
                continue
            if not isinstance(value, str) or not NUMBER.fullmatch(value):
                said = f"{group}.{name} is {value!r}; expected a number in quotes"
                found.append(Finding(RESULTS, 0, f"{RESULTS}:{group}.{name}", said))
            numbers[f"{group}.{name}"] = value
    return numbers, found


def check_page(path, text, numbers):
    """What is wrong with the marked numbers of a page."""
    found = []
    for n, line in enumerate(text.split("\n"), 1):
        for mark in MARK.finditer(line):
            name, number = mark["name"], mark["number"]
            if name not in numbers:
                found.append(Finding(path, n, f"{path}:{name}", f"{RESULTS} has no '{name}'"))
            elif number != numbers[name]:
                said = f"'{number}' is not {name}, which is {numbers[name]} in {RESULTS}"
                found.append(Finding(path, n, f"{path}:{name}", said))
    return found


def check_table(path, text):
    """Numbers in the second column of the table of measured values that have no mark."""
    found, inside = [], False
    for n, line in enumerate(text.split("\n"), 1):
        if line.startswith("#"):
            inside = line.strip() == MEASURED
        cells = line.split("|")
        if not inside or len(cells) < 4:
            continue
        for number in NUMBER.findall(MARK.sub("", cells[2])):
            said = f"'{number}' has no <!-- result: ... --> behind it"
            found.append(Finding(path, n, f"{path}:{number}", said))
    return found


def pages(root):
    for path in repository_files(root):
        if path.endswith(".md"):
            yield path, (root / path).read_text(encoding="utf-8")


def find(root, parsed=None):
    if not (root / RESULTS).exists():
        return []
    if parsed and parsed.write:
        write(root)
    numbers, found = read(root)
    used = set()
    for path, text in pages(root):
        found += check_page(path, text, numbers)
        used |= {mark["name"] for mark in MARK.finditer(text)}
        if path == "README.md":
            found += check_table(path, text)
    for name in sorted(set(numbers) - used):
        found.append(Finding(RESULTS, 0, f"{RESULTS}:{name}", f"no page has the number '{name}'"))
    return found


def write(root):
    """Puts the numbers of the file into the pages."""
    numbers, found = read(root)
    if found:
        return
    for path, text in pages(root):
        new = MARK.sub(
            lambda mark: f"{numbers.get(mark['name'], mark['number'] or '')}"
            f"<!-- result: {mark['name']} -->",
            text,
        )
        if new != text:
            (root / path).write_text(new, encoding="utf-8")
            print(f"{path}: written")


def options(parser):
    parser.add_argument("--write", action="store_true", help="put the numbers into the pages")


if __name__ == "__main__":
    raise SystemExit(run("results", __doc__, find, options=options))
