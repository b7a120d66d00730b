#!/usr/bin/env python3
"""Tests of the checks: each complains about a bad example and keeps silent on a good one."""

import contextlib
import io
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

import check_includes
import check_model_names
import check_results
import check_scripts
import check_sizes
import check_text
import run_clang_format
import run_clang_tidy
import run_vector_check
import sources


def function_of(lines, head="int f(int a)"):
    """A function whose head and closing brace are lines apart."""
    return f"{head}\n{{\n" + "  g();\n" * (lines - 3) + "}\n"


def names(text):
    return [(f.name, f.lines) for f in sources.functions(textwrap.dedent(text))]


class Repository(unittest.TestCase):
    """A git repository in a temporary folder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        subprocess.run(["git", "init", "-q"], cwd=self.root, check=True)

    def write(self, path, text="// Says what it does here.\n"):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def keys(self, check):
        return sorted(f.key for f in check.find(self.root))


class Reader(unittest.TestCase):
    def test_functions_of_all_kinds(self):
        self.assertEqual(
            names("""\
            // a comment with { and "quotes
            #include "x.h"
            namespace mlff {
            const char *text = "} {" "//";
            const std::map<int, int> table = {{1, 2}, {3, 4}};
            enum class Kind { a, b };
            template <class T> struct S final : Base<T> {
              S() : a{1}, b({2})
              {
              }
              ~S() { clean(); }
              double weight[2] = {1.0, 1.0};
              int get() const { return 1'000; }
             private:
              int a, b;
            };
            template <class T, int N>
            T S<T>::run(Options options = {}) const
            {
              const auto inner = [&](int i) { return i; };
              return inner('}');
            }
            bool operator==(const A &a, const B &b) { return true; }
            auto later = [](int n) {
              return n;
            };
            }
            extern "C" {
            void c_function() { if (x) { } }
            }
            """),
            [
                ("S", 3),
                ("~S", 1),
                ("get", 1),
                ("S<T>::run", 6),
                ("operator==", 1),
                ("later", 3),
                ("c_function", 1),
            ],
        )

    def test_branches_of_the_preprocessor(self):
        self.assertEqual(
            names("""\
            #ifdef A
            void f(int a) {
            #else
            void f(long a) {
            #endif
              g();
            }
            void g() { }
            """),
            [("f", 6), ("g", 1)],
        )

    def test_raw_strings_and_continued_lines(self):
        self.assertEqual(
            names("""\
            #define M(x) \\
              void x() { \\
              }
            void f() { g(R"(} " {)"); }
            """),
            [("f", 1)],
        )

    def test_string_literals_are_no_comments_and_no_includes(self):
        text = '#include "painn"\n// "painn"\nauto a = "painn";\nauto b = R"(painn)";\n'
        self.assertEqual(sources.string_literals(text), [(3, "painn"), (4, "painn")])


class Exceptions(unittest.TestCase):
    def test_known_findings_pass_and_stale_ones_fail(self):
        finding = sources.Finding("a", 1, "a", "bad")
        self.assertEqual(sources.report("x", [finding], {"a": "why"}, out=io.StringIO()), 0)
        self.assertEqual(sources.report("x", [finding], {}, out=io.StringIO()), 1)
        self.assertEqual(sources.report("x", [finding], {}, True, out=io.StringIO()), 0)
        self.assertEqual(sources.report("x", [], {"a": "why"}, out=io.StringIO()), 1)

    def test_stale_exceptions_are_pruned(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "exceptions.txt"
            file.write_text("# Title\nx a  # why\nx b  # why\ny a  # why\n")
            sources.prune("x", {"a"}, file)
            self.assertEqual(file.read_text(), "# Title\nx b  # why\ny a  # why\n")

    def test_an_exception_has_a_reason(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "exceptions.txt"
            file.write_text("sizes src/a.cpp  # to be split\ntext src/b.cpp # because\n")
            self.assertEqual(sources.exceptions("sizes", file), {"src/a.cpp": "to be split"})
            file.write_text("sizes src/a.cpp\n")
            with self.assertRaises(SystemExit):
                sources.exceptions("sizes", file)


class Sizes(Repository):
    def test_a_crowded_folder(self):
        for n in range(20):
            self.write(f"src/core/f{n}.h")
            self.write(f"unittest/f{n}.h")
        self.assertEqual(self.keys(check_sizes), [])
        self.write("src/core/CMakeLists.txt")
        self.write("unittest/more.h")
        self.assertEqual(self.keys(check_sizes), ["src/core/"])

    def test_a_long_file(self):
        self.write("src/core/f.h", "\n" * 600)
        self.assertEqual(self.keys(check_sizes), [])
        self.write("src/core/f.h", "\n" * 601)
        self.assertEqual(self.keys(check_sizes), ["src/core/f.h"])

    def test_a_long_function(self):
        self.write("src/core/f.h", function_of(80))
        self.assertEqual(self.keys(check_sizes), [])
        self.write("src/core/f.h", function_of(81))
        self.assertEqual(self.keys(check_sizes), ["src/core/f.h:f"])

    def test_a_wide_line(self):
        self.write("unittest/f.cpp", "//" + "Å" * 98 + "\n")
        self.assertEqual(self.keys(check_sizes), [])
        self.write("unittest/f.cpp", "//" + "x" * 99 + "\n")
        self.assertEqual(self.keys(check_sizes), ["unittest/f.cpp:columns"])


class Text(Repository):
    def test_a_first_line_that_says_nothing(self):
        self.write("src/core/good.h", "// Elements and their masses.\n")
        self.write(
            "src/core/style.h",
            "/* -*- c++ -*- ----\n   LAMMPS - and so on, www.lammps.org\n----- */\n",
        )
        self.write("src/core/empty.h", "//\n#pragma once\n")
        self.write("src/core/none.cpp", '#include "good.h"\n')
        self.write("src/core/off.h", "// clang-format off\nint i;\n")
        self.assertEqual(
            self.keys(check_text),
            [f"src/core/{n}:first-line" for n in ("empty.h", "none.cpp", "off.h")],
        )

    def test_letters_that_lammps_does_not_want(self):
        self.write("src/core/a.h", "// A length in Å of it.\n")
        self.write("src/pair_mlff/a.h", "// A length in Å of it.\n")
        self.assertEqual(self.keys(check_text), ["src/pair_mlff/a.h:ascii"])

    def test_places_of_one_machine(self):
        self.write(
            "doc/good.md",
            "Edit /etc/fstab, src/work/a, ~/work/, $HOME/work/ and https://docs.lammps.org/\n",
        )
        self.write("doc/path.md", "cd /" + "work/main\n")
        self.write("doc/home.md", "cd /" + "root\n")
        self.write("doc/host.md", "from https://" + "pypi" + ".org/simple\n")
        self.assertEqual(
            self.keys(check_text), ["doc/home.md:place", "doc/host.md:place", "doc/path.md:place"]
        )

    def test_names_of_styles(self):
        self.write("src/pair_mlff/pair_mlff.h")
        self.write("kokkos/styles/pair_mlff.h")
        self.write("tools/analysis/pair_mlff.h")
        self.assertEqual(self.keys(check_text), ["src/pair_mlff/pair_mlff.h:name"])

    def test_names_of_styles_in_lammps(self):
        self.write("src/pair_mlff/pair_eam.h")
        (self.root / "lammps/src/MANYBODY").mkdir(parents=True)
        (self.root / "lammps/src/MANYBODY/pair_eam.h").touch()
        found = check_text.style_names(["src/pair_mlff/pair_eam.h"], self.root / "lammps")
        self.assertEqual([f.key for f in found], ["src/pair_mlff/pair_eam.h:name"])


class ModelNames(Repository):
    def test_names_outside_the_models(self):
        self.write(
            "src/engine/a.cpp", '// "painn"\nif (model == "painn-fmm") f("about painn-fmm");\n'
        )
        self.write("src/models/a.cpp", 'const char *name = "painn";\n')
        self.write("tools/scripts/a.py", '# "painn"\nname = "kstep-egnn"\n')
        self.assertEqual(self.keys(check_model_names), ["src/engine/a.cpp", "tools/scripts/a.py"])

    def test_texts_are_listed_where_asked(self):
        text = 'f("about painn-fmm");'
        self.assertEqual(check_model_names.uses("a.cpp", text), [])
        self.assertEqual(len(check_model_names.uses("a.cpp", text, texts=True)), 1)


class Results(Repository):
    """Numbers of pages against the file of results."""

    group = (
        '[speed]\nwhat = "x"\ncommand = "mlff bench"\nmachine = "m"\ndate = 2026-11-21\n'
        'host = "6.1"\nsteps = "1,200"\n'
    )
    page = (
        "# mlff\n\n## Measured\n\n| what | value | command |\n|---|---|---|\n"
        "| host at 0.5 fs | 6.1<!-- result: speed.host --> of "
        "1,200<!-- result: speed.steps --> steps | `x 3` |\n"
    )

    def setUp(self):
        super().setUp()
        self.write("bench/results.toml", self.group)
        self.write("README.md", self.page)

    def messages(self):
        return [str(f) for f in check_results.find(self.root)]

    def test_numbers_that_agree(self):
        self.assertEqual(self.messages(), [])

    def test_a_number_that_differs_and_is_then_written(self):
        self.write("README.md", self.page.replace("6.1<", "6.2<"))
        self.assertEqual(
            self.messages(),
            ["README.md:7: '6.2' is not speed.host, which is 6.1 in bench/results.toml"],
        )
        with contextlib.redirect_stdout(io.StringIO()):
            check_results.write(self.root)
        self.assertEqual((self.root / "README.md").read_text(), self.page)

    def test_a_longer_number_that_ends_alike(self):
        self.write("README.md", self.page.replace("| 6.1<", "| 16.1<"))
        self.assertIn("'16.1' is not speed.host", self.messages()[0])

    def test_marks_without_a_number_or_a_result(self):
        self.write("doc/a.md", "fast<!-- result: speed.host -->\n3<!-- result: speed.none -->\n")
        self.assertEqual(
            [m.split(": ", 1)[1] for m in self.messages()],
            [
                "'None' is not speed.host, which is 6.1 in bench/results.toml",
                "bench/results.toml has no 'speed.none'",
            ],
        )

    def test_a_measured_number_without_a_mark(self):
        self.write("README.md", self.page + "| more | 41x, F32 | y |\n")
        self.assertIn("'41' has no <!-- result", self.messages()[0])

    def test_numbers_that_no_page_has_and_groups_without_a_command(self):
        self.write(
            "bench/results.toml",
            self.group.replace('command = "mlff bench"\n', "") + 'left = "2"\nbad = 3\n',
        )
        said = "\n".join(self.messages())
        self.assertIn("group 'speed' has no 'command'", said)
        self.assertIn("no page has the number 'speed.left'", said)
        self.assertIn("speed.bad is 3; expected a number in quotes", said)


class Scripts(Repository):
    def test_scripts_that_cannot_be_read(self):
        self.write("good.sh", "if true; then echo; fi\n")
        self.write("bad.sh", "if true; then echo\n")
        self.write("good.py", "print(1)\n")
        self.write("bad.py", "print(1\n")
        self.write(".ci/run", "#!/usr/bin/env bash\nif\n")
        self.write("notes", "if (\n")
        self.assertEqual(self.keys(check_scripts), [".ci/run", "bad.py", "bad.sh"])


class Includes(unittest.TestCase):
    table = check_includes.read_table(
        "src/core:\nsrc/engine: src/core [torch]\nsrc/pair_b: src/engine [lammps]\n"
    )

    def keys(self, files, table=None):
        found = check_includes.check(table or self.table, sorted(files), lambda path: files[path])
        return [f.key for f in found]

    def test_downward_is_accepted(self):
        self.assertEqual(
            self.keys(
                {
                    "src/core/graph.h": "#include <vector>\n",
                    "src/engine/a.h": '#include "core/graph.h"\n#include <torch/torch.h>\n',
                    "src/pair_b/pair_b.h": '#include "core/graph.h"\n#include "engine/a.h"\n'
                    '#include "pair.h"\n',
                    "src/pair_b/b.cpp": '#include "pair_b.h"\n',
                }
            ),
            [],
        )

    def test_upward_is_not(self):
        self.assertEqual(
            self.keys(
                {
                    "src/core/graph.h": '#include "engine/a.h"\n// #include "style/b.h"\n',
                    "src/engine/a.h": "",
                }
            ),
            ["src/core/graph.h:engine/a.h"],
        )

    def test_how_includes_are_written(self):
        files = {
            "src/core/graph.h": "",
            "src/core/bonds.h": '#include "graph.h"\n',
            "src/pair_b/pair_b.h": "",
            "src/pair_b/b.cpp": '#include "pair_b/pair_b.h"\n',
        }
        self.assertEqual(
            self.keys(files), ["src/core/bonds.h:graph.h", "src/pair_b/b.cpp:pair_b/pair_b.h"]
        )

    def test_libraries_have_places(self):
        self.assertEqual(
            self.keys(
                {
                    "src/core/graph.h": '#include <torch/torch.h>\n#include "pair.h"\n',
                    "src/pair_b/b.h": '#include "pair.h"\n#include <ATen/ATen.h>\n',
                }
            ),
            [
                "src/core/graph.h:torch/torch.h",
                "src/core/graph.h:pair.h",
                "src/pair_b/b.h:ATen/ATen.h",
            ],
        )

    def test_a_folder_without_a_line(self):
        self.assertEqual(self.keys({"src/new/a.h": ""}), ["src/new/a.h:folder"])

    def test_circles_of_folders(self):
        table = check_includes.read_table("src/a: src/b\nsrc/b: src/a\n")
        self.assertEqual(
            self.keys(
                {"src/a/a.h": '#include "b/b.h"\n', "src/b/b.h": '#include "a/a.h"\n'}, table
            ),
            ["table:src/a", "table:src/b", "cycle:src/a,src/b"],
        )

    def test_bad_lines_of_the_table(self):
        for text in ("src/a\n", "src/a: src/b\n", "src/a: [nothing]\n", "src/a:\nsrc/a:\n"):
            with self.assertRaises(SystemExit):
                check_includes.read_table(text)

    def test_the_table_of_the_repository(self):
        file = Path(check_includes.__file__).with_name("dependencies.txt")
        table = check_includes.read_table(file.read_text(encoding="utf-8"))
        self.assertNotIn("src/engine", check_includes.reachable(table, "src/core"))
        self.assertFalse([name for name in table if name in check_includes.reachable(table, name)])


class ClangFormat(Repository):
    program = Path(sys.executable).with_name("clang-format")

    def test_one_file_of_settings(self):
        errors = run_clang_format.settings_errors
        self.write(".clang-format", "BasedOnStyle: LLVM\nColumnLimit: 100\n")
        self.assertEqual(errors(self.root, [".clang-format"]), [])
        self.assertEqual(len(errors(self.root, [".clang-format", "src/.clang-format"])), 1)
        self.assertEqual(len(errors(self.root, [])), 1)
        self.write(".clang-format", "BasedOnStyle: LLVM\nColumnLimit: 120\n")
        self.assertEqual(len(errors(self.root, [".clang-format"])), 1)

    @unittest.skipUnless(program.exists(), "no clang-format beside this Python")
    def test_files_that_would_change(self):
        self.write(".clang-format", "BasedOnStyle: LLVM\nColumnLimit: 100\n")
        self.write("good.cpp", "int f() { return 1; }\n")
        self.write("bad.cpp", "int f( ) {return 1;}\n")
        files = ["bad.cpp", "good.cpp"]
        self.assertEqual(run_clang_format.unformatted(self.root, files, self.program), ["bad.cpp"])
        with self.assertRaises(SystemExit):
            run_clang_format.unformatted(self.root, ["missing.cpp"], self.program)


class Parts(unittest.TestCase):
    """The program that runs the parts, with parts of our own."""

    def run_parts(self, *words, **parts):
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "run"
            shutil.copy(sources.REPOSITORY / ".ci/run", program)
            for name, text in parts.items():
                (Path(folder) / name).write_text(text)
            result = subprocess.run(
                ["bash", program, *words], capture_output=True, text=True, cwd=folder
            )
            return result.returncode, result.stdout, result.stderr

    def test_lint_and_test_are_the_default_and_all_parts_run(self):
        status, out, errors = self.run_parts(
            lint="echo one; false", test="echo two", docs="echo no"
        )
        self.assertEqual(status, 1)
        self.assertIn("one\n", out)
        self.assertIn("two\n", out)
        self.assertNotIn("no\n", out)
        self.assertIn("failed: lint\n", errors)

    def test_parts_that_pass(self):
        self.assertEqual(self.run_parts("docs", docs="true", test="false")[0], 0)

    def test_an_unknown_part(self):
        status, out, errors = self.run_parts("lint", "lnit", lint="echo ran")
        self.assertEqual((status, out), (2, ""))
        self.assertIn("unknown part 'lnit'; accepted: lint test asan fuzz coverage wheel plugin docs", errors)


class Vectors(unittest.TestCase):
    def test_a_loop_that_is_no_vectors_is_found_but_for_double(self):
        report = (
            "/r/a.h:4:9: missed: couldn't vectorize loop\n"
            "/r/b.h:9:9: missed: not vectorized: no vectype for stmt: x = *y;\n"
            " scalar_type: const {}\n"
            "/r/a.h:8:9: optimized: loop vectorized using 64 byte vectors\n"
        )
        self.assertEqual(run_vector_check.missed(report.format("float")), [("/r/a.h", 4)])
        self.assertEqual(run_vector_check.missed(report.format("double")), [])

    def test_only_the_loop_behind_the_pragma_counts(self):
        lines = [
            "#pragma omp simd",
            "for (int f = 0; f < n; f++)",
            "  x[f] = y[f];",
            "for (int k = 0; k < n; k++)",
            "  z += k;",
        ]
        self.assertEqual(
            [run_vector_check.marked(lines, n) for n in range(1, 6)],
            [False, True, True, False, False],
        )

    def test_a_loop_of_edges_that_is_vectors_is_found(self):
        report = "/r/a.h:8:9: optimized: loop vectorized using 64 byte vectors\n"
        self.assertEqual(run_vector_check.made(report + report), [("/r/a.h", 8)])
        lines = [
            "for (int e = 0; e < work.n_edges; e++)",
            "  edge(e);",
            "  for (int f = 0; f < F; f++)",
            "    x[f] = y[f];",
        ]
        self.assertEqual(
            [run_vector_check.of_edges(lines, n) for n in range(1, 5)],
            [True, True, False, False],
        )

    def test_kernels_for_the_widest_vectors_are_compiled_once(self):
        commands = [
            {"directory": "/b", "command": f"c++ -DMLFF_KERNELS=a_kernels_{name} -o x -c a.cpp"}
            for name in ("generic", "avx512", "avx512")
        ]
        self.assertEqual(len(run_vector_check.compilations(commands)), 1)


class ClangTidy(unittest.TestCase):
    commands = [
        {
            "directory": "/b",
            "file": "/r/src/core/a.cpp",
            "command": "ccache g++ -mavx2 -c /r/src/core/a.cpp",
        },
        {
            "directory": "/b",
            "file": "/r/src/core/a.cpp",
            "command": "ccache g++ -mavx512f -c /r/src/core/a.cpp",
        },
        {"directory": "/b", "file": "/r/src/models/torch/a.cpp", "command": "g++ -c a.cpp"},
        {"directory": "/b", "file": "/l/src/pair.cpp", "command": "g++ -c pair.cpp"},
    ]

    def test_files_are_chosen_once(self):
        chosen = run_clang_tidy.choose(self.commands, Path("/r"), ["src/core", "src/models"])
        self.assertEqual(chosen, ["src/core/a.cpp"])

    def test_findings_are_told_once(self):
        text = "/r/a.h:3:1: warning: bad [bugprone-x]\n" * 2 + "5 warnings generated.\n"
        self.assertEqual(
            [f.key for f in run_clang_tidy.findings(text, Path("/r"))], ["a.h:bugprone-x"]
        )
        self.assertEqual(
            str(run_clang_tidy.findings(text, Path("/r"))[0]), "a.h:3: bad [bugprone-x]"
        )


if __name__ == "__main__":
    unittest.main()
