"""The column that samples are ranked by, so that a larger value says: less sure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from adversity import Plot, metrics
from adversity.did_you_mean import did_you_mean
from adversity.errors import DataError, InputError
from adversity_plugins.metric._predictions import groups_in

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["CONFIDENCE", "named_groups", "ranked", "said_of", "sides_in_groups", "told_apart"]

_BARS = 30
_SIDES: tuple[Literal["unknown", "known"], ...] = ("unknown", "known")

CONFIDENCE = "confidence"
"""The one column that every prediction has, and the one that is smaller where it is less sure."""


def ranked(table: Table, score: str, *, metric: str, step: str) -> np.ndarray[Any, Any]:
    """Return the score of each sample, `[N]`, so that a larger one means less sure.

    Args:
        table: With the column.
        score: Its name.
        metric: Who asks, for messages.
        step: The key that names the table, for messages.

    Raises:
        InputError: The table has no such column.
        DataError: The column does not hold one number for each sample.
    """
    if not table.has(score):
        columns = ", ".join(table.columns)
        hint = did_you_mean(score, table.columns)
        raise InputError(
            f"{metric}: expected a column {score!r} in the table that {step} names, got "
            f"{columns}; {hint or 'name one of these with score'}"
        )
    values = np.asarray(table[score])
    fault = _fault(values, table["id"])
    if fault:
        raise DataError(
            f"{metric}: expected a number for each sample in the column {score!r} of the "
            f"table that {step} names, got {fault}; name another column with score"
        )
    return -values.astype(np.float64) if score == CONFIDENCE else values


def named_groups(table: Table) -> np.ndarray[Any, Any]:
    """Return a name of its group for each sample, `[N]`: one of its own, where it has none."""
    ids = table["id"].tolist()
    groups = table["group"].tolist() if table.has("group") else [None] * len(ids)
    names = np.empty(len(ids), dtype=object)
    for at, (own, group) in enumerate(zip(ids, groups, strict=True)):
        names[at] = ("sample", own) if group is None else ("group", group)
    return names


def sides_in_groups(
    known: Table, unknown: Table
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
    """Return the groups of both sides, by one name where they are one; None where none is shared."""
    if groups_in(known) is None and groups_in(unknown) is None:
        return None
    return named_groups(known), named_groups(unknown)


def told_apart(
    known: np.ndarray[Any, Any],
    unknown: np.ndarray[Any, Any],
    groups: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None,
) -> dict[str, Measure]:
    """Return FPR95 in both directions, and AUPR with either side as positive, by name.

    Args:
        known: `[N]` scores, larger = less sure.
        unknown: `[M]` scores.
        groups: Of both, or None.
    """
    turned = None if groups is None else (groups[1], groups[0])
    found = {
        f"fpr95_{side}_positive": metrics.fpr_at_95_tpr(
            known, unknown, positive=side, groups=groups
        )
        for side in _SIDES
    }
    plot = _both_histograms(known, unknown)
    if plot is not None:
        first = found["fpr95_unknown_positive"]
        details = {**first.details, "plot": plot.as_json()}
        found["fpr95_unknown_positive"] = replace(first, details=details)
    found["aupr_unknown"] = metrics.average_precision(known, unknown, groups=groups)
    found["aupr_known"] = metrics.average_precision(-unknown, -known, groups=turned)
    return found


def _both_histograms(known: np.ndarray[Any, Any], unknown: np.ndarray[Any, Any]) -> Plot | None:
    """Lay the scores of both sides over each other; None where all are one number or infinite.

    Between the quantiles of 0.5 and 99.5 %, so that a single far score does not make all others one
    bar; what is beyond counts in the outermost bars.
    """
    scores = np.concatenate([known, unknown]).astype(np.float64)
    finite = scores[np.isfinite(scores)]
    if not len(finite):
        return None
    low, high = np.quantile(finite, [0.005, 0.995])
    edges = np.linspace(low, high, _BARS + 1)
    if not (np.diff(edges) > 0).all():
        return None
    shares = {
        name: (np.histogram(np.clip(side, low, high), edges)[0] / len(side)).tolist()
        for name, side in (("known", known), ("unknown", unknown))
    }
    return Plot("histogram", edges.tolist(), shares, "score, larger where less sure", "share")


def said_of(score: str) -> dict[str, str]:
    """Return what a convention says of the column."""
    sure = "small" if score == CONFIDENCE else "large"
    return {"score": f"{score}, {sure} where the model is less sure"}


def _fault(values: np.ndarray[Any, Any], ids: np.ndarray[Any, Any]) -> str:
    """Say why samples cannot be ranked by a column; empty where they can."""
    if values.ndim != 1:
        return f"{values[0].size} for each"
    if values.dtype.kind not in "iuf":
        return "yes and no" if values.dtype.kind == "b" else f"{values[0]!r}"
    lacking = ids[np.isnan(values)]
    return (
        f"none for {len(lacking)} of {len(values)}, {lacking[0]} among them" if len(lacking) else ""
    )
