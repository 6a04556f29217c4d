"""A data set that a variable of the matrix reads in several versions: which one a cell reads.

The plan has each version as a data set of its own, `photos[version=v1]`; steps name `photos`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.pipeline.plan.model import Cell, PlannedData

__all__ = ["data_in", "file_name", "settings_of", "version_id", "versions_in"]


def version_id(name: str, cell: Cell) -> str:
    """Return what one version of a data set is called in the plan; its name where it has one only."""
    return f"{name}[{cell.key}]" if cell.values else name


def file_name(id_: str) -> str:
    """Return what a data set is called in the file.

    Example:
        >>> file_name("photos[version=v1]"), file_name("photos")
        ('photos', 'photos')
    """
    return id_.partition("[")[0]


def versions_in(
    data: Mapping[str, PlannedData], name: str, cell: Cell | None = None
) -> Iterator[PlannedData]:
    """Yield the versions of a data set: all, or those that agree with a cell.

    Args:
        data: Of the plan.
        name: What it is called in the file, or one version in the plan.
        cell: A variable that it lacks leaves the version open.
    """
    given = {} if cell is None else cell.as_dict()
    for id_, one in data.items():
        agrees = all(given.get(variable, value) == value for variable, value in one.cell.values)
        if name in (id_, file_name(id_)) and agrees:
            yield one


def data_in(data: Mapping[str, PlannedData], name: str, cell: Cell | None) -> PlannedData:
    """Return the version of a data set that is read in a cell; the cell matters to no other one.

    Raises:
        KeyError: If there is no such data set, or the cell leaves the version open.
    """
    if name in data or cell is None:
        return data[name]
    variables = tuple(settings_of(data, name).cell.as_dict())
    return data[version_id(name, cell.restrict(variables))]


def settings_of(data: Mapping[str, PlannedData], name: str) -> PlannedData:
    """Return some version of a data set: all but where it lies is the same in each.

    Raises:
        KeyError: If there is no such data set.
    """
    for one in versions_in(data, name):
        return one
    raise KeyError(name)
