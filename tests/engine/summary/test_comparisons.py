"""Which attacks of a plan say something about each other, and over which samples."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from adversity.contracts import Measure, NearestFailure, NormBall
from adversity.contracts.goal import GOALS
from adversity.engine.summary import comparisons
from adversity.engine.summary.comparisons import _compared, _Outcome
from adversity.pipeline.plan.model import Cell
from adversity.report.values.model import CellResult, StepSummary

SEES = SimpleNamespace(access="gradients", control=False)
ASKS = SimpleNamespace(access="decisions", control=False)


def outcome(
    step: str, cls: Any = SEES, *, fooled: str, distance: float = 0.1, **given: Any
) -> _Outcome:
    """Return what an attack did to six samples, of which the last was wrong from the start."""
    parameters = {"eps": 0.1, "steps": 5, "restarts": 2, "norm": "linf"}
    parameters |= {k: given.pop(k) for k in list(given) if k in (*parameters, "targeted")}
    threat = NearestFailure if given.pop("nearest", False) else NormBall
    model = threat(norm=parameters["norm"], eps=parameters["eps"])
    targeted = parameters.pop("targeted", False)
    plugin = SimpleNamespace(
        threat_model=model, parameters=parameters, is_targeted=targeted, **parameters
    )
    victim = given.pop("victim", Cell())
    planned: Any = SimpleNamespace(
        id=step,
        entry=SimpleNamespace(cls=cls),
        source=given.pop("source", ("test",)),
        against="answers",
        knowledge=given.pop("knowledge", "white-box"),
        goal=GOALS[given.pop("objective", "misclassify")],
    )
    hits = np.array([letter == "x" for letter in fooled])
    ids, right = np.array(list("abcdef"), dtype=object), np.array([True] * 5 + [False])
    return _Outcome(planned, Cell(), victim, plugin, ids, right, hits, np.full(6, distance))


def test_shares_are_paired_by_sample_over_those_right_at_the_start() -> None:
    """Of five, two stood here and fell to one rival or the other; each rival's part is told."""
    mine = outcome("pgd", fooled="xx....")
    rivals = [outcome("one", ASKS, fooled=".xx..."), outcome("two", ASKS, fooled="..xx..")]
    (measure,) = _compared(mine, [mine, *rivals]).values()
    assert (measure.value, measure.n, measure.better) == (2 / 5, 5, "lower")
    assert measure.details["by"] == {"one": 1, "two": 2}


def test_who_knows_less_is_a_rival() -> None:
    """A grey-box attack of no larger budget counts, whatever it follows; a larger one does not.

    One that sees answers alone is a rival of both sorts.
    """
    mine = outcome("pgd", fooled="x.....")
    rivals = [
        outcome("grey", fooled="xxx...", knowledge="grey-box", steps=9),
        outcome("large", fooled="xxxxx.", knowledge="grey-box", eps=0.2),
        outcome("asks", ASKS, fooled="...x..", knowledge="grey-box"),
    ]
    found = _compared(mine, [mine, *rivals])
    assert {name: measure.value for name, measure in found.items()} == {
        "beaten_by_grey_box_share": 3 / 5,
        "beaten_by_black_box_share": 1 / 5,
    }
    assert found["beaten_by_grey_box_share"].details["by"] == {"grey": 2, "asks": 1}


@pytest.mark.parametrize("name", ["steps", "restarts"])
def test_more_effort_is_compared_with_less(name: str) -> None:
    """Whichever of the two grew; not where another parameter differs as well."""
    more = outcome("more", fooled="x.....", **{name: 7})
    less = outcome("less", fooled=".xx...", **{name: 1})
    found = _compared(more, [more, less])
    assert {key: measure.value for key, measure in found.items()} == {"weaker_with_more_share": 0.4}
    assert _compared(less, [more, less]) == {}
    assert _compared(more, [more, outcome("less", fooled=".xx...", **{name: 1, "eps": 0.2})]) == {}


def test_a_minimum_attack_is_compared_by_its_distance() -> None:
    """What it found within the budget counts, what lies beyond does not."""
    mine = outcome("pgd", fooled="......")
    for distance, value in ((0.09, 0.4), (0.11, 0.0)):
        near = outcome("walk", ASKS, fooled="xx....", distance=distance, nearest=True, eps=None)
        assert _compared(mine, [mine, near])["beaten_by_black_box_share"].value == value


@pytest.mark.parametrize(
    "given",
    [
        {"victim": Cell((("severity", "3"),))},
        {"source": ("dark",)},
        {"norm": "l2"},
        {"eps": 0.2},
    ],
    ids=["another victim", "other images", "another norm", "a larger budget"],
)
def test_what_is_no_rival_says_nothing(given: dict[str, Any]) -> None:
    """No share rather than one that is 0 untried."""
    mine = outcome("pgd", fooled="......")
    assert _compared(mine, [mine, outcome("square", ASKS, fooled="xxx...", **given)]) == {}


def test_a_targeted_attack_is_not_beaten_by_an_untargeted_one() -> None:
    """It was asked for more than another answer."""
    mine = outcome("pgd", fooled="......", targeted=True)
    assert _compared(mine, [mine, outcome("square", ASKS, fooled="xxx...")]) == {}


@pytest.mark.parametrize(
    ("details", "shares"),
    [({"bound": "upper"}, {"beaten_by_black_box_share": 0.2}), ({"stopped_after": 1}, {})],
    ids=["a word of a third party", "stopped"],
)
def test_only_an_attack_that_was_stopped_is_left_out(
    monkeypatch: pytest.MonkeyPatch, details: dict[str, Any], shares: dict[str, float]
) -> None:
    """Whatever else a measure of a third party says of itself, the attack is compared."""
    both = [outcome("pgd", fooled="x....."), outcome("asks", ASKS, fooled=".x....")]
    by_step = {one.planned.id: one for one in both}
    for one in both:
        vars(one.planned).update(role="attack", cells=(Cell(),))
    monkeypatch.setattr(comparisons, "_outcomes", lambda _, planned: [by_step[planned.id]])
    toolbox: Any = SimpleNamespace(
        plan=SimpleNamespace(steps={name: one.planned for name, one in by_step.items()})
    )
    cell = CellResult({}, 6, {"theirs": Measure(0.5, 6, details=details)})
    steps = {
        name: StepSummary(name, "attack/x", "attack", "adversarial", cells=(cell,))
        for name in by_step
    }
    found = comparisons.with_comparisons(toolbox, steps)["pgd"].cells[0].measures
    assert {name: measure.value for name, measure in found.items() if name != "theirs"} == shares


def test_attacks_with_other_objectives_say_nothing_of_each_other() -> None:
    """Whoever looks unsure has not turned an answer, and whoever turned one does not look unsure."""
    mine = outcome("pgd", fooled="xx....", objective="look_unsure")
    others = [
        outcome("one", ASKS, fooled="..xx..", objective=o) for o in ("misclassify", "look_sure")
    ]
    assert _compared(mine, [mine, *others]) == {}
    rival = outcome("two", ASKS, fooled="..xx..", objective="look_unsure")
    (measure,) = _compared(mine, [mine, *others, rival]).values()
    assert (measure.value, measure.n) == (2 / 5, 5)
