"""The look of the charts, and their static SVG; `chart_kinds.py` has the kinds of charts.

One look for all: every chart is drawn at one width, so that text has one size on a page; the
colours are those of the light theme, and the page's style sheet maps them to the dark one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adversity.report.values.blocks import Chart

__all__ = [
    "AXIS",
    "BASE_FONT",
    "DASHES",
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
BASE_FONT = 13
"""The size of text in a chart, in units of its width."""
_CONFIG: dict[str, Any] = {
    "background": None,
    "font": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif",
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
    "legend": {
        "labelColor": TEXT,
        "labelFontSize": BASE_FONT,
        "labelLimit": 400,
        "orient": "top",
        "direction": "vertical",
        "symbolSize": 90,
        "symbolStrokeWidth": 0,
        "title": None,
    },
    "text": {"color": TEXT, "fontSize": BASE_FONT},
}


def finished(chart: Any, *, height: int = _HEIGHT) -> dict[str, Any]:
    """Give an Altair chart its size and look, and drop the data that Altair puts in."""
    spec: dict[str, Any] = chart.properties(
        width=_WIDTH, height=height, autosize={"type": "fit", "contains": "padding"}
    ).to_dict(validate=True)
    for part in (spec, *spec.get("layer", ())):
        if "values" not in part.get("data", {}) or part["data"]["values"] == [{}]:
            part.pop("data", None)
    spec.pop("datasets", None)
    return spec | {"config": _CONFIG}


def with_data(chart: Chart) -> dict[str, Any]:
    """Return the chart's specification with its records inside."""
    return {**chart.spec, "data": {"values": [dict(record) for record in chart.records]}}


def svg(chart: Chart) -> str:
    """Draw the chart as SVG that can stand among others in one page.

    Ids get the chart's name as prefix: clip paths of two drawings would collide. Text is
    escaped by the renderer; nothing of it is a link, a script or a style.
    """
    text = _drawn(json.dumps(_jsonable(with_data(chart))))
    text = re.sub(r'\bid="([^"]+)"', rf'id="{chart.id}-\1"', text)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{chart.id}-\1)", text)


@lru_cache(maxsize=128)
def _drawn(spec: str) -> str:
    """Draw a specification once: page and markdown show the same charts."""
    import vl_convert

    drawing: str = vl_convert.vegalite_to_svg(spec)
    return drawing


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return value
