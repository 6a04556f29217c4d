"""The catalogue and the API can be read in a repository viewer, which builds no site."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

from adversity.registry import discover

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs/site"))  # no package: Sphinx loads it in this way, too

pages, viewer = import_module("pages"), import_module("viewer")


@pytest.mark.parametrize("page", viewer.pages(), ids=lambda page: page.stem)
def test_generated_text_is_as_it_would_be_written_now(page: Path) -> None:
    """Otherwise run `python docs/site/viewer.py` and commit what it writes."""
    text = page.read_text(encoding="utf-8")
    assert viewer.for_a_viewer(text) == text, "run `python docs/site/viewer.py`"


def test_the_catalogue_has_each_built_in_with_its_parameters() -> None:
    """Under a heading of its own, which no other plugin has."""
    text = (ROOT / "docs/catalogue.md").read_text(encoding="utf-8")
    heads = [head.replace("\\", "") for head in re.findall(r"^### (.+)$", text, re.MULTILINE)]
    ours = [entry for entry in discover().entries() if entry.built_in and entry.cls is not None]
    assert heads == [entry.name for entry in ours]
    parts = dict(zip(heads, re.split(r"^### .+$", text, flags=re.MULTILINE)[1:], strict=True))
    assert len(parts) == len(heads), "two kinds have a plugin of one name: link with the kind"
    for entry in ours:
        assert entry.cls is not None
        for parameter in entry.cls.model_fields:
            assert f"| `{parameter}` |" in parts[entry.name], entry.name
    silent = re.findall(r"^\| (`\w+`) .*\|  \|$", text, re.MULTILINE)
    assert silent == [], "a parameter without a description: `Field(description=...)`"


def test_written_again_it_stays_the_same() -> None:
    """Old text between the comments goes; what stands around them stays."""
    page = "# A\n\n<!-- site: api adversity clip -->\n\nold\n\n<!-- site: end -->\n\nAfter.\n"
    once = viewer.for_a_viewer(page)
    assert "old" not in once
    assert "`clip(values, low=0.0, high=1.0)`" in once
    assert once.startswith("# A\n")
    assert once.endswith("\nAfter.\n")
    assert viewer.for_a_viewer(once) == once
    assert viewer.for_a_viewer(page.replace("\nold\n\n<!-- site: end -->\n", "")) == once


def test_the_site_has_its_own_text_in_place_of_it() -> None:
    """Not both."""
    page = viewer.for_a_viewer("<!-- site: api adversity clip -->\n\nAfter.\n")
    shown = pages.for_the_site(page)
    assert "autofunction:: adversity.clip" in shown
    assert "| name |" not in shown
    assert "site: end" not in shown
    assert shown.endswith("\nAfter.\n")
