"""Machine-learned force fields of mlff: evaluation of structures, an ASE calculator, LAMMPS logs.

Energies are in eV, lengths in Å, forces in eV/Å, stresses in eV/Å^3 with tension positive.
The calculator is in :mod:`mlff.ase`, which needs the package ``ase``.
"""

from ._mlff import available_engines, available_instruction_sets, library_versions, version
from .log import Log, Run, read_log, read_partition_logs
from .potential import EngineInfo, EngineSettings, Evaluation, Potential, shipped_potentials
from .structures import Batch, Structure

__version__ = version()

__all__ = [
    "Batch",
    "EngineInfo",
    "EngineSettings",
    "Evaluation",
    "Log",
    "Potential",
    "Run",
    "Structure",
    "__version__",
    "available_engines",
    "available_instruction_sets",
    "library_versions",
    "read_log",
    "read_partition_logs",
    "shipped_potentials",
]
