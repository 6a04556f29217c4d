"""What a repository viewer shows where the site has generated text: `python docs/site/viewer.py`.

A viewer runs nothing, so the text is checked in, shorter than the site's, between the comment that
names it and `<!-- site: end -->`. A test compares it with what is installed.
"""

from __future__ import annotations

import inspect
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from catalogue import built_in, overview, parameters
from checks import checks_table
from markdown_text import code, plain, table, written
from reference import public_names

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["END", "for_a_viewer", "pages", "rewrite"]

END = "<!-- site: end -->"
_PLACE = re.compile(
    r"^(?P<head><!-- site: (?P<what>catalogue|api|checks)(?P<words>[^>]*?) -->\n)"
    rf"(?:\n(?:(?!<!-- site: ).*\n)*?{END}\n)?",
    re.MULTILINE,
)
_LONGEST = 200
_DOCS = Path(__file__).parents[1]
_PRIVATE = ("_", "model_")
"""How methods begin that nobody calls: our own, and those of pydantic."""


def pages() -> list[Path]:
    """Return the pages that have generated text."""
    folders = (_DOCS / "api", _DOCS / "kinds")
    pages = (page for folder in folders for page in sorted(folder.glob("*.md")))
    return [_DOCS / "catalogue.md", _DOCS / "kit.md", *pages]


def for_a_viewer(text: str) -> str:
    """Return a page's Markdown with its generated text as it is now."""
    return _PLACE.sub(lambda found: f"{found['head']}\n{_generated(found)}\n\n{END}\n", text)


def rewrite() -> list[Path]:
    """Bring all pages in step; return those that were not."""
    changed = []
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = for_a_viewer(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            changed.append(page)
    return changed


def _generated(found: re.Match[str]) -> str:
    if found["what"] == "catalogue":
        return "\n".join(_catalogue()).rstrip()
    if found["what"] == "checks":
        return checks_table(found["words"].strip())
    module, *names = found["words"].split()
    return "\n".join(table(("name", "what it is"), _names(module, names)))


def _catalogue() -> Iterator[str]:
    for title, listings in built_in().items():
        yield f"## {title}"
        yield ""
        yield from overview(listings)
        yield ""
        for listing, document in listings:
            yield f"### {plain(listing.name)}"
            yield ""
            yield plain(listing.summary) + (
                f" {plain(listing.reference)}." if listing.reference else ""
            )
            yield ""
            yield from parameters(document)
            yield ""


def _names(module: str, names: list[str]) -> Iterator[tuple[str, str]]:
    home = import_module(module)
    for name in public_names(home, names):
        value = getattr(home, name)
        yield code(name + _arguments(value)), _says(value)
        if inspect.isclass(value) and not issubclass(value, BaseException):
            for method, function in vars(value).items():
                if inspect.isfunction(function) and not method.startswith(_PRIVATE):
                    yield code(f"{name}.{method}{_arguments(function)}"), _says(function)


def _arguments(value: object) -> str:
    """Return the names of a function's arguments; of a class none, the site has them."""
    if not inspect.isroutine(value):
        return ""
    given = inspect.signature(value).parameters.values()
    shown = [parameter.replace(annotation=parameter.empty) for parameter in given]
    bare = [one for one in shown if one.name not in ("self", "cls")]
    return str(inspect.Signature([one.replace(default=_default(one)) for one in bare]))


def _default(parameter: inspect.Parameter) -> object:
    """Return a plain default; another one is only said to be there."""
    known = parameter.default
    if known is parameter.empty or isinstance(known, str | int | float | bool | None):
        return known
    return ...


def _says(value: object) -> str:
    """Return the first sentence of what is said of a class or function; a value shows itself."""
    if not (inspect.isroutine(value) or inspect.isclass(value)):
        shown = str(value)
        return code(shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}...")
    first, _, _ = (inspect.getdoc(value) or "").partition("\n\n")
    return written(first)


if __name__ == "__main__":
    for changed in rewrite():
        sys.stdout.write(f"{changed.relative_to(_DOCS.parent)}\n")
