"""What quickstart.sh and test.sh refuse, and when they compile LAMMPS although nobody asked."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
NO_PACKAGE = """ERROR: Could not find a version that satisfies the requirement lammps[mpi]==1 \
(from versions: none)
ERROR: No matching distribution found for lammps[mpi]==1
"""
NO_NETWORK = """WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError'
""" + NO_PACKAGE
# what installs and builds is left out
STUBS = """
ensure_packages() { :; }
ensure_compiler() { :; }
need_space() { mkdir -p "$1"; }
make_venv() { echo "makes $1"; }
install_requirements() { :; }
install_wheel() { echo "installs the wheel"; }
"""


class Roads(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.environment = dict(os.environ, MLFF_CACHE=self.folder.name)
        self.environment.update(MLFF_BUILD=f"{self.folder.name}/build")
        for name in ("MLFF_FULL", "LAMMPS_SOURCE_DIR", "MLFF_LAMMPS_PACKAGES"):
            self.environment.pop(name, None)

    def run_words(self, *words, **environment):
        return subprocess.run(
            words, env={**self.environment, **environment}, capture_output=True, text=True
        )

    def sourced(self, commands):
        """Output of commands after the functions of quickstart.sh."""
        text = f'. "{TOP}/cmake/setup.sh"\n. "{TOP}/cmake/wheel_road.sh"\n{commands}'
        result = self.run_words("bash", "-euo", "pipefail", "-c", text)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_unknown_words(self):
        result = self.run_words(TOP / "quickstart.sh", "--fulll")
        self.assertEqual(result.returncode, 1)
        self.assertIn("unknown word '--fulll'; accepted: --full, --help", result.stderr)

    def test_unknown_value_of_full(self):
        result = self.run_words(TOP / "quickstart.sh", MLFF_FULL="yes")
        self.assertEqual(result.returncode, 1)
        self.assertIn("MLFF_FULL is 'yes'; accepted: 1", result.stderr)

    def test_help(self):
        for script, words in (("quickstart.sh", ["--full"]), ("test.sh", ["--full", "--wheel"])):
            result = self.run_words(TOP / script, "--help")
            self.assertEqual(result.returncode, 0)
            for word in words:
                self.assertIn(word, result.stdout)
            self.assertNotIn("set -euo", result.stdout)

    def test_requirements_are_those_of_the_wheel(self):
        try:
            import tomllib
        except ImportError:
            self.skipTest("Python before 3.11 cannot read TOML")
        text = (TOP / "pyproject.toml").read_text(encoding="utf-8")
        wanted = tomllib.loads(text)["build-system"]["requires"]
        self.assertEqual(self.sourced("build_requirements").split("\n")[:-1], wanted)

    def test_missing_package_is_told_from_a_missing_network(self):
        for text, answer in ((NO_PACKAGE, "missing"), (NO_NETWORK, "unknown")):
            log = Path(self.folder.name) / "log"
            log.write_text(text, encoding="utf-8")
            output = self.sourced(f'no_package_here "{log}" && echo missing || echo unknown')
            self.assertEqual(output.strip(), answer)

    def test_wheel_where_it_can_be_made(self):
        header = Path(self.folder.name) / "Python.h"
        header.touch()
        output = self.sourced(
            f'{STUBS}\npython_header() {{ echo "{header}"; }}\n'
            'ensure_environment; echo "[$refusal]"'
        )
        self.assertIn("installs the wheel", output)
        self.assertIn("[]", output)

    def test_refusals(self):
        missing = Path(self.folder.name) / "Python.h"
        cases = {
            "LAMMPS_SOURCE_DIR=here": "LAMMPS_SOURCE_DIR is set: here",
            "MLFF_LAMMPS_PACKAGES=MC": "MLFF_LAMMPS_PACKAGES is set: MC",
            "uname() { echo Darwin; }": "the plugin is for Linux, and this is Darwin",
            f'python_header() {{ echo "{missing}"; }}': f"comes without the header {missing}",
        }
        for stub, reason in cases.items():
            output = self.sourced(f'{STUBS}\n{stub}\nensure_environment; echo "[$refusal]"')
            self.assertIn(reason, output)
            self.assertNotIn("installs the wheel", output)

    def test_state_changes_with_a_source(self):
        commands = f"""environment={self.folder.name}
top={self.folder.name}/top
mkdir -p "$top"/{{cmake,src,tools,python,potentials,examples/label,examples/train}}
touch "$top"/{{CMakeLists.txt,pyproject.toml,src/a.cpp}}
installed_state; installed_state; echo more >> "$top/src/a.cpp"; installed_state
"""
        first, again, changed = self.sourced(commands).split()
        self.assertEqual(first, again)
        self.assertNotEqual(first, changed)


if __name__ == "__main__":
    unittest.main()
