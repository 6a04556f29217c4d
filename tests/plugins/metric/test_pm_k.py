"""pm-k accuracy against the definition, written out in loops, and by hand on toy sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adversity import Table, metrics
from adversity.errors import InputError
from adversity_plugins.metric.pm_k import PmK


def table(videos: dict[str, str], **more: Any) -> Table:
    """Return frames in random order: of each video a text, `1` for a right frame, `-` for none."""
    rows = [
        (video, frame, mark)
        for video, marks in videos.items()
        for frame, mark in enumerate(marks)
        if mark != "-"
    ]
    order = np.random.default_rng(0).permutation(len(rows))
    rows = [rows[at] for at in order]
    right = np.array([mark == "1" for _, _, mark in rows])
    columns: dict[str, Any] = {
        "id": np.array([f"{video}/{frame}" for video, frame, _ in rows], dtype=object),
        "target": np.array([-2 if mark == "?" else 0 for _, _, mark in rows]),
        "prediction": np.where(right, 0, 1),
        "correct": right,
        "group": np.array([video for video, _, _ in rows], dtype=object),
        "attribute_frame": np.array([float(frame) for _, frame, _ in rows]),
    }
    for name, by_frame in more.items():
        columns[f"attribute_{name}"] = np.array([by_frame[(row[0], row[1])] for row in rows])
    return Table(columns, ("cat", "dog", "fox"))


@pytest.mark.parametrize(
    ("marks", "k", "stable"),
    [
        ("11111", 1, 5),
        ("11011", 1, 2),
        ("11011", 0, 4),
        ("11011", 2, 0),
        ("1101111", 2, 2),
        ("00000", 3, 0),
        ("1-0111", 1, 3),  # the frame beside the first one is not there, so it is not asked for
        ("1", 10, 1),
    ],
)
def test_by_hand(marks: str, k: int, stable: int) -> None:
    """A wrong frame makes all frames wrong that are at most k away."""
    found = PmK(k=k).compute(table({"a": marks}))
    there = len(marks.replace("-", ""))
    assert found["pm_k"].value == stable / there
    assert found["pm_0"].value == marks.count("1") / there
    assert found["pm_k"].n == there


def test_the_definition_in_loops() -> None:
    """Random videos of unequal lengths with gaps; each frame an anchor."""
    random = np.random.default_rng(3)
    videos = {
        f"v{number}": "".join(random.choice(list("1110-"), size=random.integers(1, 30)))
        for number in range(12)
    }
    for k in (0, 1, 3, 10):
        stable = [
            all(
                other != "0"
                for at, other in enumerate(marks)
                if abs(at - frame) <= k and other != "-"
            )
            for marks in videos.values()
            for frame, mark in enumerate(marks)
            if mark != "-"
        ]
        assert PmK(k=k).compute(table(videos))["pm_k"].value == pytest.approx(np.mean(stable))


def test_only_anchors_are_counted() -> None:
    """As in ImageNet-Vid-Robust: one frame of a video, and its neighbours that are like it."""
    videos = {"a": "11111", "b": "10111", "c": "11110", "d": "00100"}
    anchor = {(video, frame): float(frame == 2) for video in videos for frame in range(5)}
    found = PmK(k=1).compute(table(videos, anchor=anchor))
    assert (found["pm_k"].value, found["pm_0"].value, found["pm_k"].n) == (2 / 4, 4 / 4, 4)
    assert PmK(k=2).compute(table(videos, anchor=anchor))["pm_k"].value == 1 / 4
    assert found["pm_k"].method.endswith("grouped")
    alone = metrics.accuracy_of(np.array([True, False, True, False]))
    assert (found["pm_k"].low, found["pm_k"].high) == (alone.low, alone.high)


def test_the_interval_is_over_videos() -> None:
    """Ten copies of each frame's neighbour are no ten observations: it is that of the groups."""
    videos = {f"v{number}": ("1" if number % 3 else "0") * 20 for number in range(15)}
    found = PmK(k=2).compute(table(videos))["pm_k"]
    values = np.repeat([number % 3 != 0 for number in range(15)], 20)
    groups = np.repeat([f"v{number}" for number in range(15)], 20)
    low, high, method = metrics.grouped_interval(values, groups)
    assert (found.low, found.high, found.method) == pytest.approx((low, high, method))
    assert found.high - found.low > 0.35  # 15 videos, not 300 frames


def test_any_class_that_a_frame_shows_is_right() -> None:
    """`also` has the others; a frame without a label is not asked for."""
    also = {("a", frame): "" for frame in range(4)} | {("a", 1): "fox;dog"}
    found = PmK(k=1).compute(table({"a": "1011"}, also=also))
    assert found["pm_k"].value == found["pm_0"].value == 1
    unlabelled = PmK(k=1).compute(table({"a": "1?11"}))
    assert (unlabelled["pm_k"].value, unlabelled["pm_k"].n) == (1, 3)
    assert PmK().compute(table({"a": "??"})) == {}


def test_what_is_no_sequence_is_refused() -> None:
    """A frame twice, and a number that is none."""
    twice = table({"a": "11"})
    twice.columns["attribute_frame"][:] = 7.0
    with pytest.raises(InputError, match="expected each frame of a video once, a has frame 7 more"):
        PmK().compute(twice)
    named = table({"a": "11"})
    named.columns["attribute_frame"] = np.array(["one", "two"], dtype=object)
    with pytest.raises(InputError, match="expected a number as the attribute frame"):
        PmK().compute(named)
