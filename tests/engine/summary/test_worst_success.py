"""What any attack on record did to a decision: image by image, of those that could be attacked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adversity.contracts import NormBall
from adversity.data.ledger import Entry
from adversity.engine.summary.worst_case import Recorded, worst_case
from adversity.errors import DataError
from adversity.metrics import worst_case_success

EPS = 8 / 255
BALL = Recorded(NormBall(norm="linf", eps=EPS))

Found = list[tuple[list[bool], list[bool], list[float]]]


def entry(number: int, open_: Any, wrong: Any, distance: Any) -> Entry:
    """Return what an attack on a decision did to four samples, one of an unknown class."""
    names = {"pipeline": "nightly", "cell": ""}
    facts = {"plugin": "attack/pgd", "step": f"s{number}", "objective": "look_sure"}
    facts |= {"norm": "linf", "eps": EPS, "bounds": {}, "space": None, "limit": None}
    could = np.array(open_)
    rows = {
        "sample": np.array(list("abcd"), dtype=object),
        "label": np.array([0, -1, 1, -2]),
        "start_correct": np.zeros(4, bool),
        "attackable": could,
        "wrong": could & np.array(wrong),
        "distance": np.array(distance, dtype=np.float64),
    }
    return Entry("v" * 64, "d" * 64, f"{number:064d}", facts, rows, names)


four = st.lists(st.booleans(), min_size=4, max_size=4)
sizes = st.lists(st.sampled_from([0.0, 0.02, EPS, 0.1]), min_size=4, max_size=4)


@given(st.lists(st.tuples(four, four, sizes), min_size=1, max_size=5))
def test_it_is_what_a_count_by_hand_gives(found: Found) -> None:
    """Sample by sample: open to one of them, and fallen within the budget to one of them."""
    page = [entry(number, *each) for number, each in enumerate(found)]
    measure = worst_case(page, BALL)
    open_ = [any(could[i] for could, _, _ in found) for i in range(4)]
    fell = [
        any(could[i] and wrong[i] and far[i] <= EPS for could, wrong, far in found)
        for i in range(4)
    ]
    if not any(open_):
        assert measure is None
        return
    assert measure is not None
    assert (measure.value, measure.n) == (sum(fell) / sum(open_), sum(open_))
    assert measure.details["fooled"] == sum(fell)
    assert measure.better == "lower"


@given(st.lists(st.tuples(four, four), min_size=1, max_size=5))
def test_one_more_attack_never_lowers_it(found: list[Any]) -> None:
    """Where all could attack the same images, as on one machine; nor is it below any of them."""
    could = [True, *found[0][0][1:]]
    attacks: dict[str, Any] = {}
    before = 0.0
    for number, (_, fell) in enumerate(found):
        attacks[f"a{number}"] = could, fell
        now = worst_case_success(attacks).value
        alone = worst_case_success({"one": (could, fell)}).value
        assert now >= max(before, alone)
        before = now


def test_samples_of_unknown_classes_count() -> None:
    """A wrong answer to one can be accepted, and nobody asks for its class."""
    measure = worst_case([entry(0, [False, True, False, False], [True] * 4, [0.0] * 4)], BALL)
    assert measure is not None
    assert (measure.value, measure.n) == (1.0, 1)


def test_nothing_open_is_no_figure() -> None:
    """Neither 0 nor 1."""
    with pytest.raises(DataError, match="could be attacked, got none of 2"):
        worst_case_success({"a": ([False, False], [True, False])})
    assert worst_case([entry(0, [False] * 4, [True] * 4, [0.0] * 4)], BALL) is None
