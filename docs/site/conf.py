"""The documentation site: `make docs` writes it to the folder site/ of the repository.

The source folder is the repository itself, so that a link between two files means the same
on the site and in a repository viewer. Nothing is fetched, neither to build nor to read.
"""

from __future__ import annotations

import sys
from pathlib import Path

import adversity

sys.path.insert(0, str(Path(__file__).parent))  # the extension beside this file

project = "Adversity"
author = "the authors of Adversity"
version = release = adversity.__version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "pages",
]
root_doc = "docs/index"
source_suffix = {".md": "markdown"}
include_patterns = [
    "README.md",
    "CHANGELOG.md",
    "benchmarks/README.md",
    "docs/*.md",
    "docs/api/*.md",
    "docs/kinds/*.md",
    "integrations/*/README.md",
    "tests/thirdparty/*/README.md",
]
exclude_patterns = [".*", "site", "artifacts", "runs", "data"]
highlight_language = "text"

myst_enable_extensions = ["fieldlist", "html_image"]
myst_heading_anchors = 4

# `name` in a docstring is a link where it names something of the API, else plain code.
default_role = "py:obj"
autodoc_class_signature = "mixed"
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]
napoleon_use_rtype = False
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"
viewcode_line_numbers = True

html_theme = "furo"
html_title = f"Adversity {release}"
html_static_path = ["static"]
html_css_files = ["adversity.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_permalinks_icon = "#"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#005a9c", "color-brand-content": "#005a9c"},
    "dark_css_variables": {
        "color-brand-primary": "#6cbdf2",
        "color-brand-content": "#6cbdf2",
        "color-background-primary": "#14181d",
        "color-background-secondary": "#1c2229",
    },
    "top_of_page_buttons": [],
}
copybutton_selector = "div:not(.highlight-text) > div.highlight > pre"  # output is not copied
copybutton_exclude = ".linenos, .gp"
