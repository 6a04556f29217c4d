"""What the site adds to the Markdown that a repository viewer shows as it is.

- A block under the comment `file: PATH` or `end of: PATH` gets the path as its caption.
- A `<picture>` with a dark twin becomes two images, and the theme shows the one that fits.
- The comments `site: catalogue`, `site: checks PART` and `site: api MODULE [NAME ...]` become
  what is made from the registry, the conformance kit and the docstrings.
- The first page gets the navigation.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from catalogue import catalogue_page
from checks import checks_table
from reference import api_page, as_written, contracts

if TYPE_CHECKING:
    from typing import Any

    from sphinx.application import Sphinx

__all__ = ["NAVIGATION", "for_the_site", "setup"]

NAVIGATION = {
    "Start": [
        "What Adversity is </README>",
        "Bring your model <bring-your-model>",
        "Compare two runs <compare-runs>",
        "A board over all runs <board>",
        "A number that fell <a-number-that-fell>",
        "ImageNet-C <imagenet-c>",
        "Published data sets <data-sets>",
        "Tutorial: a plugin in fifteen minutes <tutorial>",
    ],
    "Guides": [
        "A robustness engineer <engineer>",
        "A researcher <researcher>",
        "For a paper <for-a-paper>",
        "Is this the data I trained on? <data-shift>",
        "Ask people <human-studies>",
        "Scheduled looks <schedules>",
        "Notifications <notifications>",
        "Operations <operations>",
        "The report <report>",
        "gallery",
        "Which attack for what <attacks>",
        "A plugin author <plugin-author>",
        "Publish a plugin <publish>",
        "A complete package of plugins </tests/thirdparty/acme-adversity/README>",
        "A kind of plugins </tests/thirdparty/acme-inspectors/README>",
        "A kind that is only a parameter </tests/thirdparty/acme-kernels/README>",
        "Integrations <integrations>",
        "MLflow </integrations/adversity-mlflow/README>",
    ],
    "The kinds of plugins": [f"kinds/{contract.kind}" for contract in contracts()],
    "Reference": [
        "Catalogue of plugins <catalogue>",
        "The conformance kit <kit>",
        "pipeline-file",
        "command-line",
        "The contract and its versions <contract>",
        "How the code is arranged <architecture>",
    ],
    "Python API": [
        "Overview <api/index>",
        "api/calls",
        "api/contracts",
        "api/values",
        "api/metrics",
        "api/testing",
        "api/hooks",
        "api/seeding",
        "api/errors",
    ],
    "Trust": [
        "reproducibility",
        "Many machines <scale>",
        "safety",
        "Thirty-five ways to overrate a defence <traps>",
        "Other libraries under the kit <peers>",
        "Adapters to other libraries </tests/thirdparty/adversity-adapters/README>",
        "Benchmarks </benchmarks/README>",
        "What changed </CHANGELOG>",
    ],
}
"""Every page by its place in the sidebar; a page that is not there yet is left out."""

_FILE = re.compile(
    r"^<!-- (?P<what>file|end of): (?P<path>.+?) -->\n+```(?P<language>\w+)\n", re.MULTILINE
)
_IMAGE = re.compile(
    r"<picture>\s*<source [^>]*srcset=\"(?P<dark>[^\"]+)\"[^>]*>\s*"
    r"<img src=\"(?P<light>[^\"]+)\"(?P<rest>[^>]*)>\s*</picture>"
)
_SITE = re.compile(
    r"^<!-- site: (?P<what>catalogue|api|checks)(?P<words>[^>]*?) -->$"
    r"(?:\n\n(?:(?!<!-- site: ).*\n)*?<!-- site: end -->$)?",  # what a viewer shows in its place
    re.MULTILINE,
)
_BACK = re.compile(r"<a class=\"viewcode-back\" href=\"[^\"#]*#(?P<name>[^\"]+)\">\[docs\]</a>")
_REDIRECT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Adversity</title>
<meta http-equiv="refresh" content="0; url={page}.html">
<a href="{page}.html">The documentation of Adversity</a>
</html>
"""


def for_the_site(text: str) -> str:
    """Return a page's Markdown with what only the site can show."""
    text = _FILE.sub(_captioned, text)
    text = _IMAGE.sub(_both, text)
    return _SITE.sub(_generated, text)


def _captioned(found: re.Match[str]) -> str:
    path = found["path"] if found["what"] == "file" else f"the end of {found['path']}"
    return f"```{{code-block}} {found['language']}\n:caption: {path}\n\n"


def _both(found: re.Match[str]) -> str:
    """Write a light and a dark image; the alternative text stands in both."""
    twins = (("light", "only-light"), ("dark", "only-dark"))
    return "\n".join(
        f'<img src="{found[which]}" class="{shown}"{found["rest"]}>' for which, shown in twins
    )


def _generated(found: re.Match[str]) -> str:
    if found["what"] == "catalogue":
        return catalogue_page()
    name, *more = found["words"].split()
    return checks_table(name) if found["what"] == "checks" else api_page(name, more)


def _navigation(folder: Path) -> str:
    """Return the tables of contents that make the sidebar."""
    parts = []
    for caption, entries in NAVIGATION.items():
        there = "\n".join(entry for entry in entries if _exists(folder, entry))
        parts.append(f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{there}\n```\n")
    return "\n".join(parts)


def _exists(folder: Path, entry: str) -> bool:
    name = re.sub(r".*<(.+)>", r"\1", entry)
    base = folder.parent if name.startswith("/") else folder
    return (base / f"{name.lstrip('/')}.md").is_file()


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = for_the_site(source[0])
    if page == app.config.root_doc:
        source[0] += "\n" + _navigation(Path(app.srcdir, page).parent)


def _first_page(app: Sphinx, failed: Exception | None) -> None:
    """Lead from the site's folder to its first page."""
    if failed is None and app.builder.name == "html":
        text = _REDIRECT.format(page=app.config.root_doc)
        Path(app.outdir, "index.html").write_text(text, encoding="utf-8")


def _no_dead_ends(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Drop links from the source back to names that are described as another module's."""
    if page.startswith("_modules/"):
        known = app.env.domains.python_domain.objects
        there = {name for name, entry in known.items() if entry.node_id == name}
        context["body"] = _BACK.sub(
            lambda found: found[0] if found["name"] in there else "", context["body"]
        )


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", _read)
    app.connect("autodoc-process-docstring", as_written)
    app.connect("html-page-context", _no_dead_ends)
    app.connect("build-finished", _first_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
