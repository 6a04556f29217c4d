"""The same samples in two runs: which they are, and how a measure of them changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.table import PART_ROWS
from adversity.engine.summary.sample_values import are_verdicts
from adversity.metrics import paired_difference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.contracts import Measure
    from adversity.data.stored import StoredRows

__all__ = ["common_places", "convention_of", "otherwise_measured", "paired_change", "same_rows"]

Array = np.ndarray[Any, Any]
_FINITE = ("mean", "over finite values")
"""Stands in a convention where some value is infinite: it tells of the values, not of the measure."""


def common_places(now: Array, then: Array) -> tuple[Array, Array]:
    """Return the places of the ids, `[N]` each, that both runs have."""
    return np.intersect1d(now.astype(str), then.astype(str), return_indices=True)[1:]


def paired_change(now: Array, then: Array, groups: Array | None) -> Measure | str:
    """Return the paired difference, this run minus that one, or why the pairs do not tell it.

    Args:
        now: `[N]` values of this run; NaN where a sample does not count.
        then: `[N]` of the same samples in the other one.
        groups: `[N]` names or None, where the samples come in groups.
    """
    here, there = now.astype(np.float64), then.astype(np.float64)
    counted = ~(np.isnan(here) | np.isnan(there))
    # What is infinite in both runs is in neither mean; in one of them, the mean would leap.
    moved = counted & (np.isinf(here) | np.isinf(there)) & (here != there)
    if count := int(moved.sum()):
        return f"{count} of {len(now)} samples are infinite in one of the two runs"
    finite = np.isfinite(here) & np.isfinite(there)
    if not finite.any():
        return "no sample has a finite value in both runs"
    pairs = [values[finite] for values in (here, there)]
    if all(are_verdicts(values) for values in (now, then)):
        pairs = [values == 1 for values in pairs]
    change = paired_difference(*pairs, groups=None if groups is None else groups[finite])
    if change.low is not None:
        return change
    return _why_not(change) or change


def same_rows(
    now: StoredRows, then: StoredRows, *, aside: tuple[set[str], set[str]] = (set(), set())
) -> bool:
    """Say whether the rows of the common samples are the same; a few are read at once.

    Args:
        now: Of this run.
        then: Of the other one.
        aside: Columns of each of them that are left out.
    """
    names = {*now} - aside[0]
    if not names <= {*then} <= names.union(*aside):
        return False
    first, second = common_places(now["id"], then["id"])
    cuts = range(PART_ROWS, len(first), PART_ROWS)
    for here, there in zip(np.split(first, cuts), np.split(second, cuts), strict=True):
        ours, theirs = now.at(here, [*names]), then.at(there, [*names])
        for name, values in ours.items():
            if not np.array_equal(values, theirs[name], equal_nan=values.dtype.kind == "f"):
                return False
    return True


def otherwise_measured(now: Mapping[str, Any], then: Mapping[str, Any]) -> list[str]:
    """Return what differs of two records, as JSON writes it: `bins was 10 and is 15`."""
    told = []
    for name in dict.fromkeys((*now, *then)):
        was, is_ = (_written(record, name) for record in (then, now))
        if was != is_:
            told.append(f"{name} was {was} and is {is_}")
    return told


def convention_of(measure: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a measure, as JSON, says of how it was measured, and not of its values."""
    said = measure.get("convention", {})
    return {name: value for name, value in said.items() if (name, value) != _FINITE}


def _written(record: Mapping[str, Any], name: str) -> str:
    return json.dumps(record[name], sort_keys=True) if name in record else "not said"


def _why_not(change: Measure) -> str:
    """Say why a difference has no interval, where that is no sign of the same change everywhere."""
    if change.details.get("groups") == 1:
        return f"all of the {change.n} samples are of one group, which says nothing of others"
    if change.n == 1:
        return "one sample alone has a finite value in both runs, and no interval"
    if change.value == 0.0:
        return (
            f"the answers are others, but no value of {change.n} samples is: without a spread there "
            "is no interval"
        )
    return ""
