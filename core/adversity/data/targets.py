"""Ids and targets of a data set, checked before anything depends on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.contracts.values import IndexRow

__all__ = ["NO_REGRESSION", "check_ids", "class_indices"]

NO_REGRESSION = "targets that are numbers or vectors (regression) are not taken yet"


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
    rows: Sequence[IndexRow], class_names: Sequence[str], name: str
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return `[N]` int64; -1 where a sample has no label.

    Args:
        rows: The index.
        class_names: What labels index.
        name: What the data set is called in messages.

    Raises:
        DataError: If a label is no class index.
    """
    return np.array([_class_index(row, class_names, name) for row in rows], dtype=np.int64)


def _class_index(row: IndexRow, class_names: Sequence[str], name: str) -> int:
    target: Any = row.target
    if target is None:
        return -1
    whole = isinstance(target, int | np.integer) and not isinstance(target, bool)
    if not whole or not 0 <= int(target) < len(class_names):
        raise DataError(
            f"{name}, sample {row.id!r}: the label must be a class index from 0 to "
            f"{len(class_names) - 1}, got {target!r}; {NO_REGRESSION}"
        )
    return int(target)
