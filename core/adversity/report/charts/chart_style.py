"""The look of the charts, and their static SVG; `chart_kinds.py` has the kinds of charts.

One look for all: every chart is drawn at one width, so that text has one size on a page; the
colours are those of the light theme, and the page's style sheet maps them to the dark one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from adversity.report.charts.drawings import UNKEPT, Drawings
from adversity.report.charts.renderer import draw, renderer

if TYPE_CHECKING:
    from adversity.report.values.blocks import Chart

__all__ = [
    "AXIS",
    "BASE_FONT",
    "DASHES",
    "FONT",
    "MAX_SERIES",
    "SERIES_COLOURS",
    "SHAPES",
    "TEXT",
    "finished",
    "svg",
    "with_data",
]

SERIES_COLOURS = ("#0060C0", "#D55E00", "#009E73", "#D36BAE", "#4C370B", "#1B2128")
"""Six colours at 3:1 or better on white, distinct under the three colour blindnesses."""
MAX_SERIES = len(SERIES_COLOURS)
DASHES = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 4], [12, 4])
SHAPES = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross")
TEXT, MUTED, GRID, AXIS = "#1C2229", "#55606C", "#D8DEE5", "#8A94A0"
_WIDTH, _HEIGHT = 440, 270
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
"""Which Vega-Lite it is, for who reads it elsewhere; nothing loads it."""
FONT = "system-ui, -apple-system, Segoe UI, Roboto, sans-serif"
"""That of `style.css`."""
BASE_FONT = 13
"""The size of text in a chart, in units of its width."""
_CONFIG: dict[str, Any] = {
    "background": None,
    "font": FONT,
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED,
        "titleColor": TEXT,
        "labelFontSize": BASE_FONT,
        "titleFontSize": BASE_FONT,
        "titleFontWeight": 500,
        "gridColor": GRID,
        "domainColor": AXIS,
        "tickColor": AXIS,
    },
    "axisQuantitative": {"labelOverlap": True, "labelSeparation": 8},
    "axisBand": {"labelOverlap": "greedy"},
    "legend": {
        "labelColor": TEXT,
        "labelFontSize": BASE_FONT,
        "labelLimit": 370,
        "orient": "top",
        "direction": "vertical",
        "symbolSize": 90,
        "symbolStrokeWidth": 0,
        "title": None,
    },
    "text": {"color": TEXT, "fontSize": BASE_FONT},
}


def finished(chart: Mapping[str, Any], *, height: int = _HEIGHT) -> dict[str, Any]:
    """Give a view of Vega-Lite, with a mark or with layers, its size and look."""
    return {
        "$schema": _SCHEMA,
        **chart,
        "width": _WIDTH,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "config": _CONFIG,
    }


def with_data(chart: Chart) -> dict[str, Any]:
    """Return the chart's specification with its records inside."""
    return {**chart.spec, "data": {"values": [dict(record) for record in chart.records]}}


def svg(chart: Chart, drawings: Drawings = UNKEPT) -> str:
    """Draw the chart as SVG that can stand among others in one page.

    Ids get the chart's name as prefix: clip paths of two drawings would collide. Text is
    escaped by the renderer; nothing of it is a link, a script or a style.

    Args:
        chart: What to draw.
        drawings: Where it may lie, drawn before.
    """
    text = _drawn(json.dumps(_jsonable(with_data(chart))), drawings)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{chart.id}-\1"', text)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{chart.id}-\1)", text)


def _drawn(spec: str, drawings: Drawings) -> str:
    """Return a drawing; one of something that lies elsewhere is of what is there now."""
    known = renderer()
    if not known or '"url"' in spec:
        return draw(spec)
    return drawings.drawn("chart", spec, known, draw=partial(draw, spec))


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return value
