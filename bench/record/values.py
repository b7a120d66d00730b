"""How numbers are kept: as C99 hexadecimal text, so that two records can be compared bit by bit."""

import hashlib
import math

# Arrays and texts up to these sizes are kept whole. Of larger ones a hash and a beginning are kept,
# of arrays also numbers that show how far two of them are apart.
WHOLE = 8
WHOLE_TEXT = 300
FIRST = 3


def number(value):
    """A float as hexadecimal text; whole numbers and truth values stay what they are."""
    return float(value).hex() if isinstance(value, float) else value


def whole(values):
    """A list of numbers that is kept whole whatever its size."""
    return [number(value) for value in values]


def array(values, full=False):
    """Numbers: whole where they are few, else hash, extremes, sum, beginning; `full`: all, too."""
    words = whole(values)
    if len(values) <= WHOLE:
        return words
    finite = [value for value in values if math.isfinite(value)]
    summary = {
        "n": len(values),
        "sha256": hashlib.sha256("\n".join(map(str, words)).encode()).hexdigest(),
        "min": number(min(finite, default=math.nan)),
        "max": number(max(finite, default=math.nan)),
        "sum": number(math.fsum(finite)),
        "first": words[:FIRST],
    }
    if len(finite) < len(values):
        summary["not_finite"] = len(values) - len(finite)
    if full:
        summary["values"] = words
    return summary


def text(value, full=False):
    if full or len(value) <= WHOLE_TEXT:
        return {"text": value}
    return {
        "text": value[:60] + " ...",
        "characters": len(value),
        "sha256_of_text": hashlib.sha256(value.encode()).hexdigest(),
    }


def is_numbers(value):
    return isinstance(value, list) and all(type(item) in (int, float) for item in value)


def nested(value, full=False):
    """Any JSON value: floats as hexadecimal text, text as {"text": ...}, long lists as `array`."""
    if isinstance(value, dict):
        return {key: nested(item, full) for key, item in value.items()}
    if is_numbers(value):
        return array(value, full)
    if isinstance(value, list):
        flat = [number for item in value if is_numbers(item) for number in item]
        if value and all(is_numbers(item) for item in value) and len(flat) > WHOLE:
            return array(flat, full)
        return [nested(item, full) for item in value]
    if isinstance(value, str):
        return text(value, full)
    return number(value)
