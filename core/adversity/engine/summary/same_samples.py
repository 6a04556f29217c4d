"""Samples that have other ids in two runs and are the same: moved, renamed, relabelled files."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.data.stored import StoredTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from adversity.engine.summary.recorded_run import RecordedRun

    Contents = Callable[[Sequence[str]], Mapping[str, str]]
    """The hash of what each of these ids is read from; those of which nothing is known are left out."""

__all__ = ["known_as", "renamed"]

_PLACE = re.compile(r"(?:.*/)?\d+")


def known_as(before: RecordedRun, after: RecordedRun) -> RecordedRun:
    """Return the earlier run, with the ids of the later one for what is the same in it."""

    @cache
    def table(step: str) -> StoredTable | None:
        then, now = before.table(step), after.table(step)
        path = before.steps.get(step, {}).get("path") or ()
        if then is None or now is None or not path:
            return then
        return renamed(
            then,
            now,
            lambda ids: before.contents(str(path[0]), ids),
            lambda ids: after.contents(str(path[0]), ids),
        )

    return replace(before, table=table)


def renamed(
    then: StoredTable, now: StoredTable, contents_then: Contents, contents_now: Contents
) -> StoredTable:
    """Return the table of an earlier run with the ids of a later one where the content is the same.

    Samples are the same by id first. Of those that are left, one whose file has the same bytes is
    the same under another id; equal files are matched in the order of their rows, once each. An id
    that ends in a number alone is a place in a packed file: where its content is another now, it
    says nothing, and a sample whose place another one has taken is in the earlier run alone.

    Args:
        then: The table of a step in the earlier run.
        now: That of the same step in the later one.
        contents_then: Ids to the hash of their files, or pixels, in the earlier run.
        contents_now: The same in the later one.
    """
    if "id" not in then.names or "id" not in now.names:
        return then
    first, second = (dict.fromkeys(each.rows["id"].astype(str).tolist()) for each in (then, now))
    other = _of_other_content(first, second, contents_then, contents_now)
    gone = [id_ for id_ in first if id_ not in second or id_ in other]
    new = [id_ for id_ in second if id_ not in first or id_ in other]
    known = contents_then(gone) if gone and new else {}
    if not known:
        return then
    there: dict[str, list[str]] = defaultdict(list)
    for id_, content in contents_now(new).items():
        there[content].append(id_)
    names = {id_: there[content].pop(0) for id_, content in known.items() if there.get(content)}
    taken = {*names.values()}
    names |= {id_: f"{id_} as it was" for id_ in other if id_ in taken and id_ not in names}
    return _Renamed(then.path, names) if names else then


def _of_other_content(
    first: Mapping[str, Any], second: Mapping[str, Any], then: Contents, now: Contents
) -> set[str]:
    """Return the ids in both runs that are places in packed files and hold something else now."""
    both = [id_ for id_ in first if id_ in second and _PLACE.fullmatch(id_)]
    known = then(both) if both else {}
    here = now([*known]) if known else {}
    return {id_ for id_, content in here.items() if content != known[id_]}


class _Renamed(StoredTable):
    """A table some of whose samples are known by other ids."""

    def __init__(self, path: Path, names: Mapping[str, str]) -> None:
        super().__init__(path)
        self._names = names

    def read(
        self, group: int | None, names: Sequence[str]
    ) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """Read some columns of a row group."""
        found = super().read(group, names)
        if "id" in found:
            ids = [self._names.get(id_, id_) for id_ in found["id"].astype(str).tolist()]
            found["id"] = np.array(ids, dtype=object)
        return found
