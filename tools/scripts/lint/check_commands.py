#!/usr/bin/env python3
"""Checks commands that pages show.

Programs, scripts and files of the repository exist; subcommands and options of mlff are those that
its --help prints (where a built program is at hand: build/bin/mlff, or the one that MLFF_PROGRAM
names); presets and variables of cmake are those of the repository; keywords of the styles are those
of the style pages.
"""

import json
import os
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path, PurePosixPath

import page_blocks
from sources import Finding, repository_files, run

# Pages whose blocks are not all ours: templates of issues, texts for the next release.
NOT_PAGES = (".github/",)
KNOWN_PROGRAMS = set("""
apt-get awk cat cd chmod cp ctest curl echo env export git grep ls mkdir mpicxx mv ninja pip rm
sed shift source sudo tar true which while read
""".split())
LMP_OPTIONS = set("""
-in -var -log -screen -partition -plog -pscreen -k -sf -pk -h -help -echo -nonbuf -mdi
""".split())
MPIRUN_VALUES = {"-np", "-n", "--bind-to", "--map-by", "-x"}
CMAKE_VARIABLES = re.compile(r"(CMAKE|LAMMPS|PKG|Kokkos|BUILD)_\w+|CCACHE")
# files of the repository in a command; others are made by it or by those before it
REPOSITORY_FOLDERS = ("bench", "cmake", "doc", "examples", "potentials", "tools", "unittest", ".ci")


class Program:
    """Subcommands and options of mlff, from its own help."""

    def __init__(self, path):
        self.path = path
        self.options = {}

    def output(self, *words):
        result = subprocess.run([self.path, *words], capture_output=True, text=True, timeout=60)
        return result.stdout if result.returncode == 0 else None

    def help(self, *words):
        return self.output(*words, "--help")

    @lru_cache(maxsize=None)
    def subcommands(self):
        said = self.output("completion", "words", "--", "") or ""
        return {line.partition("\t")[0] for line in said.splitlines()}

    @lru_cache(maxsize=None)
    def options_of(self, subcommand):
        said = self.help(*([subcommand] if subcommand else [])) or ""
        return set(re.findall(r"(?:^|[\s,])(--?[A-Za-z][\w-]*)", said))


def built_program(root):
    for path in (os.environ.get("MLFF_PROGRAM"), root / "build/bin/mlff"):
        if path and os.access(path, os.X_OK):
            return Program(str(path))
    return None


class Repository:
    """What commands may name: files, presets and variables of cmake, parts of .ci/run, keywords."""

    def __init__(self, root):
        self.root = root
        self.files = set(repository_files(root))
        self.folders = {str(p) for file in self.files for p in PurePosixPath(file).parents}

    def read(self, path):
        return (self.root / path).read_text(encoding="utf-8") if path in self.files else ""

    def place(self, page, name):
        """Path in the repository of a name that a page uses: from its folder, or from the top."""
        for folder in (os.path.dirname(page), ""):
            path = os.path.normpath(os.path.join(folder, name))
            if path in self.files or path in self.folders:
                return path
        return None

    @lru_cache(maxsize=None)
    def presets(self):
        text = self.read("CMakePresets.json")
        presets = json.loads(text) if text else {}
        return {p["name"] for kind in presets.values() if isinstance(kind, list) for p in kind}

    @lru_cache(maxsize=None)
    def variables(self):
        return set(
            re.findall(
                r"\bMLFF_\w+",
                "".join(self.read(f) for f in self.files if f.endswith((".cmake", "CMakeLists.txt"))),
            )
        )

    @lru_cache(maxsize=None)
    def client_options(self):
        return set(re.findall(r'"(--[\w-]+)"', self.read("python/mlff_lammps/ase_client.py")))

    @lru_cache(maxsize=None)
    def pair_keywords(self, style):
        text = self.read(f"doc/user/pair_{style}.rst")
        line = re.search(r"keyword = (.*)", text)
        return set(re.findall(r"\*(\w+)\*", line[1])) if line else set()

    @lru_cache(maxsize=None)
    def fix_keywords(self):
        """Keywords of fix kstep/hybrid, and how many values each takes."""
        text = self.read("doc/user/fix_kstep_hybrid.rst")
        table = text.partition(".. list-table:: Keywords")[2].partition("\n\n\n")[0]
        rows = re.findall(r"^   \* - (\w+)\n     - ([^\n]+)$", table, re.M)
        return {keyword: len(values.split()) for keyword, values in rows[1:]}


def check_mlff(words, program):
    """Words behind mlff against its help: what is unknown."""
    if program is None:
        return []
    subcommand = words[0] if words and not words[0].startswith("-") else ""
    if subcommand and subcommand not in program.subcommands():
        return [f"mlff has no command '{subcommand}'"]
    options = program.options_of(subcommand)
    return [
        f"mlff {subcommand} has no option '{word}'"
        for word in (w.partition("=")[0] for w in words if re.match(r"--?[A-Za-z]", w))
        if word not in options
    ]


def check_lmp(words, page, repository):
    found = []
    for word, value in zip(words, [*words[1:], ""]):
        if re.match(r"-[a-z]", word) and word not in LMP_OPTIONS:
            found.append(f"lmp has no option '{word}'")
        # an input that a command before made is no file of the repository
        ours = "/" in value or value.startswith("in.")
        if word == "-in" and ours and not known_input(value, page, repository):
            found.append(f"no input '{value}' in the repository")
    return found


def known_input(name, page, repository):
    """Inputs lie where the page says, or a page makes them: a block has their name as caption."""
    if repository.place(page, name) or any(c in name for c in "$*<"):
        return True
    return bool(re.search(rf"(?::caption: |`){re.escape(name)}`?\s", repository.read(page)))


def check_cmake(words, repository):
    found = []
    for word, value in zip(words, [*words[1:], ""]):
        preset = value if word == "--preset" else None
        if preset and preset not in repository.presets():
            found.append(f"no preset '{preset}'; CMakePresets.json has {repository.presets()}")
        if word.startswith("-D"):
            name = re.split(r"[=:]", word[2:] or value)[0]
            if not CMAKE_VARIABLES.fullmatch(name) and name not in repository.variables():
                found.append(f"cmake knows no variable '{name}'")
    return found


def check_files(words, page, repository):
    """Files of folders of the repository must be there."""
    found = []
    for word in words:
        first = re.sub(r"^(\.\./)+|^\./", "", word).split("/")[0]
        if "/" not in word or first not in REPOSITORY_FOLDERS or re.search(r"[$*?<>{}]", word):
            continue
        if not repository.place(page, word) and "build" not in word.split("/"):
            found.append(f"no '{word}' in the repository")
    return found


def check_program(name, words, page, repository, program):
    base = name.rsplit("/", 1)[-1]
    if base == "mlff":
        return check_mlff(words, program)
    if base == "mlff-ase-client":
        options = (word for word in words if word.startswith("--"))
        known = repository.client_options()
        return [f"{base} has no option '{word}'" for word in options if word not in known]
    if base == "lmp":
        return check_lmp(words, page, repository)
    if base == "cmake":
        return check_cmake(words, repository)
    if base in ("python", "python3"):
        script = words[0] if words else ""
        ours = script.endswith(".py") and not script.startswith("$")
        return [] if not ours or repository.place(page, script) else [f"no script '{script}'"]
    if "/" in name:
        return check_script(name, words, page, repository)
    known = base in KNOWN_PROGRAMS or name.startswith("$") or repository.place(page, name)
    return [] if known else [f"unknown program '{name}'"]


def check_script(name, words, page, repository):
    if name.startswith(("./test_", "build", "../../build")):
        return []  # programs that the build makes
    path = repository.place(page, name)
    if not path:
        return [f"no script '{name}'"]
    if path == ".ci/run":
        return [
            f".ci/run has no part '{word}'"
            for word in words
            if f".ci/{word}" not in repository.files and not word.startswith("-")
        ]
    return []


def check_command(words, page, repository, program):
    """What is wrong with one command of the shell."""
    if words[0] == "mpirun":
        words = words[1:]
        while words and words[0].startswith("-"):
            words = words[2 if words[0] in MPIRUN_VALUES else 1 :]
        if not words:
            return ["mpirun without a program"]
    if words[0] == "env":
        words = [w for w in words[1:] if not page_blocks.ASSIGNMENT.match(w)] or ["env"]
    found = check_program(words[0], words[1:], page, repository, program)
    return found + check_files(words[1:], page, repository)


def check_shell(block, page, repository, program):
    """What is wrong with a shell block, as (line, message)."""
    result = subprocess.run(["bash", "-n"], input=block.text.encode(), capture_output=True)
    if result.returncode:
        return [(block.line, f"the shell cannot read this: {result.stderr.decode().strip()}")]
    found = []
    for n, line in page_blocks.logical_lines(block.text):
        for words in page_blocks.simple_commands(line):
            found += [
                (block.line + n, said)
                for said in check_command(words, page, repository, program)
            ]
    return found


def check_lammps(block, repository):
    """Keywords of the styles in a block of LAMMPS commands, as (line, message)."""
    found = []
    for n, line in page_blocks.logical_lines(block.text.replace("&\n", "\\\n")):
        # words in quotes may hold blanks
        line = re.sub(r'"""(.*?)"""|"(.*?)"|\'(.*?)\'', "quoted", line)
        words = line.split("#")[0].split()
        if words[:1] == ["pair_style"] and len(words) > 1 and words[1] in ("mlff", "xtb", "ipi"):
            wrong = pair_words(words[1], words[2:], repository)
        elif words[:1] == ["fix"] and len(words) > 3 and words[3].endswith("kstep/hybrid"):
            wrong = fix_words(words[5:], repository)
        else:
            continue
        found += [(block.line + n, said) for said in wrong]
    return found


def pair_words(style, words, repository):
    if words[:2] == ["keyword", "value"]:
        return []
    known = repository.pair_keywords(style)
    return [
        f"pair_style {style} has no keyword '{word}'" for word in words[::2] if word not in known
    ]


def fix_words(words, repository):
    known = repository.fix_keywords()
    while words and words[0] not in known and re.fullmatch(r"[A-Z][a-z]?\w*|NULL|\.\.\.", words[0]):
        words = words[1:]
    while words and words[0] in known:
        words = words[1 + known[words[0]] :]
    if words and words[0] not in ("...", "keyword", "species1") and "$" not in words[0]:
        return [f"fix kstep/hybrid has no keyword '{words[0]}'"]
    return []


def check_page(path, text, repository, program):
    found = []
    for block in page_blocks.blocks_of(path, text):
        if block.kind == "shell":
            found += check_shell(block, path, repository, program)
        elif block.kind == "lammps":
            found += check_lammps(block, repository)
    for line, code in page_blocks.inline_code(path, text):
        if re.match(r"(build/bin/)?mlff [a-z-]", code):
            try:
                words = page_blocks.words_of(code)
            except ValueError:
                continue
            found += [(line, said) for said in check_mlff(words[1:], program)]
    return [Finding(path, line, f"{path}:{said}", said) for line, said in found]


def find(root, parsed=None):
    program = built_program(root)
    if program is None:
        print(
            "commands: neither MLFF_PROGRAM nor build/bin/mlff is a program: subcommands and "
            "options of mlff are not checked",
            file=sys.stderr,
        )
    repository = Repository(root)
    found = []
    for path in sorted(repository.files):
        if path.endswith((".md", ".rst")) and not path.startswith(NOT_PAGES):
            text = (Path(root) / path).read_text(encoding="utf-8")
            found += check_page(path, text, repository, program)
    return found


if __name__ == "__main__":
    raise SystemExit(run("commands", __doc__, find))
