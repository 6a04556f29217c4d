"""Flip probability and top-5 distance against the definitions of the paper, written out in loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from adversity import Table
from adversity.errors import InputError
from adversity_plugins.metric.flip_probability import FlipProbability


def table(sequences: dict[tuple[str, str], Any], *, named: bool = True, seed: int = 0) -> Table:
    """Return a table, in random order, of sequences `[F, K]` of logits by (perturbation, group)."""
    rows = [
        (name, group, frame, logits)
        for (name, group), of in sequences.items()
        for frame, logits in enumerate(of)
    ]
    rows = [rows[at] for at in np.random.default_rng(seed).permutation(len(rows))]
    logits = np.array([row[3] for row in rows], np.float32)
    columns = {
        "id": np.array(["/".join(map(str, row[:3])) for row in rows], dtype=object),
        "prediction": logits.argmax(axis=1),
        "logits": logits,
        "group": np.array([row[1] for row in rows], dtype=object),
        "attribute_frame": np.array([float(row[2]) for row in rows]),
    }
    if named:
        columns["attribute_perturbation"] = np.array([row[0] for row in rows], dtype=object)
    return Table(columns, tuple(f"class {k}" for k in range(logits.shape[1])))


def drawn(
    *names: str, groups: int = 8, frames: int = 5, classes: int = 12
) -> dict[tuple[str, str], Any]:
    """Return sequences whose logits wander a little."""
    random = np.random.default_rng(1)
    return {
        (name, f"{group:05d}"): random.normal(size=classes)
        + 0.4 * random.normal(size=(frames, classes)).cumsum(axis=0)
        for name in names
        for group in range(groups)
    }


def top5_distance(first: Any, second: Any) -> int:
    """Return d of the paper's section 4.2: a sum of indicators, ranks from 1.

    sigma(i) is the rank in the second answer of the class that has rank i in the first one; for
    each i up to 5, every j in (min, max] of the two counts where 1 <= j - 1 <= 5.
    """
    ranks = stats.rankdata(-np.asarray(second), method="ordinal")
    order = np.argsort(stats.rankdata(-np.asarray(first), method="ordinal"))
    distance = 0
    for i in range(1, 6):
        sigma = int(ranks[order[i - 1]])
        distance += sum(1 <= j - 1 <= 5 for j in range(min(i, sigma) + 1, max(i, sigma) + 1))
    return distance


@pytest.mark.parametrize("name", ["tilt", "shot_noise_2"])
def test_both_are_the_papers(name: str) -> None:
    """Of consecutive frames, and of noise each with the first, as the published code has it."""
    sequences = drawn(name)
    found = FlipProbability().compute(table(sequences))
    flips, distances = [], []
    for of in sequences.values():
        pairs = [(of[0] if "noise" in name else of[at - 1], of[at]) for at in range(1, len(of))]
        flips.append(np.mean([old.argmax() != new.argmax() for old, new in pairs]))
        distances.append(np.mean([top5_distance(old, new) for old, new in pairs]))
    assert 0 < np.mean(flips) < 1
    assert found["flip_probability"].value == pytest.approx(np.mean(flips), rel=1e-12)
    assert found["top5_distance"].value == pytest.approx(np.mean(distances), rel=1e-12)
    assert found["flip_probability"].n == len(sequences)
    low, high = stats.t.interval(0.95, len(flips) - 1, np.mean(flips), stats.sem(flips))
    assert found["flip_probability"].low == pytest.approx(max(low, 0))
    assert found["flip_probability"].high == pytest.approx(high)
    assert str(found["flip_probability"].method).endswith("grouped")  # else the core drops it


def test_answers_that_have_nothing_in_common_are_15_apart() -> None:
    """1 + 2 + 3 + 4 + 5, and every frame flips."""
    up, down = np.arange(10.0), np.arange(10.0)[::-1]
    found = FlipProbability().compute(table({("tilt", "a"): [up, down, up]}))
    assert found["top5_distance"].value == 15
    assert found["flip_probability"].value == 1
    still = FlipProbability().compute(table({("tilt", "a"): [up, up, 2 * up]}))
    assert (still["flip_probability"].value, still["top5_distance"].value) == (0, 0)


@pytest.mark.parametrize(
    ("name", "compare", "flips"),
    [
        ("scale", "before", 1),
        ("scale", "first", 4),
        ("scale", "published", 1),
        ("gaussian_noise", "before", 1),
        ("gaussian_noise", "published", 4),
    ],
)
def test_what_a_frame_is_compared_with(name: str, compare: Any, flips: int) -> None:
    """One change that stays: it is one of four steps, and all four differ from the first."""
    one, other = np.eye(3)[:2]
    found = FlipProbability(compare=compare).compute(table({(name, "x"): [one] + 4 * [other]}))
    assert found["flip_probability"].value == flips / 4
    assert "top5_distance" not in found  # of three classes


def test_sequences_of_one_image_count_as_one_draw() -> None:
    """Ten perturbations of which all flip alike say no more of other images than one does."""
    one = drawn("tilt")
    ten = {(f"tilt {k}", group): of for (_, group), of in one.items() for k in range(10)}
    narrow = FlipProbability().compute(table(one))["flip_probability"]
    wide = FlipProbability().compute(table(ten))["flip_probability"]
    assert wide.value == pytest.approx(narrow.value)
    assert wide.n == 10 * narrow.n
    assert wide.high - wide.low >= 0.9 * (narrow.high - narrow.low)


def test_without_a_perturbation_a_group_is_a_sequence() -> None:
    """Frames of a video in a folder with a CSV file of group and frame; a row alone is none."""
    found = FlipProbability().compute(
        table({("", "a"): np.eye(4)[[0, 1]], ("", "b"): np.eye(4)[[2]]}, named=False)
    )
    assert (found["flip_probability"].value, found["flip_probability"].n) == (1, 1)
    alone = table({("", "b"): np.eye(4)[[2]]}, named=False)
    assert FlipProbability().compute(alone) == {}


def test_a_frame_that_is_there_twice_is_refused() -> None:
    """Two perturbations of an image that nothing tells apart would be mixed."""
    mixed = table(drawn("tilt", "scale"), named=False)
    with pytest.raises(InputError, match="00000 has frame 0 more than once"):
        FlipProbability().compute(mixed)


def test_frames_may_be_texts_of_numbers() -> None:
    """As a CSV file of `folder` gives them: the tenth comes after the ninth; words are refused."""
    columns = dict(table(drawn("tilt", frames=11), named=False).columns)
    expected = FlipProbability().compute(Table(columns))["flip_probability"]
    columns["attribute_frame"] = np.array(
        [f"{frame:g}" for frame in columns["attribute_frame"]], dtype=object
    )
    assert FlipProbability().compute(Table(columns))["flip_probability"] == expected
    columns["attribute_frame"][0] = "first"
    with pytest.raises(InputError, match="expected a number as the attribute frame"):
        FlipProbability().compute(Table(columns))
