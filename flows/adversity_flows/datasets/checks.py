"""What is in a data set and what is wrong with it: twins, look-alikes, labels that disagree."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.data.look_alikes import look_alikes, looks_of
from adversity.engine.stages.apart import shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adversity.data.look_alikes import Looks
    from adversity.data.reading import Source

__all__ = ["Checked", "Common", "check", "common"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a data set holds.

    Attributes:
        name: What it is called.
        source: It, opened.
        looks: What its images look like; None where nobody asked.
        classes: Class to number of images, in the order of the classes; none without classes.
        equal: Ids of images with the same pixels, a group each.
        disagreeing: Those of them that are not all of one class.
        alike: Pairs of ids of images that look alike and are not equal.
        leaks: Those of `equal` that stand in several splits of the data set (attribute `split`).
    """

    name: str
    source: Source
    looks: Looks | None
    classes: dict[str, int]
    equal: tuple[tuple[str, ...], ...]
    disagreeing: tuple[tuple[str, ...], ...]
    alike: tuple[tuple[str, str], ...]
    leaks: tuple[tuple[str, ...], ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with it: what is left out, stands twice or looks alike may be so."""
        return not self.disagreeing


@dataclass(frozen=True, slots=True)
class Common:
    """What two data sets have in common.

    Attributes:
        first, second: Their names.
        equal: Pairs of ids of one and the same image, of the first and the second.
        alike: The same of images that look alike and are not equal.
    """

    first: str
    second: str
    equal: tuple[tuple[str, str], ...]
    alike: tuple[tuple[str, str], ...]


def check(
    name: str, source: Source, *, look: bool, done: Callable[[int, int], None] | None = None
) -> Checked:
    """Look at a data set.

    Args:
        name: What it is called.
        source: It, opened.
        look: Look for images that look alike, too: each is read once.
        done: Told how many images were read for it, of how many.
    """
    equal = _equal(source)
    class_of = _classes(source)
    disagreeing = tuple(
        group for group in equal if len({class_of[id_] for id_ in group if class_of[id_]}) > 1
    )
    counts = Counter(class_of.values())
    looks = looks_of(_grey_levels(source, done)) if look else None
    pixels = source.pixels()
    alike = tuple(
        (source.ids[i], source.ids[j])
        for i, j in (look_alikes(looks) if looks is not None else ())
        if pixels[i] != pixels[j]
    )
    classes = {class_: counts[class_] for class_ in source.class_names}
    return Checked(name, source, looks, classes, equal, disagreeing, alike, _leaks(source, equal))


def common(one: Checked, other: Checked) -> Common:
    """Look at what two data sets share; at what looks alike where both were looked at for it."""
    equal = tuple((theirs, here) for here, theirs in shared(one.source, other.source))
    alike: tuple[tuple[str, str], ...] = ()
    if one.looks is not None and other.looks is not None:
        first, second = one.source.pixels(), other.source.pixels()
        alike = tuple(
            (one.source.ids[i], other.source.ids[j])
            for i, j in look_alikes(one.looks, other.looks)
            if first[i] != second[j]
        )
    return Common(one.name, other.name, equal, alike)


def _equal(source: Source) -> tuple[tuple[str, ...], ...]:
    """Return groups of samples of the same pixels."""
    found: dict[str, list[str]] = defaultdict(list)
    for id_, digest in zip(source.ids, source.pixels(), strict=True):
        found[digest].append(id_)
    return tuple(tuple(ids) for ids in found.values() if len(ids) > 1)


def _leaks(source: Source, equal: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of equal samples that stand in more than one split."""
    splits = {
        id_: attributes.get("split")
        for id_, attributes in zip(source.ids, source.attributes, strict=True)
    }
    return tuple(
        group
        for group in equal
        if len({splits[id_] for id_ in group if splits[id_] is not None}) > 1
    )


def _classes(source: Source) -> dict[str, str]:
    names = source.class_names
    return {
        id_: names[target] if target >= 0 else ""
        for id_, target in zip(source.ids, source.targets.tolist(), strict=True)
    }


def _grey_levels(
    source: Source, done: Callable[[int, int], None] | None
) -> Iterator[np.ndarray[Any, np.dtype[np.uint8]]]:
    """Read each image, as a pipeline does, in 8 bits."""
    for index in range(len(source)):
        image = source.images([index])[0].permute(1, 2, 0).numpy()
        levels = np.rint(image * 255).astype(np.uint8)
        yield levels[..., 0] if levels.shape[2] != 3 else levels
        if done is not None:
            done(index + 1, len(source))
