"""The two programs of a build, run with one thread; their error messages without paths."""

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
POTENTIALS = TOP / "potentials"
LIMIT = 900  # seconds, of one process

ISAS = ("generic", "avx2", "avx512")


class ProgramError(Exception):
    """A program that failed; the text is its error message without paths."""


def potential(name):
    """Path of a potential that ships."""
    return str(POTENTIALS / f"{name}.safetensors")


def environment(isa=None, threads=1):
    env = dict(os.environ)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        env[name] = str(threads)
    env.update(
        OMP_PROC_BIND="false",
        LAMMPS_POTENTIALS=str(POTENTIALS),
        OMPI_ALLOW_RUN_AS_ROOT="1",
        OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
        OMPI_MCA_mpi_yield_when_idle="1",
        LC_ALL="C.UTF-8",
    )
    env.pop("MLFF_ISA", None)
    if isa:
        env["MLFF_ISA"] = isa
    return env


def on_one_core():
    """Binds the calling process, and what it starts, to one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


class Build:
    """`bin/lmp` and `bin/mlff` of a build folder, or of a Python environment with the wheel."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.programs = {name: self.folder / "bin" / name for name in ("lmp", "mlff")}
        for path in self.programs.values():
            if not os.access(path, os.X_OK):
                raise SystemExit(
                    f"record: there is no program {path}; name a build with --build or MLFF_BUILD"
                )
        # an environment has the MPI of its LAMMPS
        own = self.folder / "bin" / "mpiexec"
        if own.exists():
            self.launcher = [own]
        else:
            program = (
                os.environ.get("MPIEXEC") or shutil.which("mpiexec") or shutil.which("mpirun")
            )
            self.launcher = [program, "--oversubscribe", "--bind-to", "none"]

    def without_paths(self, text, work):
        """Text without the paths of this machine and without places in source files."""
        for path, name in (
            (work, "WORK"),
            (Path(work).resolve(), "WORK"),
            (self.folder, "BUILD"),
            (TOP, "TOP"),
        ):
            text = text.replace(str(path), name)
        text = re.sub(r" \([^() ]*\.(?:cpp|h|hpp|cu):\d+\)", "", text)
        return re.sub(r"(?:/[\w.+-]+){2,}/", "PATH/", text)

    def run(self, words, work, isa=None, threads=1, one_core=False):
        """Standard output of a command in the folder `work`."""
        with subprocess.Popen(
            [str(word) for word in words],
            cwd=work,
            env=environment(isa, threads),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=on_one_core if one_core else None,
            start_new_session=True,
        ) as process:
            try:
                output, errors = process.communicate(timeout=LIMIT)
            except BaseException as problem:
                # with all that it started
                os.killpg(process.pid, signal.SIGKILL)
                if isinstance(problem, subprocess.TimeoutExpired):
                    raise ProgramError(f"no end within {LIMIT} s") from None
                raise
        if process.returncode != 0:
            message = self.message(process.returncode, output + "\n" + errors)
            raise ProgramError(self.without_paths(message, work))
        return output

    @staticmethod
    def message(status, text):
        """The line of the output that says what went wrong."""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        for line in lines:
            if "ERROR" in line or "error:" in line:
                return line
        return f"status {status}: {lines[-1] if lines else 'no output'}"

    def mlff(self, *words, work, isa=None):
        return self.run([self.programs["mlff"], *words], work, isa)

    def lmp(self, *words, work, ranks=1, isa=None, threads=1, one_core=False):
        launcher = []
        if ranks > 1:
            launcher = [*self.launcher, "-np", ranks]
        return self.run([*launcher, self.programs["lmp"], *words], work, isa, threads, one_core)

    def version(self, work):
        return self.mlff("--version", work=work).strip()

    def engines(self, work, isa=None):
        """Descriptions of the engines of this build, by name."""
        words = ("bench", "--random", 8, 1, 4, "--atoms", 20, "--repeats", 1, "--json")
        return json.loads(self.mlff(*words, work=work, isa=isa))["engines"]

    def instruction_sets(self, work):
        """Those that MLFF_ISA can choose: the host engine then names them in its description."""
        known = []
        for isa in ISAS:
            try:
                if isa in self.engines(work, isa).get("host", ""):
                    known.append(isa)
            except ProgramError:
                pass
        # without the variable the best one is named, whatever it says
        return known if len(known) > 1 else []
