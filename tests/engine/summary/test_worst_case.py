"""Which of the attacks on record count within a budget, and what is left after them."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adversity.contracts import NormBall
from adversity.contracts.goal import GOALS
from adversity.data.ledger import Entry
from adversity.engine.summary import worst_case as module
from adversity.engine.summary.worst_case import (
    Recorded,
    threat_of,
    threats,
    with_worst_cases,
    worst_case,
)
from adversity.errors import StorageError
from adversity.report.values.model import CellResult, StepSummary

EIGHT, TWO = 8 / 255, 2 / 255


def entry(
    step: str,
    wrong: str,
    distance: float | list[float] = 0.01,
    *,
    right: str = "rrrr",
    **given: Any,
) -> Entry:
    """Return what an attack did to four samples; `x` in `wrong` is a wrong answer."""
    start = np.array([letter == "r" for letter in right])
    numbers = {name: given.pop(name) for name in list(given) if name.startswith("parameter_")}
    names = {"pipeline": given.pop("pipeline", "nightly"), "cell": given.pop("cell", "")}
    facts: dict[str, Any] = {"plugin": f"attack/{step}", "step": step, "threat": "norm"}
    facts |= {"norm": "linf", "eps": EIGHT, "bounds": {}, "space": None, "limit": None} | given
    rows = {
        "sample": np.array(list("abcd"), dtype=object),
        "label": np.arange(4) % 2,
        "start_correct": start,
        "wrong": start & np.array([letter == "x" for letter in wrong]),
        "distance": np.broadcast_to(np.asarray(distance, dtype=np.float64), (4,)).copy(),
        **{name: np.asarray(values, dtype=np.float64) for name, values in numbers.items()},
    }
    key = (step * 64)[:64]
    return Entry("v" * 64, "d" * 64, key, facts, rows, names)


def ball(norm: Any, eps: float) -> Recorded:
    """Return the threat of a norm as the ledger keeps it."""
    return Recorded(NormBall(norm=norm, eps=eps))


def left(page: list[Entry], threat: Recorded) -> float:
    """Return the share that is left."""
    found = worst_case(page, threat)
    assert found is not None
    return found.value


@given(
    st.lists(
        st.tuples(
            st.lists(st.booleans(), min_size=4, max_size=4),
            st.lists(st.sampled_from([0.0, TWO, 0.02, EIGHT, 0.1]), min_size=4, max_size=4),
            st.sampled_from(["linf", "l2"]),
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([TWO, EIGHT]),
)
def test_it_is_what_a_count_by_hand_gives(found: list[Any], eps: float) -> None:
    """Sample by sample: wrong, in this norm, and no farther than allowed, in any of them."""
    page = [
        entry(f"{number}", "".join("x" if hit else "." for hit in hits), distance, norm=norm)
        for number, (hits, distance, norm) in enumerate(found)
    ]
    mine = [item for item in found if item[2] == "linf"]
    measure = worst_case(page, ball("linf", eps))
    if not mine:
        assert measure is None
        return
    assert measure is not None
    robust = [
        not any(
            hits[i] and distance[i] <= NormBall(norm="linf", eps=eps).limit
            for hits, distance, _ in mine
        )
        for i in range(4)
    ]
    assert measure.value == sum(robust) / 4


def test_what_an_attack_with_another_budget_found_counts_by_its_distance() -> None:
    """A smaller eps counts whole; of a larger one, and of a search, what lies inside."""
    threat = ball("linf", 0.02)
    assert left([entry("small", "xx..", 0.01, eps=0.01)], threat) == 0.5
    assert left([entry("large", "xx..", [0.019, 0.03, 0, 0], eps=EIGHT)], threat) == 0.75
    far = [0.019, 7.0, math.inf, 0]
    assert left([entry("near", "xxx.", far, threat="minimum", eps=None)], threat) == 0.75
    # Beyond its own eps a search's failure was no success, and still is a wrong answer.
    assert left([entry("near", "x...", 0.015, threat="minimum", eps=0.01)], threat) == 0.75


def test_rounding_is_granted_as_the_budget_grants_it() -> None:
    """A stored perturbation of eps is one of eps, though float32 rounds; twice that is not."""
    at = EIGHT * (1 + 5e-7)
    assert left([entry("pgd", "x...", at)], ball("linf", EIGHT)) == 0.75
    assert left([entry("pgd", "x...", EIGHT * (1 + 1e-4))], ball("linf", EIGHT)) == 1.0


def test_wrong_from_the_start_is_not_robust() -> None:
    """However far every attack was from it."""
    page = [entry("pgd", "....", right="rrr."), entry("noise", "....", right="rrr.")]
    assert left(page, ball("linf", EIGHT)) == 0.75


def test_another_norm_says_nothing() -> None:
    """Not even that the sample withstood: with such attacks alone there is no figure."""
    assert worst_case([entry("pgd", "xxxx", norm="l2")], ball("linf", EIGHT)) is None


def test_grey_box_and_targeted_failures_are_failures() -> None:
    """The stored image is answered wrongly; who knew what does not matter to it."""
    page = [entry("a", "x...", knowledge="grey-box"), entry("b", ".x..", targeted=True)]
    assert left(page, ball("linf", EIGHT)) == 0.5


def turned(step: str, wrong: str, angles: list[float], *, most: float, **given: Any) -> Entry:
    """Return what a rotation by such angles did."""
    bounds = {"angle": [-most, most]}
    given = {"space": "s", "plugin": "attack/spatial"} | given
    return entry(
        step, wrong, 9.0, threat="parametric", norm=None, eps=None, bounds=bounds,
        parameter_angle=angles, **given,
    )  # fmt: skip


def test_a_parametric_failure_counts_where_its_parameters_lie_inside() -> None:
    """Of a wider search what lies within; of another plugin, or of a norm attack, nothing."""
    mine = turned("mine", "....", [math.nan] * 4, most=10)
    threat = threat_of(mine)
    assert threat is not None
    wide = turned("wide", "xxx.", [9.0, 11.0, -10.0, math.nan], most=30)
    assert left([mine, wide], threat) == 0.5
    assert left([mine, turned("other", "xxxx", [1.0] * 4, most=10, space="t")], threat) == 1.0
    assert left([mine, entry("pgd", "xxxx")], threat) == 1.0


def test_a_distance_of_its_own_counts_within_its_own_space() -> None:
    """What the same plugin measured counts by that distance; the same number in a norm does not."""
    own = {"threat": "distance", "norm": None, "space": "s", "plugin": "attack/feature_space"}
    mine = entry("mine", "....", **own, eps=0.5, limit=0.5)
    threat = threat_of(mine)
    assert threat is not None
    assert (
        left([mine, entry("more", "xx..", [0.4, 0.6, 0, 0], **own, eps=1.0, limit=1.0)], threat)
        == 0.75
    )
    others = [
        entry("pgd", "xxxx", 0.4, norm="l2"),
        entry("odd", "xxxx", 0.4, **own | {"space": "t"}),
    ]
    assert left([mine, *others], threat) == 1.0
    assert worst_case([mine], ball("l2", 0.5)) is None


def test_what_lies_inside_is_for_the_threat_itself_to_say() -> None:
    """A ball of another distribution that allows no rounding admits none that another found."""
    own = {"threat": "rows_ball", "norm": None, "space": "s", "plugin": "attack/move_rows"}
    mine = entry("mine", "....", **own, eps=0.5, limit=0.5)
    threat = threat_of(mine)
    assert threat is not None
    wider = entry("more", "xx..", [0.5, 0.5 + 4e-6, 0, 0], **own, eps=1.0, limit=1.0)
    assert left([mine, wider], threat) == 0.75


def test_a_search_without_eps_stands_for_no_budget() -> None:
    """Its robust accuracy is near 0 and says nothing; what it found still counts for others."""
    assert threat_of(entry("near", "xxxx", threat="minimum", eps=None)) is None
    page = [entry("b", "...."), entry("a", "....", eps=TWO)]
    page.append(entry("near", "....", threat="minimum", eps=None))
    assert threats(page) == (ball("linf", TWO), ball("linf", EIGHT))


def test_attacks_are_named_so_that_none_hides_another() -> None:
    """Steps of another pipeline have its name; two of one name are told apart by their keys."""
    page = [
        entry("pgd", "x...", cell="eps=8/255"),
        entry("pgd", ".x..", pipeline="weekly"),
        entry("fgsm", "..x."),
    ]
    page[1] = Entry("v" * 64, "d" * 64, "9" * 64, page[1].facts, page[1].rows, page[1].names)
    found = worst_case(page, ball("linf", EIGHT), now=frozenset({page[0].attack}))
    assert found is not None
    assert found.details["by"] == {"nightly: fgsm": 1, "pgd[eps=8/255]": 1, "weekly: pgd": 1}
    assert (found.details["attacks"], found.details["earlier"]) == (3, 2)
    assert found.details["pipelines"] == ["nightly", "weekly"]
    twins = [
        page[0],
        Entry("v" * 64, "d" * 64, "9" * 64, page[0].facts, page[1].rows, page[0].names),
    ]
    both = worst_case(twins, ball("linf", EIGHT))
    assert both is not None
    assert len(both.details["by"]) == 2


def test_one_attack_on_two_machines_is_one_attack() -> None:
    """What either of them turned counts, once."""
    found = worst_case([entry("pgd", "x..."), entry("pgd", "xx..")], ball("linf", EIGHT))
    assert found is not None
    assert (found.value, found.details["attacks"]) == (0.5, 1)


def test_other_samples_on_one_page_are_refused() -> None:
    """They cannot be paired; which file is wrong cannot be known, so the page is named."""
    odd = entry("odd", "....")
    odd.rows["sample"][0] = "another"  # type: ignore[index]
    with pytest.raises(StorageError, match="same 4 samples"):
        worst_case([entry("pgd", "...."), odd], ball("linf", EIGHT))


def test_each_cell_has_the_worst_case_of_its_own_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever order an artifact holds the cells: `eps=16/255` is sorted before `eps=8/255`."""
    stored = (
        entry("pgd", "xxx.", 0.06, eps=2 * EIGHT, cell="eps=16/255"),
        entry("pgd", "x...", 0.03, eps=EIGHT, cell="eps=8/255"),
    )
    monkeypatch.setattr(module, "entries", lambda *_: stored)
    goal = GOALS["misclassify"]
    planned = SimpleNamespace(id="pgd", role="attack", knowledge="white-box", goal=goal)
    plan = SimpleNamespace(steps={"pgd": planned})
    toolbox: Any = SimpleNamespace(plan=plan, artifact=Path, table=Path)
    cells = tuple(CellResult({"eps": eps}, 4, {}) for eps in ("8/255", "16/255"))
    given = {"pgd": StepSummary("pgd", "attack/pgd", "attack", "adversarial", cells=cells)}
    ledger: Any = SimpleNamespace(page=lambda victim, data: [])
    found = with_worst_cases(toolbox, given, ledger)["pgd"].cells
    left_standing = {
        cell.cell["eps"]: cell.measures["worst_case_robust_accuracy"].value for cell in found
    }
    assert left_standing == {"8/255": 0.75, "16/255": 0.25}


def test_samples_without_a_class_do_not_count() -> None:
    """Of an unknown class and without a label: two are left, one of which fell."""
    mine, theirs = entry("pgd", "rrxr"), entry("square", "rrrr")
    for each in (mine, theirs):
        each.rows["label"][:2] = [-1, -2]  # type: ignore[index]
    found = worst_case([mine, theirs], ball("linf", EIGHT))
    assert found is not None
    assert (found.value, found.n) == (0.5, 2)
    for each in (mine, theirs):
        each.rows["label"][:] = -1  # type: ignore[index]
    assert worst_case([mine, theirs], ball("linf", EIGHT)) is None
