"""Parts of Vega-Lite that the charts share: channels, layers, and the pick in the legend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "DOWN",
    "INTERVAL",
    "Spec",
    "coloured",
    "free",
    "layer",
    "named",
    "names_beside",
    "numbers",
    "pickable",
    "row_names",
    "share",
    "shown",
    "silent",
    "tooltip",
]

Spec = dict[str, Any]
"""Vega-Lite, or a part of it."""
DOWN: Spec = {
    "y": {
        "field": "row",
        "type": "ordinal",
        "axis": None,
        "scale": {"paddingInner": 0.1, "paddingOuter": 0.3},
    }
}
"""Rows under each other."""
INTERVAL = (("value", "value", "Q"), ("low", "low", "Q"), ("high", "high", "Q"), ("n", "n", "N"))
"""What a tooltip says of a measure."""
_TYPES = {"Q": "quantitative", "N": "nominal"}
_FADED = 0.15
"""What is left of the opacity of a series that the reader has not picked."""


def numbers(field: str, title: str, **more: Any) -> Spec:
    """Return a column of numbers as a channel with a title."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def named(field: str, scale: Spec, **more: Any) -> Spec:
    """Return a column of names as a channel whose legend has no title."""
    return {"field": field, "type": "nominal", "scale": scale, "title": None, **more}


def silent(field: str, scale: Spec) -> Spec:
    """Return a column of names that no legend explains."""
    return {"field": field, "type": "nominal", "scale": scale, "legend": None}


def coloured(names: Sequence[str], values: Sequence[Any]) -> Spec:
    """Return a scale that gives each name its value: a colour, a dash, a shape."""
    return {"domain": list(names), "range": list(values[: len(names)])}


def layer(mark: Spec, *channels: Spec, **more: Any) -> Spec:
    """Return a mark with its channels; later ones stand in for earlier ones."""
    encoding = {name: channel for part in (*channels, more) for name, channel in part.items()}
    return {"mark": mark, "encoding": encoding}


def shown(opacity: float) -> Spec:
    """Fade a series that the reader has not picked in the legend."""
    return {"condition": {"param": "picked", "value": opacity}, "value": opacity * _FADED}


def pickable(layers: Sequence[Spec]) -> Spec:
    """Let the legend pick a series of these layers.

    The parameter stands at the top and names the view it is of: there a template for
    `dvc plots`, which draws the layers of all revisions, can keep it.
    """
    picked = {"type": "point", "fields": ["series"]}
    parameter = {"name": "picked", "select": picked, "bind": "legend", "views": ["first"]}
    return {"layer": [{**layers[0], "name": "first"}, *layers[1:]], "params": [parameter]}


def tooltip(*fields: tuple[str, str, str]) -> list[Spec]:
    """Return what is said at a mark: column, title, and `Q` for a number or `N` for a name."""
    return [
        {"field": name, "type": _TYPES[kind], "title": title}
        | ({"format": ".4~g"} if kind == "Q" else {})
        for name, title, kind in fields
    ]


def row_names(above: int) -> Spec:
    """Write the label of each row at its left end, so far over it."""
    mark = {"type": "text", "align": "left", "baseline": "bottom", "dy": above}
    label = {"field": "label", "type": "nominal"}
    return layer({**mark, "fontSize": 13, "limit": 420}, DOWN, x={"value": 0}, text=label)


def names_beside(width: int) -> Spec:
    """Write the label of each row in front of it, about so many pixels wide."""
    mark = {"type": "text", "align": "right", "baseline": "middle", "dx": -8}
    label = {"field": "label", "type": "nominal"}
    return layer({**mark, "fontSize": 13, "limit": width + 40}, DOWN, x={"value": 0}, text=label)


def share(top: float) -> Spec:
    """Return the scale of a share that ends at `top`; a whole end is written without a point."""
    return {"domain": [0, int(top) if top == int(top) else top]}


def free(*, zero: bool, ends: tuple[float | None, float | None]) -> Spec:
    """Return the scale of values that are no shares, as far as their ends are known."""
    low, high = ends
    fixed = {} if low is None else {"domainMin": low}
    fixed |= {} if high is None else {"domainMax": high}
    return {"zero": zero or bool(fixed), "padding": 10, **fixed}
