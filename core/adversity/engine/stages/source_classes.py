"""The classes of a fit's sources: one list, that of the first source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.did_you_mean import did_you_mean
from adversity.errors import DataError
from adversity.file_names import same_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["index_in"]


def index_in(
    first: Sequence[str], names: Sequence[str], labels: Mapping[str, str], where: str
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return, for each class of a source, its index among those of the first source.

    Args:
        first: The classes of the first source.
        names: Those of the other one.
        labels: What some of them are called by the first source.
        where: How messages begin.

    Raises:
        DataError: If the first source has no such class.
    """
    known = {same_name(name): index for index, name in enumerate(first)}
    called = [labels.get(same_name(name), same_name(name)) for name in names]
    unknown = [name for name in called if name not in known]
    if unknown:
        hint = did_you_mean(unknown[0], first, f"give it a `labels:` file that maps {unknown[0]}")
        raise DataError(
            f"{where}: expected the classes of the first source, {', '.join(first[:8])}, got "
            f"{', '.join(unknown[:8])}; {hint}"
        )
    return np.array([known[name] for name in called], dtype=np.int64)
