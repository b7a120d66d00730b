"""What other programs call of the package ``mlff``: LAMMPS looks for the plugin, and a shell for the
command ``mlff``. It is a package of its own, so that neither has to import NumPy first."""

from pathlib import Path

#: Folder of the package ``mlff``, with its libraries, its program and its potentials.
package_folder = Path(__file__).resolve().parent.parent / "mlff"


def plugin_folder() -> str:
    """Folder for ``LAMMPS_PLUGIN_PATH``: the entry point of the group ``lammps.plugins``, which the
    Python package ``lammps`` calls."""
    return str(package_folder / "lib" / "lammps")
