"""Two versions of a data set: which samples came, went, changed, or are of another class."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from adversity_flows.runs.sample_list import DIGITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np

__all__ = ["Compared", "Listing", "Pair", "compare"]

_Key = tuple[object, ...]
_PLACE = re.compile(r"(?:(.*)/)?(\d+)")


class Listing(Protocol):
    """What is known of the samples of a version: an opened data set, or a list of them."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The samples' ids, in the data set's order."""

    @property
    def targets(self) -> np.ndarray[Any, Any]:
        """Class indices, `[N]`; -1 where a sample has no label."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that `targets` index."""

    def pixels(self) -> tuple[str, ...]:
        """Return the SHA-256 of each sample's pixels, or the first 24 digits of it."""

    def __len__(self) -> int:
        """Return the number of samples."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One sample in two versions.

    Attributes:
        before, after: Its numbers there; None where it is not.
        id_before, id_after: Its ids; empty where it is not.
        class_before, class_after: Its classes; empty where it has none.
    """

    before: int | None
    after: int | None
    id_before: str = ""
    id_after: str = ""
    class_before: str = ""
    class_after: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """What became of the samples of a data set.

    Attributes:
        same: How many are in both, with their class; moved ones are among them.
        moved: Of the same image and class under another id.
        relabelled: Of the same image and another class, whether or not the id is the same.
        changed: Of the same id with another image, whatever the class.
        added, removed: Only in the later, only in the earlier version.
        classes: Class to its number of samples before and after, where the two differ.
    """

    same: int
    moved: tuple[Pair, ...]
    relabelled: tuple[Pair, ...]
    changed: tuple[Pair, ...]
    added: tuple[Pair, ...]
    removed: tuple[Pair, ...]
    classes: dict[str, tuple[int, int]]


def compare(before: Listing, after: Listing) -> Compared:
    """Compare two versions of a data set by what their images are, not by what they are called.

    A sample is the same where the pixels are: first under its own id, then under any; an image
    that stands twice is matched once for each time, with that of its class if there is one. What
    is left of one id was changed. Where ids are places in a file, they say nothing once a sample
    came or went before them: what was changed is then left between the same two neighbours.
    """
    first, second = _Version(before), _Version(after)
    keys = (_Version.as_named, _Version.as_labelled, _Version.as_seen)
    matched = [pair for key in keys for pair in _by(first, second, key)]
    if _are_places(first.ids) and _are_places(second.ids):
        first.between, second.between = _neighbours(first, second, matched)
        changed = list(_by(first, second, _Version.as_placed))
    else:
        changed = list(_by(first, second, _Version.as_called))
    pairs = [_pair(first, second, i, j) for i, j in matched]
    return Compared(
        same=sum(pair.class_before == pair.class_after for pair in pairs),
        moved=_those(p for p in pairs if p.id_before != p.id_after and _same_class(p)),
        relabelled=_those(p for p in pairs if not _same_class(p)),
        changed=_those(_pair(first, second, i, j) for i, j in changed),
        added=_those(_pair(first, second, None, j) for j in second.left),
        removed=_those(_pair(first, second, i, None) for i in first.left),
        classes=_counts(first, second),
    )


class _Version:
    """A version whose samples are matched one after the other."""

    def __init__(self, source: Listing) -> None:
        self.ids = source.ids
        self.pixels = [digest[:DIGITS] for digest in source.pixels()]
        names = source.class_names
        self.classes = [names[t] if 0 <= t < len(names) else "" for t in source.targets.tolist()]
        self.left = dict.fromkeys(range(len(source)))
        self.between: dict[int, _Key] = {}

    def as_named(self, index: int) -> _Key:
        return self.pixels[index], self.ids[index]

    def as_labelled(self, index: int) -> _Key:
        return self.pixels[index], self.classes[index]

    def as_seen(self, index: int) -> _Key:
        return (self.pixels[index],)

    def as_called(self, index: int) -> _Key:
        return (self.ids[index],)

    def as_placed(self, index: int) -> _Key:
        return self.between[index]


def _by(
    first: _Version, second: _Version, key: Callable[[_Version, int], _Key]
) -> Iterator[tuple[int, int]]:
    """Match what is left by a key, in order of the samples, and take it out."""
    there: dict[_Key, list[int]] = defaultdict(list)
    for j in reversed([*second.left]):
        there[key(second, j)].append(j)
    for i in [*first.left]:
        if found := there[key(first, i)]:
            j = found.pop()
            del first.left[i], second.left[j]
            yield i, j


def _are_places(ids: tuple[str, ...]) -> bool:
    """Say whether ids are numbers that go up by one, as `test/00041` and `test/00042`."""
    before: tuple[str, int] | None = None
    for id_ in ids:
        found = _PLACE.fullmatch(id_)
        if found is None:
            return False
        now = (found[1] or "", int(found[2]))
        if before is not None and now[0] == before[0] and now[1] != before[1] + 1:
            return False
        before = now
    return True


def _neighbours(
    first: _Version, second: _Version, matched: list[tuple[int, int]]
) -> tuple[dict[int, _Key], dict[int, _Key]]:
    """Return between which matched samples those stand that are left, as numbers of the second."""
    mates = dict(matched)
    return (
        _gaps(first, [mates.get(i) for i in range(len(first.ids))]),
        _gaps(second, [None if j in second.left else j for j in range(len(second.ids))]),
    )


def _gaps(version: _Version, anchors: list[int | None]) -> dict[int, _Key]:
    """Return the split, the neighbours before and behind, and the place between them, of each left."""
    parts = [id_.rpartition("/")[0] for id_ in version.ids]
    behind: dict[int, int | None] = {}
    near: int | None = None
    for i in reversed(range(len(anchors))):
        near = near if i + 1 < len(parts) and parts[i] == parts[i + 1] else None
        behind[i], near = near, anchors[i] if anchors[i] is not None else near
    found: dict[int, _Key] = {}
    before, nth = None, 0
    for i, anchor in enumerate(anchors):
        if i and parts[i] != parts[i - 1]:
            before, nth = None, 0
        if anchor is not None:
            before, nth = anchor, 0
        else:
            found[i] = (parts[i], before, behind[i], nth)
            nth += 1
    return found


def _pair(first: _Version, second: _Version, i: int | None, j: int | None) -> Pair:
    return Pair(
        i,
        j,
        "" if i is None else first.ids[i],
        "" if j is None else second.ids[j],
        "" if i is None else first.classes[i],
        "" if j is None else second.classes[j],
    )


def _same_class(pair: Pair) -> bool:
    return pair.class_before == pair.class_after


def _those(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    return tuple(sorted(pairs, key=lambda pair: (pair.id_after or pair.id_before, pair.id_before)))


def _counts(first: _Version, second: _Version) -> dict[str, tuple[int, int]]:
    before, after = Counter(first.classes), Counter(second.classes)
    names = sorted({*before, *after} - {""})
    return {n: (before[n], after[n]) for n in names if before[n] != after[n]}
