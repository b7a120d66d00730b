"""The record: rows of named quantities, collected part by part."""

import sys

from . import values


class Rows:
    """Rows by name, each a map from a quantity to its value."""

    def __init__(self, full=False):
        self.full = full
        self.rows = {}

    def add(self, name, **quantities):
        """Numbers, lists of numbers, text and any JSON of these; long ones as a summary."""
        self.put(name, {key: values.nested(value, self.full) for key, value in quantities.items()})

    def put(self, name, quantities):
        """Quantities that are in the form of the record already."""
        row = self.rows.setdefault(name, {})
        for key, value in quantities.items():
            if key in row:
                raise ValueError(f"row '{name}' has two values of '{key}'")
            row[key] = value

    def add_error(self, name, text):
        self.rows[name] = {"error": {"text": text}}


def say(text):
    """Progress, on standard error."""
    print(f"record: {text}", file=sys.stderr, flush=True)
