"""What a data set says of its samples beside their labels, as columns: groups and attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adversity.data.reading import Source

__all__ = [
    "ATTRIBUTE",
    "GROUP",
    "group_names",
    "grouped_counts",
    "grouping_column",
    "groups_of",
    "of_samples",
    "sample_columns",
]

GROUP = "group"
"""The column of groups: text, None for a sample without one."""
ATTRIBUTE = "attribute_"
"""Before the names of attributes, so that none hides a column of the core."""

Columns = dict[str, np.ndarray[Any, Any]]


def sample_columns(source: Source, name: str) -> Columns:
    """Return `group` and a column for each attribute, in the data set's order; none it has not.

    Texts have None, numbers (float64) NaN, where a sample lacks the attribute.

    Args:
        source: The data set.
        name: What it is called in messages.

    Raises:
        DataError: If an attribute is a text here and a number there.
    """
    columns: Columns = {}
    if any(group is not None for group in source.groups):
        columns[GROUP] = np.array(source.groups, dtype=object)
    names = sorted({attribute for given in source.attributes for attribute in given})
    for attribute in names:
        columns[ATTRIBUTE + attribute] = _column(source.ids, source.attributes, attribute, name)
    return columns


def grouping_column(by: str) -> str:
    """Return the column that `by:` means: `group` itself, else an attribute."""
    return GROUP if by == GROUP else ATTRIBUTE + by


def of_samples(names: Iterable[str]) -> list[str]:
    """Return those of a table's columns that say something of the samples, in their order."""
    return [name for name in names if name == GROUP or name.startswith(ATTRIBUTE)]


def groups_of(column: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return which samples are of each group, `[N]` bool by the group's name, in order of value.

    A sample without a value (None, NaN) is in none.

    Args:
        column: `[N]` texts, or float64.

    Example:
        >>> {name: rows.tolist() for name, rows in groups_of(np.array([8.0, np.nan, 0.5])).items()}
        {'0.5': [False, False, True], '8': [True, False, False]}
    """
    if column.dtype == object:
        named = {str(value): column == value for value in column.tolist() if value is not None}
        return {name: named[name] for name in sorted(named)}
    values = np.unique(column[~np.isnan(column)]).tolist()
    return {_written(value): column == value for value in values}


def group_names(column: np.ndarray[Any, Any]) -> tuple[str | None, ...]:
    """Return the name of each sample's group, as `groups_of` has it; None without a value.

    Example:
        >>> group_names(np.array([8.0, np.nan, 0.5]))
        ('8', None, '0.5')
    """
    if column.dtype == object:
        return tuple(None if value is None else str(value) for value in column.tolist())
    return tuple(None if np.isnan(value) else _written(value) for value in column.tolist())


def _written(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def grouped_counts(source: Source) -> tuple[int, int] | None:
    """Return how many samples share a group with another, and in how many groups; None if none."""
    sizes: dict[str, int] = {}
    for group in source.groups:
        if group is not None:
            sizes[group] = sizes.get(group, 0) + 1
    shared = [size for size in sizes.values() if size > 1]
    return (sum(shared), len(shared)) if shared else None


def _column(
    ids: Sequence[str], attributes: Sequence[Mapping[str, Any]], attribute: str, name: str
) -> np.ndarray[Any, Any]:
    first: dict[bool, int] = {}
    for i, given in enumerate(attributes):
        if attribute in given:
            first.setdefault(isinstance(given[attribute], str), i)
    if len(first) > 1:
        raise DataError(
            f"{name}: expected one type of the attribute {attribute!r}, got the text "
            f"{attributes[first[True]][attribute]!r} of sample {ids[first[True]]!r} and the number "
            f"{attributes[first[False]][attribute]!r} of sample {ids[first[False]]!r}; write both as one"
        )
    if True in first:
        return np.array([given.get(attribute) for given in attributes], dtype=object)
    return np.array([given.get(attribute, np.nan) for given in attributes], dtype=np.float64)
