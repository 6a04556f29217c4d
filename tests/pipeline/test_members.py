"""Ensembles, planned: what may be folded into members, who may go by them, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from adversity import Combine, Fitted, Score
from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.plan.answerers import answerer
from adversity.registry.claims import claim_faults

if TYPE_CHECKING:
    from collections.abc import Callable


class Vote(Combine):
    """Combines members."""

    name: ClassVar[str] = "vote"

    def combine(self, members: Any) -> Any:
        raise NotImplementedError


class Stack(Fitted, Vote):
    """Combines members by what was learnt."""

    name: ClassVar[str] = "stack"
    fits_on: ClassVar[str] = "members"

    def fit(self, data: Any, rng: Any) -> Any:
        raise NotImplementedError

    def load(self, state: Any) -> None:
        raise NotImplementedError


class Odd(Stack):
    """Combines members, and is fitted on one answer."""

    name: ClassVar[str] = "odd"
    fits_on: ClassVar[str] = "logits"


class Dissent(Score):
    """Goes by members."""

    name: ClassVar[str] = "dissent"
    needs_members: ClassVar[bool] = True

    def score(self, predictive: Any) -> Any:
        raise NotImplementedError


@pytest.fixture
def plan_with(load: Any, toys: Any) -> Callable[..., Any]:
    """Plan the good pipeline with more steps, and the plugins of this file."""
    registry = toys.ToyRegistry([*toys.TOYS, Vote, Stack, Odd, Dissent])

    def planned(steps: str) -> Any:
        text = str(load().text).replace("gates:\n", f"{steps}gates:\n")
        return make_plan(load(text), registry)

    return planned


VOTED = "  voted: {uses: uncertainty/vote, from: predictions, over: severity}\n"


def test_cells_and_products(plan_with: Any) -> None:
    """A folded variable is gone behind the step; what it makes are predictions, of one data set."""
    plan = plan_with(
        VOTED + "  both: {uses: uncertainty/vote, from: [predictions, clean_predictions]}\n"
        "  doubt: {uses: uncertainty/dissent, from: both}\n"
    )
    steps = plan.steps
    assert [cell.key for cell in steps["voted"].cells] == [""]
    assert [cell.key for cell in steps["both"].cells] == ["severity=1", "severity=3"]
    assert steps["voted"].over == ("severity",)
    assert steps["both"].entry.cls.makes == "predictions"
    folded = steps["voted"].folds(steps["predictions"], steps["voted"].cells[0])
    assert [cell.key for cell in folded] == ["severity=1", "severity=3"]
    art = "artifacts/toy-under-attack/"
    assert set(plan.stage("both").deps) == {f"{art}predictions", f"{art}clean_predictions"}
    assert plan.chain("predictions").is_line
    assert not plan.chain("voted").is_line
    assert not plan.chain("doubt").is_line


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        pytest.param(
            "  voted: {uses: uncertainty/vote, from: predictions}\n",
            "combines members, and predictions is one; name several steps in from:, or the variable",
            id="one member",
        ),
        pytest.param(
            "  voted: {uses: uncertainty/vote, from: predictions, over: severty}\n",
            "predictions does not vary with severty",
            id="unknown variable",
        ),
        pytest.param(
            "  voted: {uses: uncertainty/vote, from: [predictions, predictions]}\n",
            "predictions stands in from: more than once; a member counts once",
            id="twice",
        ),
        pytest.param(
            "  voted: {uses: uncertainty/vote, from: [predictions, held_predictions]}\n",
            "members answer for the same data set; expected one, got predictions of photos, "
            "held_predictions of held",
            id="other data",
        ),
        pytest.param(
            "  voted: {uses: uncertainty/vote, from: enhanced, over: severity}\n",
            "works on predictions or scores; enhanced is images",
            id="images",
        ),
        pytest.param(
            "  voted: {uses: uncertainty/stack, from: predictions, over: severity, "
            "fit_on: held_predictions}\n",
            "is fitted on what members say, and held_predictions has one answer; name a step that",
            id="fitted on one answer",
        ),
        pytest.param(
            "  voted: {uses: uncertainty/stack, from: predictions, over: severity, fit_on: learnt}\n"
            "  learnt: {uses: uncertainty/vote, from: [held_predictions, held_again]}\n"
            "  held_again: {uses: net, from: held}\n",
            "is fitted on the members of learnt, and used on others: expected the same networks",
            id="fitted on others",
        ),
        pytest.param(
            "  stack: {uses: uncertainty/stack, fit_on: learnt}\n"
            "  both: {uses: stack, from: [clean_predictions, predictions]}\n"
            "  learnt: {uses: uncertainty/stack, from: predictions, over: severity}\n",
            "must be fitted; name its data with fit_on:",
            id="not fitted",
        ),
        pytest.param(
            "  voted: {uses: uncertainty/odd, from: predictions, over: severity, "
            "fit_on: held_predictions}\n",
            'is fitted on logits, which is no answer of theirs; it must say fits_on = "members"',
            id="fitted on logits",
        ),
        pytest.param(
            "  doubt: {uses: uncertainty/dissent, from: predictions}\n",
            "goes by what members say, and predictions has one answer; name a step that combines",
            id="no members",
        ),
        pytest.param(
            f"{VOTED}  doubt: {{uses: uncertainty/margin, from: voted, over: severity}}\n",
            'over: folds members into one answer; uncertainty "margin"',
            id="score over",
        ),
        pytest.param(
            "  vote: {uses: uncertainty/vote, over: severity}\n"
            "  voted: {uses: vote, from: predictions, over: severity}\n",
            "over: belongs where there is from:, on the step that uses this one",
            id="over on a definition",
        ),
        pytest.param(
            "  hit: {uses: attack/push, from: photos, against: clean_predictions, "
            "with: {eps: $eps}}\n"
            "  hurt: {uses: net, from: hit}\n"
            "  voted: {uses: uncertainty/vote, from: hurt, over: eps}\n",
            "the members of voted do not see the same adversarial images",
            id="adversarial images of their own",
        ),
        pytest.param(
            f"{VOTED}  sure: {{uses: uncertainty/scaling, from: voted, fit_on: held_predictions}}\n",
            'uncertainty "scaling" (toys 1.2) is fitted on the answers of held_predictions, and used on '
            "others, those of voted: expected the same network, members and calibrators behind both",
            id="fitted on one member",
        ),
        pytest.param(
            "  again: {uses: uncertainty/scaling, from: confidence, fit_on: held_predictions}\n",
            "and used on others, those of confidence",
            id="fitted before the calibrator",
        ),
        pytest.param(
            f"{VOTED}  hit: {{uses: attack/push, from: enhanced, against: voted, with: {{eps: 0.1}}}}\n",
            "enhanced varies with severity, which voted folds into members: each would be attacked on "
            "images of its own; change what they have in common, or one member alone: predictions",
            id="attacked where members differ",
        ),
        pytest.param(
            "  voted: {uses: uncertainty/vote, from: [predictions, clean_predictions]}\n"
            "  hit: {uses: attack/push, from: dark, against: voted, with: {eps: 0.1}}\n",
            "clean_predictions is a member of voted, and its answer does not come from dark; change "
            "images that all members answer about, or one member alone: predictions",
            id="attacked beside a member",
        ),
    ],
)
def test_what_is_refused(plan_with: Any, steps: str, message: str) -> None:
    """One clear message each, at the line of the step."""
    with pytest.raises(PipelineError) as caught:
        plan_with(steps)
    assert message in "\n".join(caught.value.findings)


def test_who_answers(plan_with: Any) -> None:
    """The network and its calibrators, whatever the images; a score in between says nothing new."""
    steps = plan_with(
        "  calm: {uses: uncertainty/scaling, from: clean_predictions, fit_on: held_predictions}\n"
        "  width: {uses: uncertainty/margin, from: clean_predictions}\n"
        "  both: {uses: uncertainty/vote, from: [predictions, clean_predictions]}\n"
        f"{VOTED}"
    ).steps
    alone = answerer("predictions", steps)
    assert alone == answerer("held_predictions", steps) == answerer("width", steps)
    assert answerer("calm", steps) == answerer("confidence", steps) != alone
    assert len({alone, *(answerer(name, steps) for name in ("both", "voted", "calm"))}) == 4


def test_what_combines_makes_predictions() -> None:
    """The shape of the contract says what is made, and a plugin cannot say otherwise."""
    assert list(claim_faults(Vote)) == []
    claims_other = type("Other", (Vote,), {"makes": "scores", "__module__": __name__})
    assert any("expected makes 'predictions'" in fault for fault in claim_faults(claims_other))
    assert Score.makes == "scores"
