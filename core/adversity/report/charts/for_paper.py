"""Charts in the size of a paper: SVG and PDF with a width, a font size and a font."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal

from adversity.errors import InputError
from adversity.report.charts.chart_style import BASE_FONT, with_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.report.values.blocks import Chart

__all__ = ["CHARTS", "Form", "drawn_for_paper", "points_of", "vega_lite"]

CHARTS = "charts.json"
"""In a run's folder: every chart of the report as Vega-Lite, in its order."""
Form = Literal["svg", "pdf"]
_UNITS = {"pt": 1.0, "mm": 72 / 25.4, "cm": 720 / 25.4, "in": 72.0, "px": 0.75}
_LENGTH = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*")
_SIZE = re.compile(
    r'<svg\b[^>]*?\bwidth="([\d.]+)(?:px)?"[^>]*?\bheight="([\d.]+)(?:px)?"', re.DOTALL
)
_NARROWEST, _WIDEST = 50.0, 3000.0
_SMALLEST, _LARGEST = 3.0, 72.0


def vega_lite(chart: Chart) -> dict[str, Any]:
    """Return a chart as Vega-Lite that stands for itself: records inside, words under `usermeta`."""
    words = {name: getattr(chart, name) for name in ("id", "title", "finding", "caption")}
    return {**with_data(chart), "usermeta": {"adversity": words}}


def points_of(length: str) -> float:
    """Return a length in points, 72 an inch: `84mm`, `3.25in`, `240pt`.

    Raises:
        InputError: If it is none, or no width of a page.

    Example:
        >>> points_of("1in")
        72.0
    """
    found = _LENGTH.fullmatch(length)
    if found is None or found[2] not in _UNITS:
        raise InputError(
            f"expected a length with its unit ({', '.join(_UNITS)}), as in 84mm, got {length!r}"
        )
    points = float(found[1]) * _UNITS[found[2]]
    if not _NARROWEST <= points <= _WIDEST:
        raise InputError(
            f"expected a length from {_NARROWEST:g}pt to {_WIDEST:g}pt, got {length} "
            f"({points:.4g}pt)"
        )
    return points


def drawn_for_paper(
    spec: Mapping[str, Any],
    *,
    form: Form,
    width: float,
    font_size: float,
    height: float | None = None,
    font: str | None = None,
) -> bytes:
    """Draw a chart so that it is so wide, and its text so large, where it is put in unscaled.

    Everything follows the font: signs, lines and rows grow and shrink with it.

    Args:
        spec: What `vega_lite` returned.
        form: The format.
        width: In points.
        font_size: In points.
        height: In points; if not given, as the chart has it on the page.
        font: A font of this machine; if not given, a sans serif.

    Raises:
        InputError: If the font size is none, or the width cannot hold text of that size.
    """
    if not _SMALLEST <= font_size <= _LARGEST:
        raise InputError(
            f"expected a font size from {_SMALLEST:g} to {_LARGEST:g} points, got {font_size:g}"
        )
    scale = font_size / BASE_FONT
    if width / scale < 150:
        raise InputError(
            f"expected a width that holds axes with text of {font_size:g}pt, at least "
            f"{150 * scale:.0f}pt, got {width:.4g}pt; take a smaller font"
        )
    drawing = _svg(_fitted(spec, width / scale, None if height is None else height / scale, font))
    if form == "svg":
        return (_scaled(drawing, scale, "pt") + "\n").encode()
    import vl_convert

    # A number without a unit becomes so many points of the page; pt would become 4/3 of it.
    pdf: bytes = vl_convert.svg_to_pdf(_scaled(drawing, scale, ""))
    return pdf


def _svg(spec: Mapping[str, Any]) -> str:
    import vl_convert

    drawing: str = vl_convert.vegalite_to_svg(json.dumps(spec))
    return drawing


def _fitted(
    spec: Mapping[str, Any], width: float, height: float | None, font: str | None
) -> dict[str, Any]:
    """Return the chart in another size; text that was cut at the old width is at the new one."""
    fitted: dict[str, Any] = json.loads(json.dumps(spec))
    fitted["width"] = width
    if height is not None:
        fitted["height"] = height
    if font is not None:
        fitted["config"]["font"] = font
    for layer in fitted.get("layer", ()):
        mark = layer.get("mark")
        if isinstance(mark, dict) and "limit" in mark:
            mark["limit"] = min(mark["limit"], width - 10)
    return fitted


def _scaled(drawing: str, scale: float, unit: str) -> str:
    """Give an SVG its size in points; what is drawn stays as it is, in its view box."""
    found = _SIZE.search(drawing)
    if found is None:  # the renderer always writes both
        raise InputError("expected a drawing with a width and a height, got none; report it to us")
    width, height = (float(size) * scale for size in found.groups())
    head = re.sub(r'\bwidth="[^"]*"', f'width="{width:.3f}{unit}"', found[0], count=1)
    head = re.sub(r'\bheight="[^"]*"', f'height="{height:.3f}{unit}"', head, count=1)
    return drawing.replace(found[0], head, 1)
