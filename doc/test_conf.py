#!/usr/bin/env python3
"""Tests of the documentation build: what leads nowhere must be complained about.

Runs with the Python that has Sphinx (.ci/docs does).
"""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

doc = Path(__file__).resolve().parent


class Build(unittest.TestCase):
    def warnings(self, text, name="page.md"):
        """Warnings of a build of one page with the settings of this folder."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "doc").mkdir()
            shutil.copy(doc / "conf.py", root / "doc")
            for part in ("start", "static"):
                shutil.copytree(doc / part, root / "doc" / part)
            (root / "CMakeLists.txt").write_text("project(mlff VERSION 1.2.3)\n")
            (root / "examples/one").mkdir(parents=True)
            (root / "examples/one/README.md").write_text("---\norphan: true\n---\n# One\n")
            (root / "examples/bare").mkdir()
            (root / "doc/index.md").write_text("# Index\n\n```{toctree}\npage\n```\n")
            (root / "doc" / name).write_text(text)
            result = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "sphinx",
                    "-q",
                    "-b",
                    "html",
                    "-c",
                    str(root / "doc"),
                    str(root),
                    str(root / "out"),
                ],
                capture_output=True,
                text=True,
            )
            self.assertEqual(result.returncode, 0, result.stderr)
            return result.stderr

    def test_what_is_accepted(self):
        self.assertEqual(
            self.warnings(
                "# Page\n\n[one](../examples/one) [same](../examples/one/README.md) "
                "[bare](../examples/bare) [here](#page)\n\n"
                "```{graphviz}\ndigraph { a -> b }\n```\n"
            ),
            "",
        )

    def test_links_that_lead_nowhere(self):
        for target in ("missing.md", "../examples/two", "#elsewhere"):
            self.assertIn(
                "cross-reference target not found",
                self.warnings(f"# Page\n\n[x]({target})\n"),
                target,
            )

    def test_a_place_that_another_page_does_not_have(self):
        link = "# Page\n\n[x](../examples/one/README.md#{})\n"
        self.assertEqual(self.warnings(link.format("one")), "")
        self.assertIn("local id not found", self.warnings(link.format("two")))

    def test_addresses_of_other_sites(self):
        self.assertEqual(self.warnings("# Page\n\n<https://docs.lammps.org/fix.html#x>\n"), "")
        for address in ("https://docs", "https:/docs.lammps.org", "http://a.b c"):
            self.assertIn(
                "no address of a page", self.warnings(f"# Page\n\n[x](<{address}>)\n"), address
            )

    def test_the_manual_of_lammps(self):
        page = "Page\n====\n\n:doc:`x <{}>`\n\n.. code-block:: LAMMPS\n\n   run 100 # steps\n"
        self.assertEqual(self.warnings(page.format("fix_nve"), "page.rst"), "")
        self.assertIn("unknown document", self.warnings(page.format("fix_nvee"), "page.rst"))

    def test_a_diagram_with_an_error(self):
        self.assertIn("dot", self.warnings("# Page\n\n```{graphviz}\ndigraph { a -> \n```\n"))


class RunPage(unittest.TestCase):
    """Commands of a page are run as they stand there."""

    def run_page(self, text):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.md"
            page.write_text(text)
            return subprocess.run(
                [sys.executable, str(doc / "run_page.py"), str(page)],
                capture_output=True,
                text=True,
            )

    def test_files_and_commands_in_their_order(self):
        result = self.run_page(
            "```{code-block} LAMMPS\n:caption: in.mine\n\nunits metal\n```\n\n"
            "```bash\ngrep -c metal in.mine > n\n```\n\n"
            "<!-- not run -->\n```bash\nfalse\n```\n\n```bash\ncat n\n```\n"
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("cat n\n1\n", result.stdout)

    def test_a_command_that_fails(self):
        result = self.run_page("```bash\nfalse\ntrue\n```\n")
        self.assertEqual(result.returncode, 1)
        self.assertIn("ended with 1", result.stderr)


if __name__ == "__main__":
    unittest.main()
