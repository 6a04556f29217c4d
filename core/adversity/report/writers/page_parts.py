"""What every page is made with: templates that escape, a strict content policy, style and script."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from adversity.report.doubts.judgement import SIGNS, WORDS
from adversity.report.values.blocks import MAX_ROWS, Chart, Code, Table, Text
from adversity.report.words.wording import NOTHING, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["asset", "environment", "policy"]

_TEMPLATES = files("adversity.report") / "templates"
_CARD, _CARDS = 14, 120
"""Lines of a card, and of all cards of a table: five screens of a telephone."""


def policy(style: str, scripts: Sequence[str]) -> str:
    """Return a content policy that lets exactly these blocks run, and nothing load."""
    allowed = " ".join(_digest(script) for script in scripts if script)
    return (
        f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {allowed}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def asset(name: str) -> str:
    """Return a style sheet or a script that lies beside the templates."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the templates: all text is escaped, and what cannot be seen in it is written out."""
    from jinja2 import Environment as Templates
    from jinja2 import PackageLoader, StrictUndefined
    from markupsafe import Markup

    templates = Templates(
        loader=PackageLoader("adversity.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: (
            plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        ),
    )
    templates.tests.update(
        {
            "chart": lambda block: isinstance(block, Chart),
            "code": lambda block: isinstance(block, Code),
            "table": lambda block: isinstance(block, Table),
            "words": lambda block: isinstance(block, Text),
        }
    )
    templates.globals.update({"SIGNS": SIGNS, "WORDS": WORDS})
    templates.filters |= {
        "shown": _shown,
        "first_sentence": _first_sentence,
        "isolated": _isolated,
        "step": _step,
        "shape": _shape,
    }
    return templates


def _shape(table: Table) -> str:
    """Return the classes of a table: few rows are cards on a telephone, many stay a table there."""
    small = len(table.columns) <= _CARD and len(table.columns) * len(table.rows) <= _CARDS
    cards = small and not table.shades
    return " ".join(
        name
        for name, asked in (
            ("cards", cards),
            ("sortable", table.sortable and len(table.rows) > 1),
        )
        if asked
    )


def _first_sentence(text: str) -> str:
    """Return what a caption says first: enough to know what a table is of."""
    return text.partition(". ")[0].rstrip(".")


def _isolated(value: object) -> Markup:
    """Write a cell; letters that may run from the right are kept from turning those around them."""
    from markupsafe import Markup, escape

    text = plain(value)
    return escape(text) if text.isascii() else Markup("<bdi>{}</bdi>").format(text)


def _step(records: Sequence[object]) -> int:
    """Return of how many rows of a chart's table twin one is shown, so that curves stay small."""
    return max(1, -(-len(records) // MAX_ROWS))


def _shown(value: Any) -> str:
    """Write a value of a chart's table twin."""
    if value is None:
        return NOTHING
    return f"{value:.4g}" if isinstance(value, float) else str(value)
