"""Potentials: what a file holds, and the evaluation of structures."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

import numpy as np

from . import _mlff
from .structures import Batch, Floats, Integers, StructureLike, arrays_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

PathLike: TypeAlias = str | os.PathLike[str]

# places of xx, yy, zz, yz, xz, xy in a matrix, in the order of ASE
_VOIGT = ((0, 1, 2, 1, 0, 0), (0, 1, 2, 2, 2, 1))


@dataclass(frozen=True)
class EngineInfo:
    """What evaluates a potential.

    backend: "host" or "torch".
    instruction_set: of the host engine; None for another one.
    precision: "single" or "double".
    device: "cpu", "cuda", "hip" or "sycl".
    threads: at most so many on the processor.
    description: all of it as one line.
    """

    backend: str
    instruction_set: str | None
    precision: str
    device: str
    threads: int
    description: str


@dataclass(frozen=True)
class Evaluation:
    """Results of m structures of n atoms together, one structure behind the other.

    energy: (m,) eV.
    forces: (n, 3) eV/Å.
    stress: (m, 3, 3) eV/Å^3, dE/dstrain over the volume, so that tension is positive as in ASE.
        Not a number where a structure is open or its cell has no volume.
    atom_energies: (n,) eV; their sum is the energy.
    counts: (m,) number of atoms of each structure.
    spread: (n,) eV/Å, of a committee: root mean square deviation of the members' forces on an atom
        from their mean; None for one potential.
    energy_spread: (m,) eV, of a committee: the same of energies; None for one potential.
    """

    energy: Floats
    forces: Floats
    stress: Floats
    atom_energies: Floats
    counts: Integers
    spread: Floats | None
    energy_spread: Floats | None

    def __len__(self) -> int:
        return len(self.energy)

    def __iter__(self) -> Iterator[Evaluation]:
        return (self[k] for k in range(len(self)))

    def __getitem__(self, k: int) -> Evaluation:
        """Results of structure k alone; arrays are views."""
        m = len(self)
        if not -m <= k < m:
            raise IndexError(f"structure {k} of {m}")
        k %= m
        first = int(self.counts[:k].sum())
        atoms = slice(first, first + int(self.counts[k]))
        one = slice(k, k + 1)
        return Evaluation(
            self.energy[one],
            self.forces[atoms],
            self.stress[one],
            self.atom_energies[atoms],
            self.counts[one],
            None if self.spread is None else self.spread[atoms],
            None if self.energy_spread is None else self.energy_spread[one],
        )

    @property
    def stress_voigt(self) -> Floats:
        """(m, 6) stress as xx, yy, zz, yz, xz, xy, eV/Å^3."""
        return np.ascontiguousarray(self.stress[:, _VOIGT[0], _VOIGT[1]])


class EngineSettings(TypedDict, total=False):
    """Keyword arguments that choose the engine of a potential; each may be left out.

    threads: at most so many; 0 (default): OMP_NUM_THREADS, fewer where they would slow a small
        system down.
    precision: "single" (default) or "double", of features and products.
    backend: "auto" (default), "host" or "torch".
    instruction_set: "auto" (default), "generic", "avx2" or "avx512", of the host engine.
    options: further words of the engine and their values, such as {"device": "cpu"},
        {"filter": "exact"}, {"fmm": "linear"}.
    """

    threads: int
    precision: str
    backend: str
    instruction_set: str
    options: Mapping[str, str] | None


def _words_of(settings: EngineSettings) -> dict[str, str]:
    """Words of the engine and their values; raises TypeError for an unknown argument."""
    unknown = settings.keys() - EngineSettings.__annotations__.keys()
    if unknown:
        raise TypeError(
            f"Potential has no argument {min(unknown)!r}; accepted: "
            f"{', '.join(EngineSettings.__annotations__)}"
        )
    threads = settings.get("threads", 0)
    if not isinstance(threads, int) or isinstance(threads, bool):
        raise ValueError(f"threads is {threads!r}; accepted: 0 (automatic) or more")
    words = {
        "threads": str(threads),
        "precision": settings.get("precision", "single"),
        "engine": settings.get("backend", "auto"),
        "instruction_set": settings.get("instruction_set", "auto"),
        **(settings.get("options") or {}),
    }
    for word, value in words.items():
        if not isinstance(word, str) or not isinstance(value, str):
            raise ValueError(f"option {word!r} is {value!r}; expected texts")
    return words


class Potential:
    """One potential, or a committee of several whose mean and spread are evaluated.

    files: path of a file, or the name of a potential that ships ("ethanol-gfn2-painn32", with or
        without ".safetensors"); a list of them is a committee.
    settings: the engine, as :class:`EngineSettings` tells: threads, precision, backend,
        instruction_set, options.

    Raises FileNotFoundError where there is no such file, and ValueError for a file that is no
    potential, a network that gives no energies, and an option that is unknown. Both name it.

    Objects never change. They can be pickled, also for other processes, which read the file again;
    several threads may use one, and take turns.
    """

    def __init__(
        self, files: PathLike | Sequence[PathLike], **settings: Unpack[EngineSettings]
    ) -> None:
        self._paths = tuple(find_file(file) for file in _list_of(files))
        words = _words_of(settings)
        self._settings: EngineSettings = {**settings}
        if settings.get("options"):
            self._settings["options"] = dict(settings["options"] or {})
        self._evaluator = _mlff.Evaluator([str(path) for path in self._paths], words)
        self._members: list[dict[str, Any]] = [
            json.loads(self._evaluator.description(member)) for member in range(len(self._paths))
        ]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, as they were found."""
        return self._paths

    @property
    def is_committee(self) -> bool:
        """Whether there are several files."""
        return len(self._paths) > 1

    @property
    def elements(self) -> tuple[int, ...]:
        """Atomic numbers that the potential knows, in its order; those that all members know."""
        first = self._members[0]["elements"]
        return tuple(z for z in first if all(z in one["elements"] for one in self._members))

    @property
    def cutoff(self) -> float:
        """Cutoff of the neighbors, Å; the largest of a committee."""
        return self._evaluator.cutoff

    @property
    def kind(self) -> str:
        """Name of the model of the first file, as ``mlff info`` prints it."""
        return str(self._members[0]["model"])

    @property
    def sizes(self) -> dict[str, Any]:
        """Sizes of the model of the first file by name, such as features, layers, radial."""
        return dict(self._members[0]["sizes"])

    @property
    def reference_energies(self) -> dict[str, float]:
        """Energy of a single atom by symbol of the element, eV, of the first file."""
        return dict(self._members[0]["more"].get("reference_energy_eV", {}))

    @property
    def metadata(self) -> tuple[dict[str, Any], ...]:
        """What each file says of itself: parameters, date, citation, training, sha256, ..."""
        return tuple(json.loads(json.dumps(self._members)))

    @property
    def info(self) -> EngineInfo:
        """The engine that evaluates."""
        return EngineInfo(**json.loads(self._evaluator.engine()))

    def evaluate(self, structures: StructureLike | Batch | Iterable[StructureLike]) -> Evaluation:
        """Energies, forces and stresses of structures.

        structures: one structure (:class:`Structure`, or ASE's ``Atoms``), a list of them, or a
        flat :class:`Batch`. Many in one call are faster than as many calls. With the host engine
        the results of a structure are the same bits in whatever company it is.

        The lock of the interpreter is free meanwhile. Raises ValueError, which names the
        structure from 1 on, for arrays of a wrong shape or type, numbers that are not finite, an
        element that the potential does not know, atoms at the same position, a cell that is flat or far
        smaller than the cutoff, and, of a model of one molecule, another molecule.
        """
        arrays = arrays_of(structures)
        energy, forces, stress, atom_energies, spread, energy_spread = self._evaluator.evaluate(
            arrays.counts, arrays.numbers, arrays.positions, arrays.cells, arrays.pbc
        )
        return Evaluation(
            energy, forces, stress, atom_energies, arrays.counts, spread, energy_spread
        )

    def __repr__(self) -> str:
        names = ", ".join(path.name for path in self._paths)
        return f"<mlff.Potential {names}: {self.info.description}>"

    def __copy__(self) -> Potential:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Potential:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {
            "paths": [str(path.absolute()) for path in self._paths],
            "settings": self._settings,
            "sha256": [one["sha256"] for one in self._members],
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        Potential.__init__(self, state["paths"], **state["settings"])
        for path, one, sha256 in zip(self._paths, self._members, state["sha256"], strict=True):
            if one["sha256"] != sha256:
                raise ValueError(f"potential file '{path}' has changed since it was pickled")


def _list_of(files: PathLike | Sequence[PathLike]) -> list[PathLike]:
    if isinstance(files, str | os.PathLike):
        return [files]
    listed = list(files)
    if not listed:
        raise ValueError("no potential is given")
    for file in listed:
        if not isinstance(file, str | os.PathLike):
            raise ValueError(f"{file!r} is not the path of a potential file")
    return listed


def find_file(name: PathLike) -> Path:
    """The file of a path, or of the name of a potential that ships.

    Raises FileNotFoundError that lists the folders looked at.
    """
    text = os.fspath(name)
    for candidate in (text, text + ".safetensors"):
        found = Path(_mlff.find_potential(candidate))
        if found.is_dir():
            raise ValueError(f"potential file '{found}' is a folder")
        if found.exists():
            return found
    folders = ", ".join(f"'{folder}'" for folder in _mlff.potential_folders())
    raise FileNotFoundError(
        f"potential file '{text}' does not exist, neither here nor in the folders of potentials: "
        f"{folders}"
    )


def shipped_potentials() -> list[str]:
    """Names of the potentials in the folders where they are looked for by name."""
    names = {
        path.name.removesuffix(".safetensors")
        for folder in _mlff.potential_folders()
        for path in Path(folder).glob("*.safetensors")
    }
    return sorted(names)
