#!/usr/bin/env python3
"""Compares two records of bench/record.sh bit by bit.

compare_records.py FIRST SECOND [--allow PATTERN=REASON ...] [--new-rows-ok] [--lost-rows-ok]

Prints each quantity that differs with its largest absolute and relative deviation. The exit code is
1 if something differs that is not allowed, or if a row is in one of the two only. Times are
compared as ratios and never fail.
"""

import argparse
import fnmatch
import hashlib
import json
import math
import sys


class Difference:
    """Two values of one quantity that are not the same."""

    def __init__(self, name, first, second, at_least=False, text=None):
        self.name, self.text = name, text
        self.absolute, self.relative = 0.0, 0.0
        self.at_least = at_least
        for a, b in zip(first, second):
            if a == b:
                continue
            x, y = to_float(a), to_float(b)
            gap = abs(x - y) if math.isfinite(x) and math.isfinite(y) else math.inf
            self.absolute = max(self.absolute, gap)
            size = max(abs(x), abs(y))
            self.relative = max(self.relative, gap / size if size > 0 else 0.0)

    def __str__(self):
        if self.text:
            return f"{self.name}: {self.text}"
        least = "at least " if self.at_least else ""
        return (
            f"{self.name}: absolute {least}{self.absolute:.3g}, relative {least}{self.relative:.3g}"
        )


def to_float(value):
    return float.fromhex(value) if isinstance(value, str) else float(value)


def is_number(value):
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def is_text(value):
    return isinstance(value, dict) and "text" in value


def shown(value):
    text = value["text"] if is_text(value) else json.dumps(value, ensure_ascii=False)
    return repr(text[:200] + ("..." if len(text) > 200 else ""))


def same_text(a, b):
    """Whether two texts are the same, of which a record without --full keeps a hash only."""
    if not is_text(a) or not is_text(b):
        return False
    hashes = [
        value.get("sha256_of_text") or hashlib.sha256(value["text"].encode()).hexdigest()
        for value in (a, b)
    ]
    return hashes[0] == hashes[1]


def compare_arrays(name, a, b):
    """Arrays by their hashes; how far they are apart by all that both records keep."""
    if a["sha256"] == b["sha256"]:
        return
    if a["n"] != b["n"]:
        yield Difference(name, (), (), text=f"{a['n']} numbers, then {b['n']}")
        return
    if "values" in a and "values" in b:
        yield Difference(name, a["values"], b["values"])
        return
    if "norm" in a and "norm" in b:
        norms = Difference(name, (a["norm"],), (b["norm"],))
        yield Difference(
            name, (), (), text=f"norm, absolute {norms.absolute:.3g}, relative {norms.relative:.3g}"
        )
        return
    # an extreme moves by as much as some element does at most; a sum may move further
    first, second = [[*summary["first"], summary["min"], summary["max"]] for summary in (a, b)]
    yield Difference(name, first, second, at_least=True)


def compare_row(name, a, b):
    """Differences of two rows, of which one may be an error."""
    if ("error" in a) == ("error" in b):
        yield from compare(name, a, b)
        return
    which, row = ("first", a) if "error" in a else ("second", b)
    text = f"only in the {which} record this fails: {row['error']['text']}"
    yield Difference(name, (), (), text=text)


def compare(name, a, b):
    """Differences of two values of one kind."""
    if a == b or same_text(a, b):
        return
    if isinstance(a, dict) and isinstance(b, dict):
        if "sha256" in a and "sha256" in b:
            yield from compare_arrays(name, a, b)
            return
        if not is_text(a) and not is_text(b):
            for key in sorted(a.keys() | b.keys()):
                if key not in a or key not in b:
                    yield Difference(
                        f"{name}/{key}",
                        (),
                        (),
                        text=f"only in the {'first' if key in a else 'second'} record",
                    )
                else:
                    yield from compare(f"{name}/{key}", a[key], b[key])
            return
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        if all(map(is_number, a)) and all(map(is_number, b)):
            yield Difference(name, a, b)
            return
        for k, (x, y) in enumerate(zip(a, b)):
            yield from compare(f"{name}/{k}", x, y)
        return
    if is_number(a) and is_number(b):
        yield Difference(name, (a,), (b,))
        return
    yield Difference(name, (), (), text=f"{shown(a)}, then {shown(b)}")


def allowed_by(name, rules):
    for pattern, reason in rules:
        if fnmatch.fnmatchcase(name, pattern):
            return reason
    return None


def part_of(row):
    return row.split("/", 1)[0]


def compare_rows(first, second, rules, options):
    """Prints differences of rows; the number of those that are not allowed."""
    bad = allowed = 0
    common = set(first["about"]["parts"]) & set(second["about"]["parts"])
    rows = [
        {name: row for name, row in record["rows"].items() if part_of(name) in common}
        for record in (first, second)
    ]
    same = errors = 0
    for name in sorted(rows[0].keys() | rows[1].keys()):
        if name in rows[0] and name in rows[1]:
            differences = list(compare_row(name, rows[0][name], rows[1][name]))
            same += not differences
            errors += "error" in rows[0][name] and not differences
        else:
            fine = options.lost_rows_ok if name in rows[0] else options.new_rows_ok
            text = f"only in the {'first' if name in rows[0] else 'second'} record"
            if fine:
                print(f"row       {name}: {text}")
                continue
            differences = [Difference(name, (), (), text=text)]
        for difference in differences:
            reason = allowed_by(difference.name, rules)
            print(f"allowed   {difference} ({reason})" if reason else f"DIFFERS   {difference}")
            bad += reason is None
            allowed += reason is not None
    total = len(rows[0].keys() | rows[1].keys())
    print(
        f"parts {', '.join(sorted(common)) or 'none'}: {same} of {total} rows are the same; "
        f"{bad} differences, {allowed} more allowed"
    )
    if errors:
        print(f"note      {errors} of the rows that are the same are errors")
    return bad


def compare_headers(first, second):
    """Notes about the circumstances; only records of the same length can be compared."""
    a, b = first["about"], second["about"]
    if a["quick"] != b["quick"]:
        raise SystemExit(
            "compare_records: one of the records was made with --quick, the other without"
        )
    for key in ("version", "processor", "engines", "instruction_sets"):
        if a[key] != b[key]:
            values = [json.dumps(about[key], ensure_ascii=False) for about in (a, b)]
            print(f"note      {key}: {values[0]}, then {values[1]}")
    for path in sorted(a["inputs"].keys() | b["inputs"].keys()):
        if a["inputs"].get(path) != b["inputs"].get(path):
            print(f"note      {path} is another file, or in one record only")


def compare_times(first, second):
    times = first.get("timings", {}), second.get("timings", {})
    for name in sorted(times[0].keys() & times[1].keys()):
        a, b = times[0][name], times[1][name]
        if isinstance(a, float) and isinstance(b, float):
            print(f"time      {name}: {a:.3f} us, then {b:.3f} us: {b / a:.3f}")
        else:
            print(f"time      {name}: {a}, then {b}")


def rule(text):
    pattern, separator, reason = text.partition("=")
    if not separator or not pattern or not reason:
        raise argparse.ArgumentTypeError(f"'{text}' is no PATTERN=REASON")
    return pattern, reason


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument(
        "--allow",
        type=rule,
        action="append",
        default=[],
        metavar="PATTERN=REASON",
        help="names of quantities that may differ, * and ? allowed",
    )
    parser.add_argument(
        "--new-rows-ok",
        action="store_true",
        help="rows that only the second record has are listed and do not fail",
    )
    parser.add_argument(
        "--lost-rows-ok",
        action="store_true",
        help="the same of rows that only the first record has",
    )
    options = parser.parse_args()
    first, second = read(options.first), read(options.second)
    compare_headers(first, second)
    bad = compare_rows(first, second, options.allow, options)
    compare_times(first, second)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
