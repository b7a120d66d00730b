"""Thermodynamic output of LAMMPS logs: styles one, multi, yaml and custom."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from .potential import PathLike

Column = npt.NDArray[Any]

_MEMORY = "Per MPI rank memory allocation"
_LOOP = re.compile(r"^Loop time of (\S+) on (\d+) procs for (\d+) steps with (\d+) atoms")
_MULTI = re.compile(r"^-+ Step\s+(\d+) -+ CPU =\s*(\S+) \(sec\) -+$")
_PAIR = re.compile(r"(\S+)\s+=\s+(\S+)")
_YAML_KEYWORDS = re.compile(r"^keywords:\s*\[(.*)\]\s*$")
_YAML_ROW = re.compile(r"^  - \[(.*)\]\s*$")


@dataclass(frozen=True, eq=False)
class Run(Mapping[str, Column]):
    """Thermodynamic output of one run: its columns by their names in the log.

    Whole numbers are int64, others float64; all columns have the same length.
    """

    columns: dict[str, Column]
    loop_time: float | None  #: wall-clock time, s; None: the run did not end
    n_procs: int | None  #: MPI ranks
    n_steps: int | None
    n_atoms: int | None

    @property
    def is_complete(self) -> bool:
        """Whether the run came to its end."""
        return self.loop_time is not None

    @property
    def array(self) -> Column:
        """(n_rows,) structured array, a field for each column."""
        n_rows = len(next(iter(self.columns.values()), ()))
        array = np.zeros(n_rows, [(name, one.dtype) for name, one in self.columns.items()])
        for name, one in self.columns.items():
            array[name] = one
        return array

    def __getitem__(self, name: str) -> Column:
        try:
            return self.columns[name]
        except KeyError:
            raise KeyError(
                f"the run has no column '{name}'; it has: {', '.join(self.columns)}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


@dataclass(frozen=True, eq=False)
class Log(Sequence[Run]):
    """A log: a list of its runs, and what LAMMPS complained about."""

    runs: list[Run]
    warnings: list[str]
    errors: list[str]

    @overload
    def __getitem__(self, k: int) -> Run: ...
    @overload
    def __getitem__(self, k: slice) -> list[Run]: ...
    def __getitem__(self, k: int | slice) -> Run | list[Run]:
        return self.runs[k]

    def __len__(self) -> int:
        return len(self.runs)

    def column(self, name: str) -> Column:
        """(n_rows,) one column of all runs, one behind the other."""
        return np.concatenate([run[name] for run in self.runs]) if self.runs else np.zeros(0)


def read_log(path: PathLike) -> Log:
    """Thermodynamic output of all runs of a LAMMPS log.

    path: log of a LAMMPS run, of one partition (log.lammps.0), or of all partitions of ``temper``
    and ``neb``, whose tables count as runs. A run that has not ended is read as far as it got; a
    last line that is not complete is left out. Raises FileNotFoundError.
    """
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    lines = text.split("\n")
    # a line without its end may be cut within a number
    reader = _Reader(cut=lines.pop() != "")
    for line in lines:
        reader.read(line)
    return reader.finish()


def read_partition_logs(path: PathLike) -> list[Log]:
    """Logs of all partitions of a run with ``-partition``, by number: path.0, path.1, ...

    Raises FileNotFoundError where there is no path.0.
    """
    logs = [read_log(f"{path}.0")]
    while Path(f"{path}.{len(logs)}").exists():
        logs.append(read_log(f"{path}.{len(logs)}"))
    return logs


@dataclass
class _Table:
    """A run while it is read."""

    names: list[str]
    style: str
    rows: list[list[str]] = field(default_factory=list)

    def run(self, loop: re.Match[str] | None) -> Run:
        columns = {
            name: _column([row[k] for row in self.rows]) for k, name in enumerate(self.names)
        }
        if loop is None:
            return Run(columns, None, None, None, None)
        return Run(
            columns,
            float(loop.group(1)),
            int(loop.group(2)),
            int(loop.group(3)),
            int(loop.group(4)),
        )


def _column(words: list[str]) -> Column:
    try:
        return np.array([int(word) for word in words], np.int64)
    except (ValueError, OverflowError):
        return np.array([float(word) for word in words], np.float64)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


class _Reader:
    """Reads a log line by line."""

    def __init__(self, cut: bool) -> None:
        self.cut = cut  # the last line is not complete
        self.runs: list[Run] = []
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self.table: _Table | None = None
        self.header: list[str] = []  # words of the last header, which "run ... pre no" repeats
        self.header_follows = False
        self.record: dict[str, str] | None = None  # of style multi

    def read(self, line: str) -> None:
        line = line.rstrip("\r")
        if line.startswith("WARNING"):
            self.warnings.append(line)
        elif line.startswith("ERROR"):
            self.errors.append(line)
        elif line.startswith(_MEMORY):
            self.end(None)
            self.header_follows = True
        elif loop := _LOOP.match(line):
            self.end(loop)
        elif multi := _MULTI.match(line):
            self.begin_record(multi.group(1), multi.group(2))
        elif keywords := _YAML_KEYWORDS.match(line):
            self.begin(re.findall(r"'([^']*)'", keywords.group(1)), "yaml")
        elif self.is_header(line):
            self.begin(line.split(), "one")
        else:
            self.read_row(line)

    def is_header(self, line: str) -> bool:
        words = line.split()
        if not words or line == "---":
            return False
        first, self.header_follows = self.header_follows, False
        if any(_is_number(word) for word in words):
            return False
        return first or words[0] == "Step" or words == self.header

    def begin(self, names: list[str], style: str) -> None:
        self.end(None)
        self.header_follows = False
        self.header = names
        self.table = _Table(names, style)

    def begin_record(self, step: str, cpu: str) -> None:
        self.header_follows = False
        self.end_record()
        if self.table is None or self.table.style != "multi":
            self.end(None)
            self.table = _Table([], "multi")
        self.record = {"Step": step, "CPU": cpu}

    def end_record(self) -> None:
        """Takes a record of style multi, unless it lacks a column."""
        if self.record is None or self.table is None:
            return
        if not self.table.names:
            self.table.names = list(self.record)
        if list(self.record) == self.table.names:
            self.table.rows.append(list(self.record.values()))
        self.record = None

    def read_row(self, line: str) -> None:
        table = self.table
        if table is None:
            return
        if table.style == "multi":
            if self.record is not None:
                pairs = _PAIR.findall(line)
                self.record.update((name, value) for name, value in pairs if _is_number(value))
            return
        if table.style == "yaml":
            row = _YAML_ROW.match(line)
            words = [word.strip() for word in row.group(1).split(",")] if row else []
            words = words[:-1] if words and words[-1] == "" else words
        else:
            words = line.split()
        if len(words) == len(table.names) and all(_is_number(word) for word in words):
            table.rows.append(words)

    def end(self, loop: re.Match[str] | None) -> None:
        self.end_record()
        if self.table is not None:
            self.runs.append(self.table.run(loop))
        self.table = None

    def finish(self) -> Log:
        # a record goes on over several lines: that of a file that is cut has no end
        if self.cut:
            self.record = None
        self.end(None)
        return Log(self.runs, self.warnings, self.errors)
