"""Tensors and metadata of a potential file."""

import hashlib
import json
import math
import struct

FORMATS = {"F32": "f", "F64": "d", "I64": "q", "I32": "i"}


def read(path):
    """Metadata, and for each tensor (type, shape, bytes)."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in sorted(header.items()):
        begin, end = entry["data_offsets"]
        tensors[name] = (entry["dtype"], entry["shape"], data[begin:end])
    return metadata, tensors


def numbers(tensor):
    kind, _, data = tensor
    code = FORMATS[kind]
    return list(struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data))


def shapes(tensors):
    """Types and shapes of all tensors as text."""
    return "; ".join(f"{name} {kind} {shape}" for name, (kind, shape, _) in tensors.items())


def summary(tensor, full=False):
    """Hash of the bytes and norm of a tensor."""
    values = numbers(tensor)
    result = {
        "n": len(values),
        "sha256": hashlib.sha256(tensor[2]).hexdigest(),
        "norm": math.sqrt(math.fsum(x * x for x in values)).hex(),
    }
    if full:
        result["values"] = [float(x).hex() for x in values]
    return result
