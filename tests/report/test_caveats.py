"""Caveats: from which figure on an attack's result is void, in words with the figure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adversity.contracts.measure_info import MeasureInfo
from adversity.contracts.values import Measure
from adversity.metrics import share
from adversity.pipeline.plan.engine_measures import OF_ATTACKS
from adversity.report.doubts.caveats import caveats
from adversity.report.values.model import CellResult, DefenceGap, StepSummary
from adversity.report.words.reading import with_words
from adversity_plugins.metric.robust_accuracy import RobustAccuracy


def attack(step: str, cells: dict[str, dict[str, Measure]], **more: Any) -> StepSummary:
    """Return an attack step with a cell for each eps."""
    results = tuple(
        CellResult({"eps": eps}, 100, measures, parameters={"eps": float(eps)})
        for eps, measures in cells.items()
    )
    threat = {"type": "norm", "norm": "linf", "eps": "$eps", **more.pop("threat", {})}
    given = {"uses": "attack/pgd", "against": "answers", "knowledge": "white-box", **more}
    made = StepSummary(
        id=step, kind="attack", makes="adversarial", cells=results, threat=threat, **given
    )
    return with_words([made], {**OF_ATTACKS, **RobustAccuracy.declared()})[0]


def voids(*steps: StepSummary) -> list[str]:
    """Return what is void, in words."""
    return [caveat.text for caveat in caveats((), steps) if caveat.level == "void"]


@pytest.mark.parametrize(
    "name",
    [
        "zero_gradient_share",
        "nan_gradient_share",
        "never_moved_share",
        "beaten_by_black_box_share",
        "beaten_by_grey_box_share",
        "fooled_with_less_share",
        "weaker_with_more_share",
        "random_output_share",
        "probability_output_share",
    ],
)
def test_each_sign_voids_from_its_limit_on(name: str) -> None:
    """4 of 100 say nothing, 5 of 100 are said with the cell, the share, its interval and n."""
    assert voids(attack("pgd", {"0.1": {name: share(4, 100)}})) == []
    (text,) = voids(attack("pgd", {"0.1": {name: share(5, 100)}}))
    assert text.startswith("pgd [eps=0.1]: 5% (5 of 100; 95% interval 2% to 11%) of the attacked")


def test_hidden_pixels_void_with_the_whole_interval() -> None:
    """16 samples are looked at: one with hidden pixels warns, three void, none says nothing."""
    levels = []
    for count in (0, 1, 3):
        step = attack("pgd", {"0.1": {"hidden_pixels_share": share(count, 16)}})
        found = [caveat for caveat in caveats((), (step,)) if "exactly zero" in caveat.text]
        levels += [caveat.level for caveat in found]
        assert all("adversity.clip" in caveat.text for caveat in found)
    assert levels == ["warning", "void"]


def test_the_comparison_that_found_the_most_is_named() -> None:
    """Of two rivals the one with more hits stands in the sentence."""
    by = {"noise": 2, "square[eps=0.1]": 30}
    measure = share(31, 100, details={"by": by})
    (text,) = voids(attack("pgd", {"0.1": {"beaten_by_black_box_share": measure}}))
    assert "(most by square[eps=0.1]: 30 of 100)" in text


def test_a_control_says_so_itself() -> None:
    """A step whose threat says `control` is one whatever its plugin is called; False is none."""
    weak = {"0.1": {"robust_accuracy": share(90, 100)}}
    strong = {"0.1": {"robust_accuracy": share(80, 100)}}
    mine = attack("pgd", weak)
    blur = attack("blur", strong, uses="attack/other", threat={"control": True})
    named = attack("noise", strong, uses="attack/random_noise")
    other = attack("noise", strong, uses="attack/random_noise", threat={"control": False})
    for control, count in ((blur, 1), (named, 1), (other, 0)):
        assert len([text for text in voids(mine, control) if "a control" in text]) == count


def test_robust_accuracy_that_rises_beyond_both_intervals_is_void() -> None:
    """From 0.5 to 0.9 it is; from 0.50 to 0.52 chance explains it."""
    low = {"robust_accuracy": share(50, 100)}
    for high, count in ((90, 1), (52, 0)):
        step = attack("pgd", {"0.1": low, "0.2": {"robust_accuracy": share(high, 100)}})
        assert len(voids(step)) == count


@pytest.mark.parametrize(("better", "count"), [("lower", 0), (None, 0), ("higher", 1)])
def test_a_share_of_errors_may_rise_with_the_budget(better: Any, count: int) -> None:
    """More errors at a larger eps, and more than a control makes, are an attack that works."""
    info = MeasureInfo(title="errors", better=better, unattacked="error_rate")
    few, many = ({"errors": share(hits, 100)} for hits in (20, 90))
    mine, noise = (
        with_words(
            [attack(name, {"0.1": few, "0.2": large}, uses=f"attack/{name}")], {"errors": info}
        )
        for name, large in (("pgd", many), ("random_noise", few))
    )
    texts = voids(*mine, *noise)
    assert len([text for text in texts if "pgd [eps=0.2]: errors rises from" in text]) == count
    assert len([text for text in texts if "a control of the same size" in text]) == count


@pytest.mark.parametrize(("attacked", "count"), [("at least", 1), ("open", 0)])
def test_what_more_budget_can_only_raise_is_void_where_it_falls(attacked: Any, count: int) -> None:
    """Rejections from 0.9 to 0.2 at twice the eps, and fewer than noise causes: the attack is weak."""
    info = MeasureInfo(better="lower", unattacked="before", attacked=attacked)
    few, many = ({"rejections": share(hits, 100)} for hits in (20, 90))
    mine, noise = (
        with_words(
            [attack(name, {"0.1": many, "0.2": large}, uses=f"attack/{name}")], {"rejections": info}
        )
        for name, large in (("pgd", few), ("random_noise", many))
    )
    texts = voids(*mine, *noise)
    falls = "rejections falls from 0.900 at eps 0.1 to 0.200 at eps 0.2"
    assert len([text for text in texts if falls in text]) == count
    assert len([text for text in texts if "(0.900 rejections, against 0.200)" in text]) == count


@pytest.mark.parametrize(("before", "count"), [("", 1), ("share_before", 0)])
def test_success_alone_is_held_against_noise_and_budget(before: str, count: int) -> None:
    """Where no measure has one that it is compared with; else that one says it, and once is enough."""
    infos = {
        "success": MeasureInfo(better="lower", attacked="at least", group="attack"),
        "other": MeasureInfo(better="lower", unattacked=before),
    }
    few, many = ({"success": share(hits, 100), "other": share(5, 100)} for hits in (20, 90))
    mine, noise = (
        with_words([attack(name, {"0.1": many, "0.2": large}, uses=f"attack/{name}")], infos)
        for name, large in (("pgd", few), ("random_noise", many))
    )
    texts = voids(*mine, *noise)
    assert len([text for text in texts if "success falls from 0.900 at eps 0.1" in text]) == count
    assert len([text for text in texts if "(0.900 success, against 0.200)" in text]) == count


@pytest.mark.parametrize(
    ("chance", "right", "void"),
    [(0.5, 19, False), (0.5, 20, True), (0.1, 9, False), (0.1, 10, True), (1e-3, 4, False)],
)
def test_what_withstands_everything_is_void_beyond_a_guess(
    chance: float, right: int, void: bool
) -> None:
    """Ten classes allow a tenth; two do not allow a half; one image of 25 is no sign."""
    measure = share(right, 100, details={"chance": chance, "majority": 0.5})
    found = voids(attack("pgd", {"0.1": {"full_budget_accuracy": measure}}))
    assert bool(found) is void
    if void:
        assert "the whole space of images" in found[0]
        assert f"a guess is right for {chance:.0%}" in found[0]


@pytest.mark.parametrize(("hits", "level"), [(0, None), (1, "warning"), (4, "void")])
@pytest.mark.parametrize("effort", ["steps", "restarts"])
def test_few_probed_samples_warn_before_they_void(
    effort: str, hits: int, level: str | None
) -> None:
    """One of eighteen may be luck and is a warning; four, whose interval begins at 9 %, are not."""
    step = attack("pgd", {"0.1": {f"more_{effort}_gain_share": share(hits, 18)}})
    found = [caveat for caveat in caveats((), (step,)) if f"twice the {effort}" in caveat.text]
    assert [caveat.level for caveat in found] == ([] if level is None else [level])


@pytest.mark.parametrize(
    ("lost", "high", "level"), [(0.1, 0.2, None), (-0.1, 0.05, "warning"), (-0.1, -0.02, "void")]
)
def test_an_adaptive_attack_that_is_the_weaker_one_is_flagged(
    lost: float, high: float, level: str | None
) -> None:
    """Void where the whole interval is below 0; it names both attacks and what to do."""
    pair = DefenceGap(
        ("smoothed",),
        "grey",
        "adaptive",
        "pgd",
        {"eps": "8/255"},
        share(50, 100),
        share(60, 100),
        share(45, 100),
        Measure(lost, 100, low=lost - 0.2, high=high),
        fell=5,
        held=15,
    )
    found = caveats((), (), [pair])
    assert [caveat.level for caveat in found] == ([] if level is None else [level])
    for caveat in found:
        assert caveat.text.startswith("adaptive [eps=8/255]: ")
        assert "0.600" in caveat.text
        assert "grey, which does not know it (0.500)" in caveat.text
        assert "withstood both (0.450)" in caveat.text


def test_a_bound_is_compared_with_nothing() -> None:
    """An attack that stopped early may lie anywhere below its figure: it neither rises nor loses."""
    low, high = share(50, 100), replace(share(90, 100), details={"bound": "upper"})
    cells = {"0.1": {"robust_accuracy": low}, "0.2": {"robust_accuracy": high}}
    noise = {"0.2": {"robust_accuracy": share(80, 100)}}
    control = attack("noise", noise, uses="attack/random_noise")
    assert voids(attack("cascade", cells), control) == []
    ended = {"0.1": cells["0.1"], "0.2": {"robust_accuracy": share(90, 100)}}
    assert len(voids(attack("cascade", ended), control)) == 2
