"""Two versions of a data set are compared by what their images are."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adversity_flows.datasets.compared import Compared, compare


@dataclass
class Version:
    """What `compare` reads of a source: samples of an id, pixels and a class."""

    samples: list[tuple[str, str, str]]
    class_names: tuple[str, ...] = ("a", "b")
    ids: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.ids = tuple(id_ for id_, _, _ in self.samples)
        self.targets = np.array(
            [self.class_names.index(c) if c else -1 for _, _, c in self.samples], dtype=np.int64
        )

    def __len__(self) -> int:
        return len(self.samples)

    def pixels(self) -> tuple[str, ...]:
        return tuple(pixels for _, pixels, _ in self.samples)


def compared(before: list[tuple[str, str, str]], after: list[tuple[str, str, str]]) -> Compared:
    return compare(Version(before), Version(after))  # type: ignore[arg-type]


def test_each_sort_of_change() -> None:
    """One of each; a sample that moved to the folder of another class is the same sample."""
    before = [
        ("a/kept", "1", "a"),
        ("a/renamed", "2", "a"),
        ("a/moved", "3", "a"),
        ("a/edited", "4", "a"),
        ("b/gone", "5", "b"),
        ("b/labelled", "6", ""),
    ]
    after = [
        ("a/kept", "1", "a"),
        ("a/name", "2", "a"),
        ("b/moved", "3", "b"),
        ("a/edited", "40", "a"),
        ("b/new", "7", "b"),
        ("b/labelled", "6", "b"),
    ]
    found = compared(before, after)
    assert found.same == 2
    assert [(p.id_before, p.id_after) for p in found.moved] == [("a/renamed", "a/name")]
    assert [(p.id_after, p.class_before, p.class_after) for p in found.relabelled] == [
        ("b/labelled", "", "b"),
        ("b/moved", "a", "b"),
    ]
    assert [(p.id_after, p.before, p.after) for p in found.changed] == [("a/edited", 3, 3)]
    assert [p.id_after for p in found.added] == ["b/new"]
    assert [p.id_before for p in found.removed] == ["b/gone"]
    assert found.classes == {"a": (4, 3), "b": (1, 3)}


def test_a_copy_is_added_and_the_original_stays() -> None:
    """An image that stands twice is matched once for each time, under its own id first."""
    found = compared([("x", "1", "a")], [("copy", "1", "b"), ("x", "1", "a")])
    assert (found.same, len(found.moved), len(found.relabelled)) == (1, 0, 0)
    assert [p.id_after for p in found.added] == ["copy"]


samples = st.lists(
    st.tuples(st.sampled_from("uvwxyz"), st.sampled_from("123"), st.sampled_from(["a", "b", ""])),
    max_size=6,
    unique_by=lambda sample: sample[0],
)


@given(samples, samples)
def test_every_sample_is_told_of_once(
    before: list[tuple[str, str, str]], after: list[tuple[str, str, str]]
) -> None:
    """In each version; from the later to the earlier one what was added is removed."""
    there, back = compared(before, after), compared(after, before)
    both = there.same + len(there.relabelled) + len(there.changed)
    assert both + len(there.removed) == len(before)
    assert both + len(there.added) == len(after)
    changes = (there.moved, there.relabelled, there.changed, there.added, there.removed)
    assert any(changes) == (sorted(before) != sorted(after))
    assert {p.id_after for p in there.added} == {p.id_before for p in back.removed}
    assert (there.same, len(there.changed)) == (back.same, len(back.changed))


def places(pixels: str, classes: str = "") -> list[tuple[str, str, str]]:
    """Return samples whose ids are their places, one a letter."""
    known = classes or "a" * len(pixels)
    return [(f"test/{n:03d}", p, c) for n, (p, c) in enumerate(zip(pixels, known, strict=True))]


@pytest.mark.parametrize(
    ("before", "after", "changed", "added", "removed", "moved"),
    [
        ("abcdef", "acdef", [], [], [1], 4),
        ("abcdef", "acdXf", [(4, 3)], [], [1], 3),
        ("abcdef", "NabcdXf", [(4, 5)], [0], [], 5),
        ("abcdef", "abcdefg", [], [6], [], 0),
        ("abcdef", "fedcba", [], [], [], 6),
        ("abcdef", "fbcdea", [], [], [], 2),
        ("abcdef", "abXYef", [(2, 2), (3, 3)], [], [], 0),
        ("abc", "XYZ", [(0, 0), (1, 1), (2, 2)], [], [], 0),
        ("abc", "XYabc", [], [0, 1], [], 3),
        ("abc", "cXba", [], [1], [], 3),
    ],
)
def test_ids_that_are_places_do_not_say_what_changed(
    before: str,
    after: str,
    changed: list[tuple[int, int]],
    added: list[int],
    removed: list[int],
    moved: int,
) -> None:
    """Where a sample came or went, those behind it have other places: neighbours tell."""
    found = compared(places(before), places(after))
    assert [(p.before, p.after) for p in found.changed] == changed
    assert [p.after for p in found.added] == added
    assert [p.before for p in found.removed] == removed
    assert (len(found.moved), found.relabelled) == (moved, ())


def test_twins_of_two_classes_that_change_places_are_not_relabelled() -> None:
    """An equal image of the same class is the same sample before one of another class."""
    found = compared(places("xyx", "aab"), places("zxyx", "aaab"))
    assert (found.relabelled, [p.after for p in found.added]) == ((), [0])


def test_splits_are_apart() -> None:
    """The last of one split and the first of the next are no neighbours."""
    before = [("train/0", "a", "a"), ("train/1", "b", "a"), ("test/0", "c", "a")]
    after = [("train/0", "a", "a"), ("test/0", "X", "a"), ("test/1", "c", "a")]
    found = compared(before, after)
    assert (found.changed, len(found.removed), len(found.added)) == ((), 1, 1)
