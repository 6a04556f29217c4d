"""Ids and targets of a data set, checked before anything depends on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError

if TYPE_CHECKING:
    from adversity.contracts.values import IndexRow

__all__ = ["NUMBERS", "check_ids", "class_indices", "number_fault", "numbers_of"]

NUMBERS = "a data set whose targets are numbers names them in target_names, and has no classes"


def check_ids(ids: Sequence[object], name: str) -> None:
    """Refuse ids that are no texts, or come twice.

    Args:
        ids: Of all samples.
        name: What the data set is called in messages.

    Raises:
        DataError: With the first of them.
    """
    seen: dict[object, int] = {}
    for i, id_ in enumerate(ids):
        if not isinstance(id_, str) or not id_:
            raise DataError(f"{name}: sample {i} needs a text as its id, got {id_!r}")
        if id_ in seen:
            raise DataError(
                f"{name}: id {id_!r} comes twice (samples {seen[id_]} and {i}); ids "
                "must be unique, random streams and comparisons hang on them"
            )
        seen[id_] = i


def class_indices(
    rows: Sequence[IndexRow],
    class_names: Sequence[str],
    name: str,
    *,
    numbers: np.ndarray[Any, Any] | None = None,
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return `[N]` int64; -1 where a sample has no label.

    Args:
        rows: The index.
        class_names: What labels index.
        name: What the data set is called in messages.
        numbers: What is to be estimated, where targets are no classes: then no sample has a label.

    Raises:
        DataError: If a label is no class index.
    """
    if numbers is not None:
        return np.full(len(rows), -1, np.int64)
    return np.array([_class_index(row, class_names, name) for row in rows], dtype=np.int64)


def _class_index(row: IndexRow, class_names: Sequence[str], name: str) -> int:
    target: Any = row.target
    if target is None:
        return -1
    whole = isinstance(target, int | np.integer) and not isinstance(target, bool)
    if not whole or not 0 <= int(target) < len(class_names):
        raise DataError(
            f"{name}, sample {row.id!r}: the label must be a class index from 0 to "
            f"{len(class_names) - 1}, got {target!r}; {NUMBERS}"
        )
    return int(target)


def numbers_of(
    rows: Sequence[IndexRow],
    target_names: Sequence[str],
    class_names: Sequence[str],
    name: str,
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]] | None:
    """Return what is to be estimated, `[N, D]` float64, a row of NaN where a sample has no target.

    Args:
        rows: The index.
        target_names: What the D numbers are; none where targets are classes.
        class_names: The classes.
        name: What the data set is called in messages.

    Returns:
        None where targets are classes.

    Raises:
        DataError: If a target is not D finite numbers, or there are classes as well.
    """
    if not target_names:
        return None
    names = list(target_names)
    if class_names or len(set(names)) < len(names):
        raise DataError(
            f"{name}: expected target_names that differ, and no class_names, got {names} and "
            f"{list(class_names)[:5]}; targets are either numbers or classes"
        )
    values = np.full((len(rows), len(names)), np.nan)
    for i, row in enumerate(rows):
        if row.target is None:
            continue
        if (fault := number_fault(row.target, names)) is not None:
            raise DataError(f"{name}, sample {row.id!r}: {fault}")
        values[i] = row.target
    return values


def number_fault(target: Any, names: Sequence[str]) -> str | None:
    """Say what is wrong with a target that is to be finite numbers, one for each name, or None."""
    listed = ", ".join(names)
    wanted = f"{len(names)} finite numbers ({listed})" if len(names) > 1 else f"a number ({listed})"
    values = target.tolist() if isinstance(target, np.ndarray) else target
    several = isinstance(values, Sequence) and not isinstance(values, str | bytes)
    given = list(values) if several else [values]
    real = all(
        isinstance(one, int | float | np.integer | np.floating) and not isinstance(one, bool)
        for one in given
    )
    if real and len(given) == len(names) and bool(np.isfinite(given).all()):
        return None
    return f"expected {wanted} as target, got {target!r}; None where it has none"
