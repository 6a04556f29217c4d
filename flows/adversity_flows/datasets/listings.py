"""The samples of a version by its list, where git has one, so that the images need not be read."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING

from adversity.errors import DataError
from adversity.pipeline.read.revisions import content_at
from adversity_flows.datasets.listed import tracked_places
from adversity_flows.datasets.versions import Named, class_folders, packed, version
from adversity_flows.dvc.revision import Revision
from adversity_flows.dvc.track import is_as_tracked
from adversity_flows.runs.sample_list import SampleList, list_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from adversity_flows.datasets.compared import Listing

__all__ = ["folder_data", "list_of", "listed_version"]


def folder_data(root: Path, folder: Path, revisions: Sequence[str | None] = (None,)) -> Named:
    """Return a folder of the project, read as its list of samples says.

    Args:
        root: The project's folder.
        folder: The folder.
        revisions: Where a list is looked for, after the disk.

    Returns:
        Without a list, a folder whose sub-folders are classes.

    Raises:
        InputError: If it does not lie in the project.
        DataError: If what is in the list's place is none.
    """
    named = class_folders(root, folder)
    for revision in dict.fromkeys([None, *revisions]):
        with _list_at(root, named.location, revision) as path:
            if path is not None:
                return packed(named.location, SampleList.head(path)[0])
    return named


def list_of(root: Path, place: str, md5: str) -> SampleList | None:
    """Return the list that lies beside the data on the disk; None if it is of other data.

    Raises:
        DataError: If what lies there is no list.
    """
    path = root / list_place(place)
    if not path.is_file() or SampleList.head(path)[1] != md5:
        return None
    return SampleList.read(path)


@contextmanager
def listed_version(
    root: Path, named: Named, revision: str | None
) -> Iterator[tuple[Listing, str | None]]:
    """Give the samples of a version, by its list or else by its images.

    Args:
        root: The project's folder.
        named: The data set.
        revision: A commit, tag or branch; None: what is on the disk.

    Yields:
        The samples, and for packed data why their images had to be read, and what to do about it.

    Raises:
        InputError: If there is no such revision, or it has no such data.
        StorageError: If there is no list and neither DVC's cache nor its remote has the data.
        DataError: If the data are wrong.
    """
    samples, why = _by_list(root, named, revision) if named.reading is not None else (None, None)
    if samples is not None:
        yield samples, None
        return
    with version(root, named, revision) as source:
        yield source, why


def _by_list(
    root: Path, named: Named, revision: str | None
) -> tuple[SampleList | None, str | None]:
    """Return the list of a version, or why there is none that is of its data."""
    place, where = named.location, revision or "what is on the disk"
    md5 = _md5_of(root, place, revision)
    if md5 is None:
        return None, None  # what is not as DVC has it is read
    fault = "no list of its samples"
    for at in dict.fromkeys([revision, None]):
        with _list_at(root, place, at) as path:
            try:
                if path is not None and SampleList.head(path)[1] == md5:
                    return SampleList.read(path), None
                fault = fault if path is None else "a list of other samples than its own"
            except DataError as error:
                fault = f"a list that cannot be used ({error})"
    uses = named.reading.uses if named.reading is not None else ""
    command = shlex.join(["adversity", "data", "add", place, "--uses", uses])
    return None, (
        f"{where} has {fault}: its images were read; `{command}` with that version in its place "
        f"writes {list_place(place)}, and git keeps it"
    )


def _md5_of(root: Path, place: str, revision: str | None) -> str | None:
    """Return DVC's hash of a version; None for what is on the disk and not as DVC has it."""
    if revision is not None:
        return content_at(root, revision, place)
    tracked = {each: str(out.get("md5", "")) for each, _, out in tracked_places(root)}
    return tracked[place] if place in tracked and is_as_tracked(root, place) else None


@contextmanager
def _list_at(root: Path, place: str, revision: str | None) -> Iterator[Path | None]:
    """Give the file of a list on the disk, or as a revision has it; None where there is none."""
    file = list_place(place)
    if revision is None:
        yield root / file if (root / file).is_file() else None
        return
    found = Revision.named(root, revision)
    if found is None:  # who opens the version says so
        yield None
        return
    try:
        folder = found.project_with(file)
        yield None if folder is None else folder / file
    finally:
        found.close()
