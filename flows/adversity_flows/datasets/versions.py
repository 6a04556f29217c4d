"""A data set as it is on the disk, or as it was at a commit of the project."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.data.reading import Source
from adversity.engine.calls.set_up import set_up
from adversity.errors import InputError
from adversity.pipeline.plan.in_versions import versions_in
from adversity.pipeline.plan.plugins import attempt
from adversity.registry import discover
from adversity_flows.datasets.parts import Parts, parts_of
from adversity_flows.dvc.revision import Revision

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.contracts import Dataset, PluginBase
    from adversity.pipeline.plan.model import Plan
    from adversity_flows.runs.sample_list import Reading

__all__ = ["Named", "class_folders", "data_of", "image_folder", "opened_in", "packed", "version"]


@dataclass(frozen=True, slots=True)
class Named:
    """A data set that may have versions.

    Attributes:
        plugin: It, with its parameters.
        label: What messages call it.
        location: Where it lies, relative to the project.
        prepare: How its images are prepared.
        parts: All splits of it, where it is a folder of packed files.
        reading: How such a folder is read.
    """

    plugin: PluginBase
    label: str
    location: str
    prepare: Mapping[str, int] = field(default_factory=dict)
    parts: tuple[Dataset, ...] = ()
    reading: Reading | None = None


def data_of(plan: Plan, id_: str) -> Named:
    """Return a data set of a pipeline.

    Raises:
        InputError: If it has none of that name, or it comes with a package.
    """
    planned = next(versions_in(plan.data, id_), None)
    if planned is None:
        known = ", ".join(plan.data)
        raise InputError(f"{plan.file}: expected one of its data sets, {known}, got {id_!r}")
    dataset: Any = planned.plugin
    location = dataset.location() if planned.pinned is None else planned.pinned.place
    if location is None or dataset.packaged:
        raise InputError(
            f"{plan.file}: data.{id_}: expected data of the project, got {planned.entry.label}, "
            "which comes with its package: it has that package's versions"
        )
    return Named(dataset, planned.entry.label, location, planned.prepare)


def class_folders(root: Path, folder: Path) -> Named:
    """Return a folder of the project whose sub-folders are classes.

    Raises:
        InputError: If it does not lie in the project.
    """
    path = Path(os.path.abspath(folder))  # noqa: PTH100  (`..` goes, links within the project stay)
    if not path.is_relative_to(root):
        raise InputError(f"expected PIPELINE:NAME or a folder within {root}, got {folder}")
    place = path.relative_to(root).as_posix()
    return image_folder(place)


def image_folder(place: str, labels: str | None = None) -> Named:
    """Return a folder of images, which need not be there.

    Args:
        place: Where it lies.
        labels: A CSV file in it with the labels; None: its sub-folders are classes.

    Raises:
        InputError: If one of them is no path.
    """
    plugin, faults = attempt(discover().get("dataset", "folder"), {"path": place, "labels": labels})
    if plugin is None:
        raise InputError("; ".join(faults.values()))
    return Named(plugin, f"folder {place}", place)


def packed(place: str, reading: Reading) -> Named:
    """Return a folder of packed files, with all its splits; it need not be there.

    Args:
        place: Where it lies.
        reading: By which data set it is read.

    Raises:
        InputError: If there is no such data set, or the parameters do not fit it.
    """
    parts = parts_of(place, reading)
    return Named(parts[0], f"{reading.uses} {place}", place, parts=parts, reading=reading)


@contextmanager
def version(root: Path, named: Named, revision: str | None) -> Iterator[Source]:
    """Open a version of a data set.

    Args:
        root: The project's folder.
        named: The data set.
        revision: A commit, tag or branch; None: what is on the disk.

    Raises:
        InputError: If there is no such revision, or it has no such data.
        StorageError: If neither DVC's cache nor its remote has the data.
        DataError: If the data are wrong.
    """
    if revision is None:
        yield opened_in(root, named)
        return
    found = Revision.named(root, revision)
    if found is None:
        raise InputError(
            f"expected a commit, a tag or a branch, got {revision!r}; `adversity data list` names the "
            "versions that there are"
        )
    try:
        folder = found.project_with(named.location)
        if folder is None:
            raise InputError(
                f"{revision} has no {named.location}: it is in neither git nor DVC there; "
                f"`dvc add {named.location}` and a commit make a version"
            )
        yield opened_in(folder, named)
    finally:
        found.close()


def opened_in(root: Path, named: Named) -> Source:
    """Open a data set as it lies in a folder.

    Raises:
        DataError: If the data are wrong.
    """
    if named.parts:
        return Source(Parts.opened(root, named.parts, named.label), named.prepare)
    dataset: Any = set_up(named.plugin, named.label, "cpu", root=root).plugin
    dataset.open(root)
    return Source(dataset, named.prepare)
