"""Potentials as a calculator of ASE, for its dynamics, relaxations, phonons and sockets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from .potential import EngineSettings, PathLike, Potential

if TYPE_CHECKING:
    from typing_extensions import Unpack

Source: TypeAlias = PathLike | Potential


class MLFFCalculator(Calculator):
    """ASE calculator of one potential or, with several files, of a committee.

    files: as :class:`mlff.Potential` takes them: a path, the name of a potential that ships, or a
        list of those; or a Potential that is there already, whose engine is then shared.
    settings: as Potential takes them, see :class:`mlff.EngineSettings`, but in double precision
        unless told otherwise, which relaxations and finite differences are glad of. A Potential
        has its engine already.

    Results, n atoms: energy and free_energy (the same, eV), forces (n, 3) eV/Å, energies (n,) eV of
    atoms, and of structures with a periodic direction stress (6,) eV/Å^3 as xx, yy, zz, yz, xz, xy,
    tension positive. Of a committee besides: spread (n,) eV/Å, the root mean square deviation of
    the members' forces on an atom from their mean, and energy_spread, eV, the same of energies.
    ``get_property("spread", atoms)`` gives them, and ``results`` holds them.

    A calculation is repeated when positions, numbers, cell or pbc of the atoms have changed.
    """

    name = "mlff"
    implemented_properties: list[str] = [
        "energy",
        "free_energy",
        "energies",
        "forces",
        "stress",
    ]

    def __init__(
        self,
        files: Source | Sequence[PathLike],
        *,
        atoms: Atoms | None = None,
        **settings: Unpack[EngineSettings],
    ) -> None:
        super().__init__(atoms=atoms)  # type: ignore[no-untyped-call]
        if isinstance(files, Potential):
            if settings:
                raise ValueError(
                    f"{', '.join(settings)}: the engine of a Potential is chosen already"
                )
            self.potential = files
        else:
            settings.setdefault("precision", "double")
            self.potential = Potential(files, **settings)
        if self.potential.is_committee:
            self.implemented_properties = [
                *type(self).implemented_properties,
                "spread",
                "energy_spread",
            ]
        # what ASE writes beside results
        self.parameters.update(
            files=[path.name for path in self.potential.paths],
            precision=self.potential.info.precision,
        )

    def set(self, **changes: Any) -> dict[str, Any]:
        """Refused with ValueError: a calculator with other settings is a new one."""
        if changes:
            raise ValueError(
                f"MLFFCalculator does not change its settings ({', '.join(changes)}); make a new one"
            )
        return {}

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] | None = None,
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Fills ``results`` with all properties; raises ValueError as Potential.evaluate does."""
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        # of an evaluation that fails nothing is left
        self.results = {}
        if self.atoms is None:
            raise ValueError("MLFFCalculator has no atoms to calculate")
        found = self.potential.evaluate(self.atoms)
        energy = float(found.energy[0])
        self.results = {
            "energy": energy,
            "free_energy": energy,
            "energies": found.atom_energies,
            "forces": found.forces,
        }
        # without it ASE says that there is no stress, which is so in open systems
        if np.isfinite(found.stress).all():
            self.results["stress"] = found.stress_voigt[0]
        if found.spread is not None and found.energy_spread is not None:
            self.results["spread"] = found.spread
            self.results["energy_spread"] = float(found.energy_spread[0])
