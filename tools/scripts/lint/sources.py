"""Files of the repository and a reader of C++ that knows comments, literals and braces.

The checks of .ci/lint share this module. It is no parser of C++: it needs to know where functions
begin and end, which a matcher of braces can tell.
"""

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CXX = (".cpp", ".h", ".inl", ".cu")
# Headers that LAMMPS collects in one folder, where they have their base names alone.
STYLE_HEADER = re.compile(r"(src/(pair|fix)_\w+|kokkos/styles)/(pair|fix|compute)_\w+\.h")
REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Finding:
    """What a check complains about; exceptions name the key."""

    path: str
    line: int
    key: str
    message: str

    def __str__(self):
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.message}"


@dataclass(frozen=True)
class Function:
    """A function's name, first line of its head and line of its closing brace."""

    name: str
    first: int
    last: int

    @property
    def lines(self):
        return self.last - self.first + 1


def repository_files(root):
    """Files that git knows or would add, relative to root and sorted."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    return sorted({name for name in listed if name and (root / name).is_file()})


def is_test(path):
    """Tests are free of the limits of size."""
    return path.startswith("unittest/")


def is_source(path):
    """C++ files of the product."""
    return path.endswith(CXX) and path.startswith(("src/", "kokkos/", "tools/"))


TOKEN = re.compile(
    r"""
      (?P<comment>//(?:[^\n\\]|\\.|\\\n)*|/\*.*?\*/)
    | (?P<raw>(?:u8|[uUL])?R"(?P<fence>[^()\s\\]{0,16})\(.*?\)(?P=fence)")
    | (?P<string>"(?:[^"\\\n]|\\.|\\\n)*")
    | (?P<number>\.?[0-9](?:'?[0-9A-Za-z_.]|[eEpP][+-])*)
    | (?P<character>'(?:[^'\\\n]|\\.)+')
    | (?P<word>[A-Za-z_]\w*)
    """,
    re.S | re.X,
)


def blanked(text, literals=True):
    """The text with comments, and unless told otherwise what literals hold, replaced by spaces.

    Line ends stay, so that lines and columns are those of the file.
    """
    pieces, place = [], 0
    for token in TOKEN.finditer(text):
        kind, value = token.lastgroup, token.group()
        if token.group("raw"):
            kind = "raw"
        pieces.append(text[place : token.start()])
        place = token.end()
        if kind == "comment":
            pieces.append(re.sub(r"[^\n]", " ", value))
        elif kind in ("raw", "string", "character") and literals:
            quote = value[-1]
            inner = re.sub(r"[^\n]", " ", value[1:-1])
            pieces.append(quote + inner + quote)
        else:
            pieces.append(value)
    pieces.append(text[place:])
    return "".join(pieces)


def string_literals(text):
    """(line, contents) of all string literals outside comments and #include lines."""
    found = []
    code = blanked(text, literals=False)
    for token in TOKEN.finditer(code):
        value = token.group()
        if token.group("raw"):
            value = value[value.index("(") + 1 : value.rindex(")")]
        elif token.lastgroup == "string":
            start = code.rfind("\n", 0, token.start()) + 1
            if code[start : token.start()].strip().startswith("#"):
                continue
            value = value[1:-1]
        else:
            continue
        found.append((code.count("\n", 0, token.start()) + 1, value))
    return found


def without_preprocessor(code):
    """Blanks directives, and those #else branches whose braces do not balance on their own."""
    lines = code.split("\n")
    result = list(lines)
    branches = []  # first line of each open #else or #elif branch, or None in a first branch
    continued = False

    def close(first, last):
        part = "\n".join(result[first:last])
        if part.count("{") != part.count("}"):
            for n in range(first, last):
                result[n] = ""

    for n, line in enumerate(lines):
        directive = re.match(r"\s*#\s*(\w+)", line)
        if directive or continued:
            result[n] = ""
        if directive and not continued:
            word = directive.group(1)
            if word in ("if", "ifdef", "ifndef"):
                branches.append(None)
            elif word in ("else", "elif") and branches:
                if branches[-1] is not None:
                    close(branches[-1], n)
                branches[-1] = n + 1
            elif word == "endif" and branches:
                first = branches.pop()
                if first is not None:
                    close(first, n)
        continued = (directive is not None or continued) and line.rstrip().endswith("\\")
    return "\n".join(result)


def closing(code, place):
    """Place of the bracket that closes the one at place, or -1."""
    pairs = {"{": "}", "(": ")", "[": "]"}
    close, depth = pairs[code[place]], 0
    for n in range(place, len(code)):
        if code[n] == code[place]:
            depth += 1
        elif code[n] == close:
            depth -= 1
            if depth == 0:
                return n
    return -1


def without_template(head):
    """The head of a declaration without template<...> and attributes."""
    head = re.sub(
        r"\[\[.*?\]\]|__attribute__\s*\(\(.*?\)\)|alignas\s*\(.*?\)", " ", head, flags=re.S
    )
    while True:
        found = re.search(r"\btemplate\s*<", head)
        if not found:
            return head
        depth, end = 0, found.end() - 1
        while end < len(head):
            depth += {"<": 1, ">": -1}.get(head[end], 0)
            end += 1
            if depth == 0:
                break
        head = head[: found.start()] + head[end:]


def functions(text):
    """All functions of a C++ file; lambdas count to the function around them."""
    code = without_preprocessor(blanked(text))
    found = []
    place = head_begin = 0
    while place < len(code):
        letter = code[place]
        if letter in ";}":
            head_begin = place + 1
        elif letter in "([":
            end = closing(code, place)
            if end > 0:
                place = end
        elif letter == "{":
            place, head_begin = read_block(code, head_begin, place, found)
        place += 1
    return found


def read_block(code, head_begin, place, found):
    """Deals with the block that opens at place: goes into namespaces and classes, else skips it."""
    head = without_template(code[head_begin:place])
    head = re.sub(r"^(\s*(public|private|protected)\s*:)+", "", head)
    end = closing(code, place)
    if end < 0:
        return len(code), len(code)
    is_operator = re.search(r"\boperator\b", head)
    if re.search(r"\bnamespace\b", head) or re.search(r'\bextern\s*"\s*"\s*$', head):
        return place, place + 1
    if re.match(
        r"\s*(typedef\s+|static\s+|constexpr\s+|const\s+|inline\s+)*(class|struct|union)\b", head
    ):
        return place, place + 1
    outside = re.sub(r"\([^()]*(\([^()]*\)[^()]*)*\)", "()", head)
    assigned = "=" in outside and not is_operator
    is_lambda = assigned and outside.partition("=")[2].lstrip().startswith("[")
    if ("(" in head and not assigned) or is_lambda:
        after = re.match(r"\s*(.)", code[end + 1 :], re.S)
        if after and after.group(1) in ",{" and ":" in head:
            return end, head_begin  # the block initialises a member: the body is still to come
        found.append(describe(code, head, head_begin, place, end))
        return end, end + 1
    return end, head_begin  # a list of values, or an enumeration: ends with a semicolon


def describe(code, head, head_begin, place, end):
    """The function whose body lies between place and end."""
    start = head_begin + len(code[head_begin:place]) - len(code[head_begin:place].lstrip())
    name = re.search(r"((?:\w+(?:<[^()]*>)?::)*(?:operator\s*\(\)|operator[^(]*|~?\w+))\s*\(", head)
    lambda_name = re.search(r"(\w+)\s*=\s*\[", head)
    name = lambda_name or name
    return Function(
        re.sub(r"\s", "", name.group(1)) if name else "?",
        code.count("\n", 0, start) + 1,
        code.count("\n", 0, end) + 1,
    )


def exceptions(check, file):
    """Lines "CHECK KEY  # REASON" of the file of known exceptions: {key: reason} of one check."""
    known = {}
    if not file.is_file():
        return known
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1):
        words, _, reason = line.partition("#")
        words = words.split()
        if not words:
            continue
        if len(words) != 2 or not reason.strip():
            raise SystemExit(f"{file}:{number}: expected 'CHECK KEY  # REASON', found '{line}'")
        if words[0] == check:
            known[words[1]] = reason.strip()
    return known


def prune(check, keys, file):
    """Takes the lines of these exceptions out of the file."""
    lines = file.read_text(encoding="utf-8").split("\n")
    gone = [[check, key] for key in keys]
    file.write_text(
        "\n".join(line for line in lines if line.partition("#")[0].split() not in gone),
        encoding="utf-8",
    )


def report(check, findings, known, only_report=False, out=sys.stdout):
    """Prints what is not excepted, and exceptions without use. Returns the exit status."""
    fresh = [f for f in findings if f.key not in known]
    stale = sorted(set(known) - {f.key for f in findings})
    for finding in fresh:
        print(finding, file=out)
    for key in stale:
        print(f"{check}: the exception '{key}' is not needed any more: remove its line", file=out)
    print(f"{check}: {len(fresh)} findings, {len(known) - len(stale)} known exceptions", file=out)
    return 0 if only_report or not (fresh or stale) else 1


def run(check, description, find, arguments=None, options=None):
    """The command line that all checks have. find(root, parsed) returns the findings."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=Path, default=REPOSITORY, help="repository to look at")
    parser.add_argument(
        "--exceptions",
        type=Path,
        default=Path(__file__).with_name("exceptions.txt"),
        help="file of known exceptions",
    )
    parser.add_argument(
        "--prune", action="store_true", help="take exceptions that are not needed out of the file"
    )
    parser.add_argument("--report", action="store_true", help="print the findings, but do not fail")
    if options:
        options(parser)
    parsed = parser.parse_args(arguments)
    parsed.root = parsed.root.resolve()
    findings = find(parsed.root, parsed)
    known = exceptions(check, parsed.exceptions)
    if parsed.prune:
        prune(check, set(known) - {f.key for f in findings}, parsed.exceptions)
        known = exceptions(check, parsed.exceptions)
    return report(check, findings, known, parsed.report)
