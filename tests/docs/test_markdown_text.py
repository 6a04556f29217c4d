"""What the site's generators write of other people's words shows those words and nothing else."""

from __future__ import annotations

import html
import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from types import ModuleType

SITE = Path(__file__).parents[2] / "docs" / "site"
READER = MarkdownIt("commonmark", {"html": True}).enable("table")
WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30)


def _loaded(name: str) -> ModuleType:
    """Load a module of the site's folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, SITE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


text_of = _loaded("markdown_text")


def cells(markdown: str) -> list[str]:
    """Return the cells of a table's one row as a reader of the page sees their HTML."""
    page = READER.render("\n".join(text_of.table(("a", "b"), [(markdown, "last")])))
    return re.findall(r"<td>(.*?)</td>", page, re.DOTALL)


@given(WORDS)
def test_plain_text_is_shown_as_it_is(words: str) -> None:
    """No bar ends its cell, no sign becomes markup or HTML: any printable ASCII comes back."""
    first, last = cells(text_of.plain(words))
    assert "<" not in first
    assert html.unescape(first) == " ".join(words.split())
    assert last == "last"


@given(WORDS.filter(lambda words: words.split() != []))
@example("- a")
@example("12. a")
@example("=")
def test_plain_text_begins_no_list_and_no_heading(words: str) -> None:
    """On a line of its own it is one paragraph, below another one too."""
    page = READER.render(f"above\n\n{text_of.plain(words)}")
    found = re.fullmatch(r"<p>above</p>\n<p>(.*)</p>\n", page)
    assert found is not None
    assert html.unescape(found[1]) == " ".join(words.split())


@given(WORDS.filter(lambda words: words.split() != []))
def test_code_is_shown_as_it_is(words: str) -> None:
    """Backticks and bars in it are part of it."""
    first, last = cells(text_of.code(words))
    found = re.fullmatch(r"<code>(.*)</code>", first)
    assert found is not None
    assert html.unescape(found[1]) == " ".join(words.split())
    assert last == "last"


@pytest.mark.parametrize(
    ("promise", "shown"),
    [
        ("`eps` holds", "<code>eps</code> holds"),
        ("for |x| < 1, `a|b`", "for |x| &lt; 1, <code>a|b</code>"),
        ("<b>bold</b> *and* _more_", "&lt;b&gt;bold&lt;/b&gt; *and* _more_"),
    ],
)
def test_in_text_of_ours_only_backticks_are_markup(promise: str, shown: str) -> None:
    """A promise of the kit may name things of code, and nothing more."""
    assert cells(text_of.written(promise)) == [shown, "last"]
