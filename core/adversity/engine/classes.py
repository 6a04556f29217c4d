"""Class names: which class of the classifier a label of the data set means."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from adversity.contracts import Classifier

__all__ = ["class_indices", "read_labels"]


def class_indices(
    names: Sequence[str],
    used: Sequence[int],
    classifier: Classifier,
    *,
    labels: Mapping[str, str] | None = None,
    data: str = "the data set",
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Map each class of a data set to the classifier's index; -1 for classes no sample has.

    A class is found by exact name, by WordNet id, or through `labels`.

    Args:
        names: The data set's classes.
        used: The classes that samples have.
        classifier: Whose classes they are mapped to.
        labels: Data set's name to classifier's name or WordNet id.
        data: What to call the data set in messages.

    Raises:
        DataError: If a used class is not the classifier's; the message lists both.
    """
    known = {name: index for index, name in reversed(list(enumerate(classifier.class_names)))}
    ambiguous = (
        {n for n in known if list(classifier.class_names).count(n) > 1}
        if labels or (len(known) < len(classifier.class_names))
        else set()
    )
    for index, synset in enumerate(classifier.synsets or ()):
        known.setdefault(synset, index)
    wanted = [(labels or {}).get(name, name) for name in names]
    found = np.array([known.get(name, -1) for name in wanted], dtype=np.int64)
    for position in sorted(set(used)):
        if found[position] < 0 or wanted[position] in ambiguous:
            _refuse(names, wanted, position, sorted(set(used)), found, classifier, data)
    return found


def _refuse(
    names: Sequence[str],
    wanted: Sequence[str],
    position: int,
    used: Sequence[int],
    found: np.ndarray[tuple[int], np.dtype[np.int64]],
    classifier: Classifier,
    data: str,
) -> None:
    if found[position] >= 0:
        raise DataError(
            f"{data}: class {wanted[position]!r} is the name of several classes of the "
            "classifier; use WordNet ids, or a `labels:` file that gives them"
        )
    missing = [names[i] for i in used if found[i] < 0]
    raise DataError(
        f"{data}: {len(missing)} of {len(used)} classes are not the classifier's: "
        f"{_some(missing)}; the classifier {type(classifier).name!r} has {_some(classifier.class_names)}."
        " Give a `labels:` file (CSV with the columns from,to) that maps them."
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def read_labels(path: Path, shown: str) -> dict[str, str]:
    """Read a `labels:` file: CSV with a header `from,to`.

    Raises:
        DataError: If the file is missing or has other columns.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{shown}: expected a CSV file of class names, got {error}") from error
    if not rows or {"from", "to"} - set(rows[0]):
        raise DataError(f"{shown}: expected the columns from,to and at least one row")
    return {row["from"]: row["to"] for row in rows}
