"""Chains: the links of a step and of an attack's victim, and that nobody else walks a path."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import adversity
from adversity.pipeline.plan.chain import chain_to, victim_of
from adversity.pipeline.plan.model import PlannedStep

CORE = Path(adversity.__file__).parent
FLOWS = CORE.parents[1] / "flows" / "adversity_flows"
MAKES_CHAINS = ("pipeline/plan/paths.py", "pipeline/plan/model.py", "report/values/model.py")
"""Where the first of several sources is taken, and what is first on a stored path."""


def step(id_: str, role: str, source: str = "", against: str | None = None) -> PlannedStep:
    """A step without a plugin: none is asked for here."""
    nothing: Any = None
    return PlannedStep(id_, role, nothing, id_, (source,) if source else (), against)


STEPS = {
    each.id: each
    for each in (
        step("net", "define"),
        step("dark", "view", "photos"),
        step("bright", "view", "dark"),
        step("answers", "predict", "bright"),
        step("scaled", "score", "answers"),
        step("attacked", "attack", "dark", "scaled"),
        step("again", "predict", "attacked"),
    )
}


def ids(steps: tuple[PlannedStep, ...]) -> list[str]:
    """Their ids."""
    return [each.id for each in steps]


def test_a_chain_begins_with_the_data_and_ends_in_the_step() -> None:
    """Views in front of the classifier, what is behind it among the defences with them."""
    chain = chain_to("scaled", STEPS)
    assert chain.start == "photos"
    assert chain.ids == ("photos", "dark", "bright", "answers", "scaled")
    assert chain.end is STEPS["scaled"]
    assert chain.classifier is STEPS["answers"]
    assert ids(chain.views) == ["dark", "bright"]
    assert ids(chain.defences) == ["dark", "bright", "scaled"]


def test_an_attack_stands_in_a_chain_as_what_makes_images() -> None:
    """Predictions of attacked images go through the attack, not through its victim."""
    chain = chain_to("again", STEPS)
    assert ids(chain.links) == ["dark", "attacked", "again"]
    assert ids(chain.views) == ["dark", "attacked"]


def test_the_victim_is_what_stands_between_from_and_against() -> None:
    """What lies before `from:` is no part of it; without the defences its classifier is left."""
    victim = victim_of(STEPS["attacked"], STEPS)
    assert victim.start == "dark"
    assert ids(victim.links) == ["bright", "answers", "scaled"]
    assert ids(victim.undefended.links) == ["answers"]
    assert victim == chain_to("scaled", STEPS).behind("dark")


@pytest.mark.parametrize("id_", ["photos", "net"])
def test_data_and_definitions_are_their_own_start(id_: str) -> None:
    """Nothing is on the way to them."""
    chain = chain_to(id_, STEPS)
    assert (chain.start, chain.links) == (id_, ())


def test_nobody_else_takes_a_path_apart() -> None:
    """No `.source[...]` and no `.path[...]`, so that a step of several sources is one change."""
    files = [*CORE.rglob("*.py"), *FLOWS.rglob("*.py")]
    assert len(files) > 100
    cuts = {
        f"{file}:{node.lineno}"
        for file in files
        if not file.as_posix().endswith(MAKES_CHAINS)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr in {"source", "path"}
    }
    assert not cuts
