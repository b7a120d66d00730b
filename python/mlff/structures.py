"""Structures as arrays: one by one, or a flat batch of many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int32]

_LARGEST_NUMBER = 118


@runtime_checkable
class StructureLike(Protocol):
    """What counts as a structure: ``numbers``, ``positions``, ``cell`` and ``pbc``.

    :class:`Structure` and ASE's ``Atoms`` have them.
    """

    @property
    def numbers(self) -> Any: ...
    @property
    def positions(self) -> Any: ...
    @property
    def cell(self) -> Any: ...
    @property
    def pbc(self) -> Any: ...


@dataclass(frozen=True)
class Structure:
    """A molecule or a cell.

    numbers: (n,) atomic numbers.
    positions: (n, 3) Å.
    cell: (3, 3) rows a, b, c, Å, or (3,) lengths of a rectangular one; None: no cell.
    pbc: one flag, or one for each of a, b, c: whether the structure is periodic there.
    """

    numbers: npt.ArrayLike
    positions: npt.ArrayLike
    cell: npt.ArrayLike | None = None
    pbc: bool | Sequence[bool] | npt.NDArray[np.bool_] = False


@dataclass(frozen=True)
class Batch:
    """Structures one behind the other, m of them with n atoms together.

    counts: (m,) number of atoms of each structure; None: a single structure of all atoms.
    numbers: (n,) atomic numbers.
    positions: (n, 3) Å.
    cells: (m, 3, 3) rows a, b, c of each cell, or (3, 3) the same one for all, Å; None: no cells.
    pbc: one flag, (3,) for all structures, or (m, 3): the directions that are periodic.
    """

    numbers: npt.ArrayLike
    positions: npt.ArrayLike
    counts: npt.ArrayLike | None = None
    cells: npt.ArrayLike | None = None
    pbc: npt.ArrayLike = False


@dataclass(frozen=True)
class Arrays:
    """A batch as the engine takes it; all arrays are checked and contiguous."""

    counts: Integers  # (m,)
    numbers: Integers  # (n,)
    positions: Floats  # (n, 3)
    cells: Floats  # (m, 3, 3), zeros where there is none
    pbc: npt.NDArray[np.uint8]  # (m, 3)


def arrays_of(structures: StructureLike | Batch | Iterable[StructureLike]) -> Arrays:
    """Arrays of a structure, of a list of structures, or of a flat batch.

    Raises ValueError that names the array (and the structure) for a wrong shape or type of
    numbers.
    """
    if isinstance(structures, Batch):
        return _arrays_of_batch(structures)
    if isinstance(structures, StructureLike):
        return _joined([_arrays_of_one(structures, "")])
    if isinstance(structures, str | bytes) or not isinstance(structures, Iterable):
        raise ValueError(
            f"structures is of type {type(structures).__name__}; accepted: a structure with "
            "numbers, positions, cell and pbc, a list of such structures, or a Batch"
        )
    listed = list(structures)
    quick = _quick_arrays(listed)
    if quick is not None:
        return quick
    found = []
    for k, one in enumerate(listed):
        if not isinstance(one, StructureLike):
            raise ValueError(
                f"structure {k + 1} is of type {type(one).__name__}, which lacks numbers, "
                "positions, cell or pbc"
            )
        found.append(_arrays_of_one(one, f"structure {k + 1}: "))
    return _joined(found)


def _quick_arrays(structures: list[Any]) -> Arrays | None:
    """Arrays of structures that hold well-formed NumPy arrays, checked together.

    None where one does not: it is then looked at by itself, for a message that names it.
    """
    m = len(structures)
    if m < 2:
        return None
    try:
        numbers = [one.numbers for one in structures]
        positions = [one.positions for one in structures]
        given = [one.cell for one in structures]
        flags = [one.pbc for one in structures]
        counts = [len(one) for one in numbers]
        if any(one.shape != (n, 3) for one, n in zip(positions, counts, strict=True)):
            return None
        all_numbers, all_positions = np.concatenate(numbers), np.concatenate(positions)
        cells = np.zeros((m, 3, 3))
        for k, cell in enumerate(given):
            if cell is not None:
                array = getattr(cell, "array", cell)  # of ASE's cells
                if array.shape != (3, 3) or array.dtype != np.float64:
                    return None
                cells[k] = array
        pbc = np.empty((m, 3), np.bool_)
        for k, flag in enumerate(flags):
            if not isinstance(flag, bool) and (flag.shape != (3,) or flag.dtype != np.bool_):
                return None
            pbc[k] = flag
    except (AttributeError, TypeError, ValueError):
        return None
    if (
        all_numbers.ndim != 1
        or all_numbers.dtype.kind not in "iu"
        or all_positions.dtype != np.float64
        or (all_numbers < 1).any()
        or (all_numbers > _LARGEST_NUMBER).any()
        or not np.isfinite(all_positions).all()
        or not np.isfinite(cells).all()
        or (pbc & ~cells.any(axis=-1)).any()
    ):
        return None
    return Arrays(
        np.array(counts, np.int32),
        np.ascontiguousarray(all_numbers, np.int32),
        all_positions,
        cells,
        pbc.view(np.uint8),
    )


def _joined(found: list[Arrays]) -> Arrays:
    if len(found) == 1:
        return found[0]
    if not found:
        return Arrays(
            np.zeros(0, np.int32),
            np.zeros(0, np.int32),
            np.zeros((0, 3)),
            np.zeros((0, 3, 3)),
            np.zeros((0, 3), np.uint8),
        )
    return Arrays(
        np.concatenate([one.counts for one in found]),
        np.concatenate([one.numbers for one in found]),
        np.concatenate([one.positions for one in found]),
        np.concatenate([one.cells for one in found]),
        np.concatenate([one.pbc for one in found]),
    )


def _arrays_of_one(structure: StructureLike, where: str) -> Arrays:
    numbers = _numbers(structure.numbers, where)
    n = len(numbers)
    positions = _floats(structure.positions, f"{where}positions", [(n, 3)])
    cell = structure.cell
    if cell is None:
        matrix: Floats = np.zeros((3, 3))
    else:
        matrix = _floats(cell, f"{where}cell", [(3, 3), (3,)])
        if matrix.ndim == 1:
            matrix = np.diag(matrix)
    pbc = _flags(structure.pbc, f"{where}pbc", [(), (3,)])
    _require_cells(matrix[None], pbc[None] if pbc.ndim else np.full((1, 3), pbc), where)
    return Arrays(
        np.array([n], np.int32),
        numbers,
        positions,
        matrix.reshape(1, 3, 3),
        np.ascontiguousarray(np.broadcast_to(pbc, (1, 3))),
    )


def _arrays_of_batch(batch: Batch) -> Arrays:
    numbers = _numbers(batch.numbers, "")
    n = len(numbers)
    positions = _floats(batch.positions, "positions", [(n, 3)])
    counts = np.array([n], np.int32)
    if batch.counts is not None:
        counts = _counts(batch.counts, n)
    m = len(counts)
    if batch.cells is None:
        cells = np.zeros((m, 3, 3))
    else:
        cells = _floats(batch.cells, "cells", [(m, 3, 3), (3, 3)])
        cells = np.ascontiguousarray(np.broadcast_to(cells, (m, 3, 3)))
    pbc = _flags(batch.pbc, "pbc", [(m, 3), (3,), ()])
    pbc = np.ascontiguousarray(np.broadcast_to(pbc, (m, 3)))
    _require_cells(cells, pbc, "")
    return Arrays(counts, numbers, positions, cells, pbc)


def _require_cells(cells: Floats, pbc: npt.NDArray[np.uint8], where: str) -> None:
    """A periodic direction without a vector is refused here, where the cell may be missing."""
    missing = (pbc != 0) & ~cells.any(axis=-1)
    if missing.any():
        k, direction = np.argwhere(missing)[0]
        place = where or (f"structure {k + 1}: " if len(cells) > 1 else "")
        raise ValueError(
            f"{place}cell vector {'abc'[direction]} is zero or missing in a periodic direction"
        )


def _array(value: Any, name: str) -> npt.NDArray[Any]:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not an array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} has the type of numbers '{array.dtype}'; accepted: real numbers")
    return array


def _require_shape(array: npt.NDArray[Any], name: str, shapes: list[tuple[int, ...]]) -> None:
    if array.shape not in shapes:
        accepted = " or ".join(str(shape) for shape in shapes)
        raise ValueError(f"{name} has the shape {array.shape}; expected {accepted}")


def _floats(value: Any, name: str, shapes: list[tuple[int, ...]]) -> Floats:
    array = _array(value, name)
    _require_shape(array, name, shapes)
    if array.dtype.kind == "b":
        raise ValueError(f"{name} has the type of numbers 'bool'; accepted: real numbers")
    floats = np.ascontiguousarray(array, np.float64)
    if not np.isfinite(floats).all():
        place = tuple(int(k) for k in np.argwhere(~np.isfinite(floats))[0])
        raise ValueError(f"{name}{list(place)} is {floats[place]}; finite numbers are accepted")
    return floats


def _whole(value: Any, name: str) -> npt.NDArray[Any]:
    array = _array(value, name)
    if array.ndim != 1:
        raise ValueError(f"{name} has the shape {array.shape}; expected one dimension")
    if array.dtype.kind not in "iu" and array.size:
        raise ValueError(f"{name} has the type of numbers '{array.dtype}'; accepted: whole numbers")
    return array


def _numbers(value: Any, where: str) -> Integers:
    array = _whole(value, f"{where}numbers")
    wrong = (array < 1) | (array > _LARGEST_NUMBER)
    if wrong.any():
        k = int(np.argmax(wrong))
        raise ValueError(
            f"{where}numbers[{k}] is {array[k]}; accepted: atomic numbers from 1 to "
            f"{_LARGEST_NUMBER}"
        )
    return np.ascontiguousarray(array, np.int32)


def _counts(value: Any, n: int) -> Integers:
    array = _whole(value, "counts")
    if (array < 1).any() or (array > n).any():
        k = int(np.argmax((array < 1) | (array > n)))
        raise ValueError(f"counts[{k}] is {array[k]}; accepted: from 1 to the {n} atoms there are")
    if int(array.sum()) != n:
        raise ValueError(f"counts has the sum {int(array.sum())}, but there are {n} atoms")
    return np.ascontiguousarray(array, np.int32)


def _flags(value: Any, name: str, shapes: list[tuple[int, ...]]) -> npt.NDArray[np.uint8]:
    array = _array(value, name)
    _require_shape(array, name, shapes)
    if array.dtype.kind != "b" and not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name} holds other values than true and false")
    return np.ascontiguousarray(array.astype(np.uint8))
