"""What asks a classifier several times, planned: of whom, what it makes, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from adversity import Fitted, Sampling, Score
from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.plan.answerers import answerer

if TYPE_CHECKING:
    from collections.abc import Callable


class Learns(Fitted, Sampling):
    """Draws from what it learnt."""

    name: ClassVar[str] = "learns"

    def fit(self, data: Any, rng: Any) -> Any:
        raise NotImplementedError

    def load(self, state: Any) -> None:
        raise NotImplementedError

    def estimate(self, models: Any, images: Any, rng: Any) -> Any:
        raise NotImplementedError


class Dissent(Score):
    """Goes by members."""

    name: ClassVar[str] = "dissent"
    needs_members: ClassVar[bool] = True

    def score(self, predictive: Any) -> Any:
        raise NotImplementedError


@pytest.fixture
def plan_with(load: Any, toys: Any) -> Callable[..., Any]:
    """Plan the good pipeline with more steps, and the plugins of this file."""

    class Says(toys.Tiny):  # type: ignore[misc,name-defined]
        """Say a class and no more."""

        name: ClassVar[str] = "says"
        gives: ClassVar[str] = "labels"

    registry = toys.ToyRegistry([*toys.TOYS, Learns, Dissent, Says])

    def planned(steps: str) -> Any:
        text = str(load().text).replace("gates:\n", f"{steps}gates:\n")
        return make_plan(load(text), registry)

    return planned


DRAWN = "  drawn: {uses: uncertainty/draws, from: predictions}\n"


def test_draws_are_predictions_with_members(plan_with: Any) -> None:
    """In the cells of the classifier's step; scores of members and calibrators may stand behind."""
    plan = plan_with(
        DRAWN + "  doubt: {uses: uncertainty/dissent, from: drawn}\n"
        "  held_drawn: {uses: uncertainty/draws, from: held_predictions}\n"
        "  scaled: {uses: uncertainty/scaling, from: drawn, fit_on: held_drawn}\n"
    )
    steps = plan.steps
    assert steps["drawn"].entry.cls.makes == "predictions"
    assert steps["drawn"].cells == steps["predictions"].cells
    assert plan.chain("drawn").classifier.id == "predictions"
    assert plan.chain("drawn").is_line


def test_a_definition_may_be_used_by_several_steps(plan_with: Any) -> None:
    """As a classifier's: the plugin stands once."""
    plan = plan_with(
        "  mine: {uses: uncertainty/draws}\n"
        "  drawn: {uses: mine, from: predictions}\n  other: {uses: mine, from: clean_predictions}\n"
    )
    assert "mine" not in [stage.step for stage in plan.stages]
    assert "steps.mine" in plan.stage("drawn").params[f"pipelines/.resolved/{plan.name}.yaml"]


def test_who_answers_is_the_network_and_the_draws(plan_with: Any) -> None:
    """What was fitted on the network's answers holds for its draws no more than for another's."""
    plan = plan_with(DRAWN + "  held_drawn: {uses: uncertainty/draws, from: held_predictions}\n")
    one, same, network = (
        answerer(name, plan.steps) for name in ("drawn", "held_drawn", "predictions")
    )
    assert one == same != network


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        pytest.param(
            "  drawn: {uses: uncertainty/draws, from: confidence}\n",
            r"draws.* asks a classifier itself, and confidence is made of what one said: "
            r".*name the predictions of a classifier",
            id="a calibrator",
        ),
        pytest.param(
            DRAWN + "  again: {uses: uncertainty/draws, from: drawn}\n",
            "and drawn is made of what one said",
            id="draws of draws",
        ),
        pytest.param(
            "  drawn: {uses: uncertainty/draws, from: dark}\n",
            "draws.* works on predictions or scores; dark is images",
            id="images",
        ),
        pytest.param(
            "  drawn: {uses: uncertainty/draws, from: [predictions, clean_predictions]}\n",
            "expected one step, got 2",
            id="two steps",
        ),
        pytest.param(
            "  drawn: {uses: uncertainty/draws, from: predictions, over: severity}\n",
            "over: folds members into one answer",
            id="over",
        ),
        pytest.param(
            "  said: {uses: classifier/says, from: dark}\n"
            "  drawn: {uses: uncertainty/draws, from: said}\n",
            "needs logits or probabilities, and .*says.* of said gives labels only",
            id="labels",
        ),
        pytest.param(
            "  drawn: {uses: uncertainty/learns, from: predictions, fit_on: photos}\n",
            "learns.* is fitted and asks a network as well, which is not available yet",
            id="fitted",
        ),
        pytest.param(
            DRAWN
            + "  scaled: {uses: uncertainty/scaling, from: drawn, fit_on: held_predictions}\n",
            "expected the same network, members and calibrators behind both",
            id="fitted on the network alone",
        ),
    ],
)
def test_what_cannot_be_is_refused(plan_with: Any, steps: str, message: str) -> None:
    """Before any work, with the line and what to do."""
    with pytest.raises(PipelineError, match=message):
        plan_with(steps)


def test_draws_are_attacked_as_what_stands_behind_the_classifier(plan_with: Any) -> None:
    """The step itself, and a score behind it; a grey-box attacker knows the classifier alone."""
    pushed = "  pushed: {uses: attack/push, from: dark, against: %s, with: {eps: 0.1}}\n"
    width = "  width: {uses: uncertainty/margin, from: drawn}\n"
    for against, ways in (("drawn", ()), ("width", ("width",))):
        plan = plan_with(DRAWN + width + pushed % against)
        victim = plan.victim("pushed")
        assert victim.ids[-2 - len(ways) :] == ("predictions", "drawn", *ways)
        assert [link.id for link in victim.undefended.links] == ["predictions"]
        assert "drawn" in [link.id for link in victim.defences]
