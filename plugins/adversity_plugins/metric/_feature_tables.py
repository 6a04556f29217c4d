"""The features of two tables, as tests of whether they come from one distribution read them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity import Measure, metrics
from adversity.errors import InputError
from adversity_plugins.metric._ranked_by import named_groups

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity import Table

__all__ = ["two_measures"]

Names = np.ndarray[Any, Any]


def two_measures(
    name: str,
    test: Callable[..., Measure],
    tables: tuple[Table, Table],
    *,
    statistic: str,
    most: int,
    seed: int,
    **options: Any,
) -> dict[str, Measure]:
    """Return what a test of features finds, and its p-value as a measure of its own.

    Args:
        name: Of the metric, before the p-value's.
        test: From two arrays of features, with `groups` and `seed`, to a measure whose details have
            the p-value.
        tables: The one that `from:` names, and the one of `against:`.
        statistic: The name of what it returns.
        most: Samples of each table, whole groups, that are drawn where it has more.
        seed: Of the draws.
        options: More of the test.

    Returns:
        Nothing where a table has fewer than two samples.

    Raises:
        InputError: The features have different widths.
    """
    if min(map(len, tables)) < 2:
        return {}
    # By id, so that the order of the rows does not matter to what is drawn.
    orders = [np.argsort(table["id"].astype(str), kind="stable") for table in tables]
    names = [named_groups(table)[order] for table, order in zip(tables, orders, strict=True)]
    sizes = (len(tables[0]), len(tables[1]))
    parts = metrics.thinned(sizes, (names[0], names[1]), most=most, seed=seed)
    rows = [order[part] for order, part in zip(orders, parts, strict=True)]
    features = [_features(table, at) for table, at in zip(tables, rows, strict=True)]
    widths = [each.shape[1:] for each in features]
    if widths[0] != widths[1]:
        raise InputError(
            f"{name}: expected features of one network, got {list(widths[0])} of from: and "
            f"{list(widths[1])} of against: for each sample; compare predictions of one classifier"
        )
    groups = tuple(each[part] for each, part in zip(names, parts, strict=True))
    found = test(*features, groups=groups, seed=seed, **options)
    used = [f"{len(at)} of {size}" for at, size in zip(rows, sizes, strict=True)]
    convention = {**found.convention, "samples": f"{used[0]} against {used[1]}"}
    p_value = Measure(
        float(found.details["p_value"]), found.n, convention=convention, details=found.details
    )
    return {statistic: replace(found, convention=convention), f"{name}_p_value": p_value}


def _features(table: Table, rows: np.ndarray[Any, np.dtype[np.int64]]) -> Names:
    """Return the features of some rows in that order, reading a part of the table at a time."""
    wanted = np.zeros(len(table), dtype=np.bool_)
    wanted[rows] = True
    found, start = [], 0
    for part in table.parts():
        found.append(np.asarray(part["features"])[wanted[start : start + len(part)]])
        start += len(part)
    # The parts came in the order of the table.
    back: Names = np.concatenate(found)[np.argsort(np.argsort(rows))]
    return back
