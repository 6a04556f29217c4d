"""Drawings without what a page has no use for: half of one with hundreds of points.

A page says what a chart shows at the figure itself, whose role hides the names of single marks from
who reads with the ears; the renderer writes one for every point all the same.
"""

from __future__ import annotations

import re

from adversity.report.charts.chart_style import FONT

__all__ = ["slim_svg"]

_TAG = re.compile(r'<(?:[^<>"]|"[^"]*")*>')
_UNUSED = re.compile(
    r' (?:(?:aria-label|aria-roledescription|aria-hidden|role|pointer-events)="[^"]*"|opacity="1"|'
    rf'font-family="{re.escape(FONT)}")'
)
"""The font is the one of the page, which a drawing in it has anyhow."""
_PLACE = re.compile(r' (?:transform|d|x1|x2|y1|y2|x|y|width|height)="[^"]*"')
_LONG = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
_EMPTY = re.compile(
    r'<path class="(?:background" d="M0,0h0v0h0Z"|foreground" d="" display="none")/>'
)


def slim_svg(text: str) -> str:
    """Leave of a drawing what is seen: no names of single marks, places to a hundredth of a unit.

    Args:
        text: As the renderer writes it, whose attributes have no `<`, `>` or `"` in them.

    Example:
        >>> slim_svg('<path aria-label="n: 3" transform="translate(73.288889,58.5)" opacity="1"/>')
        '<path transform="translate(73.29,58.5)"/>'
    """
    return _EMPTY.sub("", _TAG.sub(lambda tag: _slim_tag(tag[0]), text))


def _slim_tag(tag: str) -> str:
    return _PLACE.sub(lambda part: _LONG.sub(_rounded, part[0]), _UNUSED.sub("", tag))


def _rounded(number: re.Match[str]) -> str:
    return f"{round(float(number[0]), 2):g}"
