#!/usr/bin/env python3
"""Tests of check_commands.py: what a page shows and does not exist is complained about."""

import contextlib
import io
import os
import unittest
from unittest import mock

import check_commands
import page_blocks
from test_checks import Repository

PROGRAM = """#!/bin/sh
case "$1" in
  --help) printf 'Options:\\n  --version  x\\n' ;;
  completion) printf 'label\\tMake\\nbench\\tTime\\n' ;;
  label) printf '  -o,--output TEXT  to\\n  --jobs INT=0  x\\n' ;;
  bench) printf '  --model TEXT  x\\n' ;;
esac
"""

PAIR_PAGE = """\
  .. parsed-literal::

     keyword = *engine* or *warn*

.. code-block:: LAMMPS

   pair_style mlff engine host
   pair_style mlff speed 3

Text.
"""

FIX_PAGE = """\
.. list-table:: Keywords
   :header-rows: 1

   * - keyword
     - values
     - default
   * - jump
     - who k dt
     - network
   * - corrector
     - c
     - 1


.. code-block:: LAMMPS

   fix 1 all kstep/hybrid a.safetensors C O H jump network 16 0.0005 corrector 1
   fix 1 all kstep/hybrid a.safetensors C O H jump network 16 0.0005 corect 1
   fix 1 all nve
"""


class Commands(Repository):
    def setUp(self):
        super().setUp()
        self.write("build/bin/mlff", PROGRAM)
        (self.root / "build/bin/mlff").chmod(0o755)
        self.write(".gitignore", "build\n")
        environment = mock.patch.dict(os.environ)
        environment.start()
        self.addCleanup(environment.stop)
        os.environ.pop("MLFF_PROGRAM", None)

    def messages(self, text, path="doc/page.md"):
        self.write(path, text)
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            found = [str(f) for f in check_commands.find(self.root)]
        self.errors = errors.getvalue()
        return found

    def shell(self, *lines):
        """Messages about a page with these lines in a block, without the place."""
        said = self.messages("# Page\n\n```\n" + "\n".join(lines) + "\n```\n")
        return [message.split(": ", 1)[1] for message in said]

    def test_commands_of_mlff(self):
        self.assertEqual(self.shell("build/bin/mlff label --jobs 2 -o x   # --none"), [])
        self.assertEqual(self.shell("mlff lable -o x"), ["mlff has no command 'lable'"])
        self.assertEqual(
            self.shell("for k in a b; do mlff label --jobs=2 \\", "  --model $k; done"),
            ["mlff label has no option '--model'"],
        )
        self.assertEqual(self.shell("mlff --versoin"), ["mlff  has no option '--versoin'"])

    def test_commands_within_sentences(self):
        page = "# Page\n\nSay `mlff bench --model x`, or `mlff bench --modle x`.\n"
        self.assertEqual(
            self.messages(page), ["doc/page.md:3: mlff bench has no option '--modle'"]
        )

    def test_without_a_program_options_are_not_checked_and_this_is_said(self):
        (self.root / "build/bin/mlff").unlink()
        self.assertEqual(self.shell("mlff lable", "nothing x"), ["unknown program 'nothing'"])
        self.assertIn("options of mlff are not checked", self.errors)
        self.assertNotIn("not checked", self.messages("# Page\n"))

    def test_the_program_that_the_environment_names(self):
        (self.root / "build/bin/mlff").rename(self.root / "other")
        os.environ["MLFF_PROGRAM"] = str(self.root / "other")
        self.assertEqual(self.shell("mlff lable"), ["mlff has no command 'lable'"])

    def test_scripts_files_and_inputs(self):
        self.write("bench/record.sh")
        self.write("examples/one/in.one")
        self.write("doc/here.sh")
        good = ["bench/record.sh -o x", "./here.sh", "cat examples/one/in.one", "lmp -in x.made"]
        self.assertEqual(self.shell(*good), [])
        self.assertEqual(self.shell("bench/recrod.sh"), ["no script 'bench/recrod.sh'"])
        self.assertEqual(self.shell("python3 draw.py"), ["no script 'draw.py'"])
        self.assertEqual(
            self.shell("mpirun -np 2 lmp -in examples/one/in.two -vra x 1"),
            [
                "no input 'examples/one/in.two' in the repository",
                "lmp has no option '-vra'",
                "no 'examples/one/in.two' in the repository",
            ],
        )
        self.assertEqual(
            self.shell("mlff label -o examples/two/a.xyz"),
            ["no 'examples/two/a.xyz' in the repository"],
        )

    def test_an_input_that_the_page_itself_shows(self):
        block = "```{code-block} LAMMPS\n:caption: in.mine\n\nunits metal\n```\n"
        self.assertEqual(self.messages(block + "```bash\nlmp -in in.mine\n```\n"), [])
        self.assertIn("no input 'in.mine'", self.messages("```bash\nlmp -in in.mine\n```\n")[0])

    def test_cmake(self):
        self.write("CMakePresets.json", '{"version": 6, "configurePresets": [{"name": "default"}]}')
        self.write("CMakeLists.txt", "option(MLFF_TORCH)\n")
        self.assertEqual(
            self.shell("cmake --preset default -D MLFF_TORCH=ON -DCMAKE_PREFIX_PATH=x"), []
        )
        self.assertEqual(
            self.shell("cmake --preset fast -D MLFF_TROCH=ON"),
            [
                "no preset 'fast'; CMakePresets.json has {'default'}",
                "cmake knows no variable 'MLFF_TROCH'",
            ],
        )

    def test_parts_of_continuous_integration(self):
        self.write(".ci/run")
        self.write(".ci/lint")
        self.assertEqual(self.shell(".ci/run lint"), [])
        self.assertEqual(self.shell(".ci/run lnit"), [".ci/run has no part 'lnit'"])

    def test_a_block_that_no_shell_can_read(self):
        self.assertIn("the shell cannot read this", self.shell("for k in 1 2; do echo x")[0])
        self.assertEqual(self.messages("```text\na (b\n```\n"), [])

    def test_keywords_of_pair_styles(self):
        self.assertEqual(
            self.messages(PAIR_PAGE, "doc/user/pair_mlff.rst"),
            ["doc/user/pair_mlff.rst:8: pair_style mlff has no keyword 'speed'"],
        )
        self.assertEqual(
            self.shell("units metal", "pair_style mlff wran 0.3")[0],
            "pair_style mlff has no keyword 'wran'",
        )

    def test_words_in_quotes_are_one(self):
        self.write("doc/user/pair_ipi.rst", "keyword = *client* or *wrap*\n")
        page = "```{code-block} LAMMPS\npair_style ipi client \"\"\"a '{\"b\": 1}'\"\"\" wrap no\n"
        self.assertEqual(self.messages(page + "```\n"), [])
        found = self.messages(page + "pair_style ipi client 'a b' warp no\n```\n")
        self.assertEqual(found, ["doc/page.md:3: pair_style ipi has no keyword 'warp'"])

    def test_options_of_the_client(self):
        self.write("python/mlff_lammps/ase_client.py", 'add_argument("--socket")\n')
        self.assertEqual(self.shell("mlff-ase-client a:B --socket x"), [])
        self.assertEqual(
            self.shell("mlff-ase-client a:B --sokcet x"),
            ["mlff-ase-client has no option '--sokcet'"],
        )

    def test_keywords_of_the_fix(self):
        self.assertEqual(
            self.messages(FIX_PAGE, "doc/user/fix_kstep_hybrid.rst"),
            ["doc/user/fix_kstep_hybrid.rst:18: fix kstep/hybrid has no keyword 'corect'"],
        )


class Words(unittest.TestCase):
    def test_simple_commands(self):
        self.assertEqual(
            page_blocks.simple_commands(
                "A=1 one 'a b' > x 2>&1 && for k in 1 2; do two $k | three; done < y  # four"
            ),
            [["one", "a b"], ["two", "$k"], ["three"]],
        )

    def test_lines_that_go_on(self):
        self.assertEqual(
            list(page_blocks.logical_lines("a \\\n b\nc")), [(0, "a   b"), (2, "c")]
        )


if __name__ == "__main__":
    unittest.main()
