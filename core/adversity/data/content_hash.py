"""What a data set's samples are known by: a hash of all that is known of them, or of what is seen."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts.dataset import Dataset
    from adversity.contracts.values import IndexRow

__all__ = ["array_sha256", "known", "seen", "told_of", "values_sha256"]


def values_sha256(values: Any) -> str:
    """Return the SHA-256 of JSON values."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def array_sha256(array: np.ndarray[Any, Any]) -> str:
    """Return the SHA-256 of an array's values, type and shape."""
    digest = hashlib.sha256(f"{array.dtype}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def told_of(dataset: Dataset, prepare: Mapping[str, int]) -> dict[str, Any]:
    """Return what is hashed of a data set as a whole: its classes, and how images are prepared.

    Args:
        dataset: An opened one.
        prepare: The steps every image goes through.
    """
    whole: dict[str, Any] = {"classes": tuple(dataset.class_names), "prepare": dict(prepare)}
    members = {name: tuple(of) for name, of in dataset.class_members.items()}
    return whole | ({"class_members": members} if members else {})


def known(row: IndexRow, target: int) -> list[Any]:
    """Return all that is known of a sample, as JSON values."""
    facts = [row.id, target, row.group, row.shape, row.content, sorted(row.attributes.items())]
    return facts if row.reference is None else [*facts, row.reference]


def seen(row: IndexRow, reference: Sequence[int] | None) -> list[Any]:
    """Return what is seen of a sample where nobody says what it is, as JSON values.

    Its id says which draws it gets and where it stands; images are grouped by their size and that
    of their `reference`, (C, H, W) or None.
    """
    return [row.id, row.shape, row.content, reference]
