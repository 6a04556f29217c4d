"""One chart with the marks of several revisions over each other, for `dvc plots diff`.

DVC gives a template the rows of all revisions, each with its revision in the column `rev`, in the
order in which they were named, but the working folder, `workspace`, first. That, or the last one
named, is drawn in full, with solid lines; the others are paler and dashed, in the same colours, so
that a series is found again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.report.charts.chart_style import DASHES, SERIES_COLOURS, SHAPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["over_each_other"]

_REVISION = "rev"
_SHARE = 0.45
"""How strong a revision's marks are beside those of the revision named after it."""
_FADED = 0.15
"""How strong a series is that the reader has not picked in the legend."""
_LOWER, _ROW_HEIGHT = 9, 46
"""Pixels: how far a revision's mark lies below the next one's in a row, and how high a row is."""
_RANGES = {"color": SERIES_COLOURS, "shape": SHAPES, "strokeDash": DASHES}


def over_each_other(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a chart's specification with the rows of all revisions in one drawing.

    Args:
        spec: Of one kind of `chart_kinds`, or bars; its data are put in by the caller.

    Returns:
        The specification. It needs a column `rev` beside those of the chart; with one revision it
        shows what the chart shows. A series, or a row, that only one revision has is drawn, too.
    """
    views: Sequence[Mapping[str, Any]] = spec.get("layer", [spec])
    drawn = _Drawn(
        rows=any(_field(view, "y") == "row" for view in views),
        series=any(_field(view, "color") == "series" for view in views),
    )
    transform = [*_AGES, *drawn.same_rows(), *_bars(views[0])]
    inside = {key: value for key, value in spec.items() if key not in {"autosize", "config"}}
    if any(view["mark"]["type"] == "rect" for view in views if isinstance(view["mark"], dict)):
        return _each_below(inside)
    if drawn.rows:
        inside["height"] = {"step": _ROW_HEIGHT}
    if "layer" in spec:
        return inside | {"layer": [drawn.view(view) for view in views], "transform": transform}
    return inside | drawn.view(spec) | {"transform": transform}


def _each_below(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a chart for each revision: grounds and numbers over each other could not be read."""
    outside = {key: spec[key] for key in ("$schema", "data", "params") if key in spec}
    own = {key: value for key, value in spec.items() if key not in {*outside, "padding"}}
    return outside | {"facet": {"row": _revision(title=None)}, "spec": own}


_AGES: tuple[dict[str, Any], ...] = (
    {"window": [{"op": "row_number", "as": "rev_row_number"}]},
    {
        "calculate": "datum.rev_row_number + (datum.rev === 'workspace' ? 1e9 : 0)",
        "as": "rev_place",
    },
    {
        "joinaggregate": [{"op": "min", "field": "rev_place", "as": "rev_first"}],
        "groupby": [_REVISION],
    },
    {
        "window": [{"op": "dense_rank", "as": "rev_age"}],
        "sort": [{"field": "rev_first", "order": "descending"}],
    },
)
"""What numbers the revisions: `rev_age` is 1 for what is there now, 2 for the one before it."""


class _Drawn:
    """How one chart's marks are told apart.

    Attributes:
        rows: It is a chart with a named row for each record.
        series: Its colours are those of series.
    """

    def __init__(self, *, rows: bool, series: bool) -> None:
        self.rows = rows
        self.series = series

    def same_rows(self) -> list[dict[str, Any]]:
        """Return what finds a row in each revision: by its name, since a new one moves others."""
        if not self.rows:
            return []
        group = [_REVISION, "label", *(["series"] if self.series else [])]
        newest = {"op": "min", "field": "rev_age", "as": "rev_newest"}
        return [
            {"window": [{"op": "row_number", "as": "rev_same_name"}], "groupby": group},
            {"calculate": "datum.label + ' ' + datum.rev_same_name", "as": "rev_row"},
            {"joinaggregate": [newest], "groupby": ["rev_row"]},
        ]

    def view(self, view: Mapping[str, Any]) -> dict[str, Any]:
        """Draw the marks of each revision apart from those of the others."""
        encoding: dict[str, Any] = {
            name: _of_all_revisions(name, channel) for name, channel in view["encoding"].items()
        }
        if "data" in view or not any(_field(view, name) for name in encoding):
            return dict(view)  # a line for the eye, which no revision changes
        mark = dict(view["mark"]) if isinstance(view["mark"], dict) else {"type": view["mark"]}
        if mark["type"] == "text":
            once = {"filter": "datum.rev_age === datum.rev_newest"}
            return {
                **view,
                "encoding": encoding,
                "transform": [*view.get("transform", ()), once],
            }
        if "tooltip" in encoding:
            encoding["tooltip"] = [_revision(title="revision"), *encoding["tooltip"]]
        self._fade(mark, encoding)
        self._apart(mark, encoding)
        return {**view, "mark": mark, "encoding": encoding}

    def _fade(self, mark: dict[str, Any], encoding: dict[str, Any]) -> None:
        """Draw marks of revisions before the last one paler."""
        shares = [_SHARE**age for age in range(len(DASHES))]
        if mark["type"] == "bar" or (mark["type"] == "point" and not self._lines(encoding)):
            full = 0.7 if mark["type"] == "bar" and "x2" in encoding else 1
            encoding["opacity"] = _revision(
                sort=_LAST_FIRST,
                scale={"range": [full * share for share in shares]},
                legend={"title": None},
            )
            return
        picked = encoding.get("opacity", {}).get("condition")
        full = picked["value"] if picked else mark.pop("opacity", 1)
        paler = {"expr": f"{full} * pow({_SHARE}, datum.rev_age - 1)"}
        encoding["opacity"] = {"value": paler}
        if picked:
            encoding["opacity"] = {
                "condition": {"param": picked["param"], "value": paler},
                "value": full * _FADED,
            }

    def _lines(self, encoding: Mapping[str, Any]) -> bool:
        """Say whether a mark belongs to lines, whose dashes tell the revisions."""
        return not self.rows and _name(encoding.get("color", {})) == "series"

    def _apart(self, mark: dict[str, Any], encoding: dict[str, Any]) -> None:
        """Keep marks of two revisions at one place apart: below, dashed, wider or beside."""
        if _beside({"mark": mark, "encoding": encoding}):
            order = {"op": "min", "field": "rev_order"}
            encoding["xOffset"] = {"field": "rev_bar", "type": "nominal", "sort": order}
        if mark["type"] in {"point", "rule", "tick"}:
            encoding["order"] = {"field": "rev_age", "type": "quantitative", "sort": "descending"}
        if self.rows:
            mark["yOffset"] = {"expr": f"{_LOWER} * (datum.rev_age - 1)"}
        if mark["type"] in {"line", "area"}:
            own = encoding.get("detail", [])
            encoding["detail"] = [*(own if isinstance(own, list) else [own]), _revision()]
        if mark["type"] == "line" and not self.rows:
            legend = {"title": None, "symbolType": "stroke", "symbolStrokeWidth": 2}
            legend |= {"symbolSize": 500}  # long enough for dashes
            scale = {"range": list(DASHES)}
            encoding["strokeDash"] = _revision(sort=_LAST_FIRST, scale=scale, legend=legend)
        if mark["type"] == "rule" and not self.rows:
            width = mark.pop("strokeWidth", 1)
            wide = {"test": "datum.rev_age > 1", "value": 3 * width}
            encoding["strokeWidth"] = {"condition": wide, "value": width}


_LAST_FIRST = {"op": "max", "field": "rev_place", "order": "descending"}


def _beside(view: Mapping[str, Any]) -> bool:
    """Say whether bars of revisions stand beside each other: not where x is a scale."""
    return view["mark"]["type"] == "bar" and "x2" not in view["encoding"]


def _bars(view: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what puts the bars of all revisions of a series side by side, and then the next's."""
    if not isinstance(view["mark"], dict) or not _beside(view):
        return []
    series = _field(view, "xOffset")
    name = f"datum.{series} + ' ' + datum.rev" if series else "datum.rev"
    first = {"op": "min", "field": "rev_place", "as": "rev_series"}
    return [
        {"joinaggregate": [first], "groupby": [series] if series else []},
        {"calculate": name, "as": "rev_bar"},
        {"calculate": "1000 * datum.rev_series - datum.rev_age", "as": "rev_order"},
    ]


def _of_all_revisions(name: str, channel: Any) -> Any:
    """Return a channel whose scale has room for what only another revision has."""
    if name == "detail" and _name(channel) == "row":
        return {**channel, "field": "rev_row"}
    if name == "y" and _name(channel) == "row":
        order = {"op": "min", "field": "row"}
        return {**channel, "field": "rev_row", "type": "nominal", "sort": order}
    if name in _RANGES and _name(channel) == "series":
        own = list(channel.get("scale", {}).get("range", ()))
        more = [value for value in _RANGES[name] if value not in own]
        # One legend: in layers, those of two channels with scales of their own never become one.
        legend = {} if name == "color" else {"legend": None}
        return {**channel, **legend, "sort": None, "scale": {"range": own + more}}
    return channel


def _revision(**more: Any) -> dict[str, Any]:
    return {"field": _REVISION, "type": "nominal", **more}


def _name(channel: Any) -> str | None:
    return channel.get("field") if isinstance(channel, dict) else None


def _field(view: Mapping[str, Any], channel: str) -> str | None:
    return _name(view.get("encoding", {}).get(channel))
