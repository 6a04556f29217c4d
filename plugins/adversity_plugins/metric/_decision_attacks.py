"""What attacks on the decision to accept an answer leave: shares from the columns of their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from adversity import MeasureInfo, metrics
from adversity_plugins.metric._predictions import groups_in

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["COLUMNS", "Share", "column", "known_as", "per_row", "shares"]

COLUMNS = ("start_correct", "start_accepted", "attackable")
"""What such a table has beside the column of its objective."""


class Share(NamedTuple):
    """A share of some rows.

    Attributes:
        hit: `[N]` bool, what counts.
        over: `[N]` bool, among which rows.
        among: What these are, in words.
    """

    hit: np.ndarray[Any, Any]
    over: np.ndarray[Any, Any]
    among: str


def known_as(title: str, headline: int, *, unattacked: str = "") -> MeasureInfo:
    """Return what is known of such a share: a stronger attack can only raise it."""
    return MeasureInfo(
        0.0,
        1.0,
        attacked="at least",
        title=title,
        better="lower",
        scale="share",
        group="attack",
        headline=headline,
        unattacked=unattacked,
    )


def column(table: Table, name: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return a column of yes and no, `[N]` bool."""
    return np.asarray(table[name], dtype=np.bool_)


def shares(table: Table, parts: dict[str, Share]) -> dict[str, Measure]:
    """Return the shares of which there are rows, with intervals that allow for groups."""
    measures = {}
    for name, (hit, over, among) in parts.items():
        if over.any():
            measure = metrics.share(
                int((hit & over).sum()),
                int(over.sum()),
                better="lower",
                convention={"among": among},
            )
            measures[name] = metrics.grouped(measure, hit[over], groups_in(table, over))
    return measures


def per_row(parts: dict[str, Share]) -> dict[str, np.ndarray[Any, Any]]:
    """Return what counts of each row; NaN where a sample does not count in a share."""
    return {name: np.where(p.over, p.hit, np.nan) for name, p in parts.items() if p.over.any()}
