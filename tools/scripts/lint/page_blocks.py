"""Blocks of code in pages, and the commands of shell blocks."""

import re
import shlex
from dataclasses import dataclass

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>```+|~~~+|:::+)\s*(?P<language>[^\n`]*)$")
DIRECTIVE = re.compile(r"^(?P<indent> *)\.\. (?:code-block|code):: *(?P<language>\S*)\s*$")
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
SHELL = ("bash", "sh", "console", "shell")
# what a line of a block without a language begins with, if the block is LAMMPS' or a shell's
LAMMPS_LINE = re.compile(
    r"(units|pair_style|pair_coeff|fix|compute|dump|dump_modify|thermo\w*|timestep|run|temper)\s"
)
# words of the shell that may stand before a command
BEFORE = {"do", "then", "else", "if", "while", "until", "!", "{", "(", "time", "exec"}
ENDS = {";", "&", "&&", "||", "|", ";;", "(", ")", "done", "fi", "esac", "}"}
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


@dataclass
class Block:
    """A block of code of a page: its kind (shell, lammps or another language), text, first line."""

    kind: str
    text: str
    line: int


def kind_of(language, text):
    word = (re.findall(r"[\w+-]+", language) or [""])[0].lower()
    if word in SHELL:
        return "shell"
    if word == "lammps":
        return "lammps"
    if word or "{" in language:
        return word or "directive"
    return "lammps" if any(map(LAMMPS_LINE.match, text.split("\n"))) else "shell"


def fenced(lines):
    """Blocks of a page in Markdown; line numbers count from 1."""
    blocks, n = [], 0
    while n < len(lines):
        begin = FENCE.match(lines[n])
        n += 1
        if not begin or begin["fence"].startswith(":"):
            continue
        first, text = n + 1, []
        while n < len(lines) and lines[n].strip() != begin["fence"]:
            text.append(lines[n])
            n += 1
        n += 1
        if not begin["language"].startswith("{") or "code-block" in begin["language"]:
            language = begin["language"].replace("{code-block}", "").strip()
            text = [line for line in text if not re.match(r":[a-z-]+:", line)]
            blocks.append(Block(kind_of(language, "\n".join(text)), "\n".join(text), first))
    return blocks


def directives(lines):
    """Code blocks of a page in reStructuredText."""
    blocks = []
    for n, line in enumerate(lines):
        begin = DIRECTIVE.match(line)
        if not begin:
            continue
        text = []
        for inner in lines[n + 1 :]:
            if inner.strip() and not inner.startswith(begin["indent"] + " "):
                break
            text.append(inner.strip())
        blocks.append(Block(kind_of(begin["language"], ""), "\n".join(text), n + 2))
    return blocks


def blocks_of(path, text):
    lines = text.split("\n")
    return fenced(lines) if path.endswith(".md") else directives(lines)


def inline_code(path, text):
    """Pieces of code within sentences, as (line, code)."""
    if not path.endswith(".md"):
        return []
    inside, pieces = False, []
    for n, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith(("```", "~~~")):
            inside = not inside
        elif not inside:
            pieces += [(n, code) for code in INLINE.findall(line)]
    return pieces


def logical_lines(text):
    """Lines with those that end in a backslash joined, as (number from 0, text)."""
    joined, start = "", 0
    for n, line in enumerate(text.split("\n")):
        if not joined:
            start = n
        if line.endswith("\\"):
            joined += line[:-1] + " "
            continue
        yield start, joined + line
        joined = ""
    if joined:
        yield start, joined


def words_of(line):
    """Words of a line of the shell, with operators as words of their own. Raises ValueError."""
    # a substitution is a word of the command around it
    line = re.sub(r"\$\(\([^()]*\)\)|\$\([^()]*\)", "0", line)
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    return list(lexer)


def simple_commands(line):
    """Commands of a line of the shell, each a list of words without redirections. `for x in a b`
    and `set -- a b` are no commands of anybody's program, and left away."""
    commands, words, skip = [], [], False
    for word in [*words_of(line), ";"]:
        if word in ENDS:
            if words and words[0] not in ("for", "set", "case", "in", "["):
                commands.append(words)
            words = []
        elif skip:
            skip = False
        elif re.fullmatch(r"[<>]+&?|<\(", word):
            skip = True
            if words and re.fullmatch(r"\d", words[-1]):
                words.pop()  # number of a stream
        elif not words and (word in BEFORE or ASSIGNMENT.match(word)):
            continue
        else:
            words.append(word)
    return commands
