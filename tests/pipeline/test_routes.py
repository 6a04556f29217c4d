"""Routes: what images go through in a cell, with each member of an ensemble in its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.plan.routes import every, record_of, route_of

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = """  voted: {uses: uncertainty/deep_ensemble, from: [predictions, plain], over: severity}
  plain: {uses: net, from: photos}
  both:  {uses: uncertainty/deep_ensemble, from: [predictions, other]}
  other: {uses: net, from: brighter}
  brighter: {uses: restoration/brighter, from: enhanced}
  hit:  {uses: attack/push, from: photos, against: voted, with: {eps: $eps}}
  grey: {uses: attack/push, from: dark, against: both, knowledge: grey-box, with: {eps: 0.1}}
  seen: {uses: attack/push, from: dark, against: both, with: {eps: 0.1}}
"""


class Both:
    """The toys, and the installed plugin that combines."""

    def __init__(self, toys: Any) -> None:
        from adversity.registry import discover

        self._toys, self._ours = toys.ToyRegistry(toys.TOYS), discover()
        self.kinds = self._toys.kinds

    def entries(self, kind: str | None = None) -> Any:
        return self._toys.entries(kind)

    def get(self, kind: str, name: str) -> Any:
        registry = self._ours if name == "deep_ensemble" else self._toys
        return registry.get(kind, name)


@pytest.fixture
def plan(load: Callable[..., Any], toys: Any) -> Any:
    """The good pipeline, with ensembles and attacks on them."""
    text = str(load().text).replace("gates:\n", f"{STEPS}gates:\n")
    return make_plan(load(text), Both(toys))


def spelt(route: Any) -> list[Any]:
    """Each link as `step[cell]`, members in lists before what combines them."""
    return [
        [*(spelt(member) for member in placed.members), str(placed.step.id)]
        if placed.members
        else f"{placed.step.id}[{placed.cell.key}]"
        for placed in route
    ]


def test_members_go_their_own_ways_in_their_own_cells(plan: Any) -> None:
    """A variable that is folded makes a member of each cell, through its own views."""
    victim = plan.victim("hit")
    (cell, *_) = plan.steps["hit"].cells
    assert cell.as_dict().keys() == {"eps"}
    route = route_of(victim, cell, plan.steps)
    assert spelt(route) == [
        [
            ["dark[severity=1]", "enhanced[severity=1]", "predictions[severity=1]"],
            ["dark[severity=3]", "enhanced[severity=3]", "predictions[severity=3]"],
            ["plain[]"],
            "voted",
        ]
    ]
    places = [placed.place(cell) for placed in every(route)]
    assert places == ["severity=1"] * 3 + ["severity=3"] * 3 + ["", ""]
    assert [part.id for part in victim.parts] == [
        "dark",
        "enhanced",
        "predictions",
        "plain",
        "voted",
    ]
    assert {step.id for step in victim.classifiers} == {"predictions", "plain"}
    assert victim.shared_views == ()
    record = record_of(route, lambda placed: {"id": placed.step.id})
    assert record[0]["id"] == "voted"
    assert [len(member) for member in record[0]["members"]] == [3, 3, 1]


def test_views_that_all_members_share_are_gone_through_once(plan: Any) -> None:
    """They stand before what combines; the cell is the attack's, and no place differs."""
    victim = plan.victim("seen")
    (_, cell) = plan.steps["seen"].cells
    route = route_of(victim, cell, plan.steps)
    at = "[severity=3]"
    assert spelt(route) == [
        f"enhanced{at}",
        [[f"predictions{at}"], [f"brighter{at}", f"other{at}"], "both"],
    ]
    assert {placed.place(cell) for placed in every(route)} == {""}
    assert [view.id for view in victim.shared_views] == ["enhanced"]


def test_without_the_defences_classifiers_and_what_combines_them_are_left(plan: Any) -> None:
    """A grey-box attacker knows the networks and that they are one, and nothing else."""
    victim = plan.victim("grey")
    (cell, _) = plan.steps["grey"].cells
    at = "[severity=1]"
    assert spelt(route_of(victim.undefended, cell, plan.steps)) == [
        [[f"predictions{at}"], [f"other{at}"], "both"]
    ]
    assert {part.id for part in victim.defences} == {"enhanced", "brighter"}


def test_a_route_without_members_is_the_chain(plan: Any) -> None:
    """One way, each link in the attack's cell."""
    victim = plan.victim("attacked")
    cell = plan.steps["attacked"].cells[-1]
    route = route_of(victim, cell, plan.steps)
    assert [placed.step for placed in route] == list(victim.links) == list(victim.parts)
    assert {placed.cell.key for placed in route} == {"severity=3"}


def test_a_stage_depends_on_every_member_and_on_which_there_are(plan: Any) -> None:
    """Their steps, and the values that are folded: another list of them is another victim."""
    stage = plan.stage("hit")
    slices = {name for names in stage.params.values() for name in names}
    assert {"matrix.severity", "matrix.eps"} <= slices
    steps = ("hit", "voted", "predictions", "plain", "enhanced", "dark", "net")
    assert {f"steps.{step}" for step in steps} <= slices
    assert "steps.other" not in slices
    assert set(stage.views) == {"dark", "enhanced"}
