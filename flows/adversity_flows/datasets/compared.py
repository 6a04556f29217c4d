"""Two versions of a data set: which samples came, went, changed, or are of another class."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from adversity.data.reading import Source

__all__ = ["Compared", "Pair", "compare"]

_Key = tuple[str, ...]


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


def compare(before: Source, after: Source) -> Compared:
    """Compare two versions of a data set by what their images are, not by what they are called.

    A sample is the same where the pixels are: first under its own id, then under any; an image
    that stands twice is matched once for each time. What is left of one id was changed.
    """
    first, second = _Version(before), _Version(after)
    matched = [*_by(first, second, _Version.as_named), *_by(first, second, _Version.as_seen)]
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

    def __init__(self, source: Source) -> None:
        self.ids, self.pixels = source.ids, source.pixels()
        names = source.class_names
        self.classes = [names[t] if 0 <= t < len(names) else "" for t in source.targets.tolist()]
        self.left = dict.fromkeys(range(len(source)))

    def as_named(self, index: int) -> tuple[str, ...]:
        return self.pixels[index], self.ids[index]

    def as_seen(self, index: int) -> tuple[str, ...]:
        return (self.pixels[index],)

    def as_called(self, index: int) -> tuple[str, ...]:
        return (self.ids[index],)


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
