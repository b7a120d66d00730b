"""Settings of the documentation build (.ci/docs).

Sources are the whole repository, not this folder alone: the pages, the README files of examples and
potentials, and the files at the top link to each other, and a broken link stops the build.

The C++ reference is there where MLFF_DOXYGEN names a folder of Doxygen's XML, the Python reference
where the repository has the folder python.
"""

import logging
import os
import posixpath
import re
import sys
from pathlib import Path

from docutils import nodes
from pygments.lexer import RegexLexer
from pygments.token import Comment, Keyword, Name, Number, String, Text
from sphinx import addnodes
from sphinx.util.logging import getLogger

top = Path(__file__).resolve().parent.parent

project = "mlff"
author = "mlff maintainers"
copyright = "mlff maintainers, GPL-2.0-or-later"
release = re.search(
    r"^project\(mlff VERSION ([0-9.]+)", (top / "CMakeLists.txt").read_text(), re.M
).group(1)
version = release

extensions = [
    "myst_parser",
    "sphinx.ext.graphviz",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
]
root_doc = "doc/index"
include_patterns = [
    "doc/**",
    "examples/**/README.md",
    "potentials/README.md",
    "bench/README.md",
    "unittest/data/README.md",
    "README.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
graphviz_output_format = "svg"
# every reference must lead somewhere; types of C++ and Python that are not ours are no pages here
nitpicky = True
nitpick_ignore_regex = [(r"cpp:identifier|py:.*", r".*")]
exclude_patterns = []

# the C++ reference: Doxygen reads the headers, Breathe puts them into pages
doxygen = os.environ.get("MLFF_DOXYGEN")
if doxygen:
    extensions.append("breathe")
    breathe_projects = {"mlff": doxygen}
    breathe_default_project = "mlff"
    breathe_default_members = ("members",)
    breathe_show_include = False
else:
    exclude_patterns.append("doc/api/cpp_*")

# the Python reference: the module itself, without its compiled part
python = top / "python"
if (python / "mlff").is_dir():
    sys.path.insert(0, str(python))
    extensions.append("sphinx.ext.autodoc")
    autodoc_member_order = "bysource"
    autodoc_mock_imports = ["ase", "mlff._mlff"]
else:
    exclude_patterns.append("doc/api/python.md")

html_theme = "furo"
html_title = f"mlff {release}"
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["mlff.css"]
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {
        "color-brand-primary": "#1f5f8b",
        "color-brand-content": "#1f6fa5",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7fb8dd",
        "color-brand-content": "#8cc4ea",
    },
}
# a first page that leads to doc/index.html: the output has the folders of the repository
html_extra_path = ["start"]

# Pages of the LAMMPS manual that style pages link to. They are not here to be checked against.
lammps_manual = "https://docs.lammps.org"
lammps_pages = set("""
Howto_output Run_options Speed_packages boundary comm_modify compute compute_heat_flux
compute_pair compute_pe_atom compute_pressure compute_stress_atom displace_atoms dump fix
fix_atom_swap fix_ave_atom fix_ave_time fix_gcmc fix_halt fix_heat fix_ipi fix_modify fix_nh
fix_nve fix_set fix_setforce fix_thermal_conductivity fix_widom hyper minimize neb neigh_modify
pair_coeff pair_hybrid pair_mliap pair_modify pair_pace prd read_dump read_restart rerun restart
run run_style special_bonds tad temper thermo_style units variable
""".split())


class LammpsLexer(RegexLexer):
    """Input of LAMMPS: comments, variables, and the command at the beginning of a line."""

    name = "LAMMPS"
    aliases = ["LAMMPS"]
    tokens = {
        "root": [
            (r"#.*", Comment),
            (r"^\s*[a-z]\w*", Keyword),
            (r"\$\{\w+\}|\$\w|\bv_\w+|\b[cf]_\w+", Name.Variable),
            (r"\"[^\"\n]*\"|'[^'\n]*'", String),
            (r"(?<![\w.])[-+]?\d+\.?\d*(e[-+]?\d+)?(?![\w.])", Number),
            (r"\S+", Text),
            (r"\s+", Text),
        ]
    }


def link_to_manual(app, env, node, content):
    """Links of style pages to the LAMMPS manual."""
    target = node["reftarget"]
    if node.get("reftype") != "doc" or target not in lammps_pages:
        return None
    return nodes.reference("", "", content, internal=False, refuri=f"{lammps_manual}/{target}.html")


def link_to_folders(app, doctree):
    """Links to a folder of the repository lead to its README, or are plain words without one."""
    for node in list(doctree.findall(addnodes.pending_xref)):
        if node["reftype"] != "myst":
            continue
        folder = posixpath.normpath(
            posixpath.join(posixpath.dirname(node["refdoc"]), node["reftarget"])
        )
        if not (top / folder).is_dir():
            continue
        page = posixpath.join(folder, "README")
        if page in app.env.found_docs:
            node["refdomain"], node["reftarget"] = "doc", page
            node["reftargetid"], node["refexplicit"] = None, True
        else:
            node.replace_self(node.children)


def check_form(app, doctree):
    """Links to other sites are complete addresses; nothing is asked of those sites."""
    for node in doctree.findall(nodes.reference):
        address = node.get("refuri", "")
        whole = re.fullmatch(r"https?://[\w-]+(\.[\w-]+)+(:\d+)?([/#?][^\s<>\"]*)?", address)
        if address.startswith("http") and not whole:
            getLogger(__name__).warning("no address of a page: '%s'", address, location=node)


class Namespaces(logging.Filter):
    """Each header opens the namespaces anew, which is no second declaration of something."""

    def filter(self, record):
        text = record.getMessage()
        return not ("Duplicate C++ declaration" in text and re.search(r"cpp:type:: [a-z:]+'", text))


def fields(app, what, name, obj, options, lines):
    """Paragraphs of docstrings whose lines are `name: text` become lists of fields."""
    paragraph = []
    for n, line in enumerate(lines + [""]):
        if line.strip():
            paragraph.append(n)
            continue
        heads = [n for n in paragraph if not lines[n].startswith(" ")]
        if heads and all(re.match(r"[a-z]\w*(, [a-z]\w*)*: ", lines[n]) for n in heads):
            for n in heads:
                lines[n] = ":" + lines[n]
        paragraph = []


def setup(app):
    logging.getLogger("sphinx.sphinx.domains.cpp").addFilter(Namespaces())
    app.add_lexer("LAMMPS", LammpsLexer)
    app.connect("missing-reference", link_to_manual)
    app.connect("doctree-read", link_to_folders)
    app.connect("doctree-read", check_form)
    if "sphinx.ext.autodoc" in extensions:
        app.connect("autodoc-process-docstring", fields)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
