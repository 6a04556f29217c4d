"""Which gates stop an attack that runs in rounds, and whose key they are part of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.plan.stop_rules import in_rounds, stopping_gates
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover

if TYPE_CHECKING:
    from pathlib import Path

FILE = "pipelines/rounds.yaml"


@pytest.mark.parametrize(
    "gates",
    [
        ["strong.robust_accuracy not_worse_than last"],
        ["strong.robust_accuracy >= 0.99", "strong.gradients_per_image <= 1000"],
        ["answer.accuracy >= 0.99"],
    ],
)
def test_other_gates_stop_nothing(quarters: Path, gates: list[str]) -> None:
    """A gate of the step on anything else needs every round, and so does a step without one."""
    plan = make_plan(load_pipeline(quarters / FILE, root=quarters), discover())
    assert plan.resolved["gates"] == {"strong": ("[eps=20/255].robust_accuracy >= 0.95",)}
    written = (quarters / FILE).read_text()
    text = written.replace(
        "  - strong[eps=20/255].robust_accuracy >= 0.95", "\n".join(f"  - {gate}" for gate in gates)
    )
    (quarters / "pipelines/other.yaml").write_text(text)
    other = make_plan(load_pipeline(quarters / "pipelines/other.yaml", root=quarters), discover())
    assert other.resolved["gates"] == {"strong": ()}


def test_no_gate_stops_auto_attack(quarters: Path) -> None:
    """Its figure is published, so all its rounds run, and another gate makes nothing stale."""
    written = (quarters / FILE).read_text()
    text = written.replace("attack/cascade", "attack/auto_attack").replace(", effort: 0.03", "")
    (quarters / "pipelines/standard.yaml").write_text(text)
    plan = make_plan(load_pipeline(quarters / "pipelines/standard.yaml", root=quarters), discover())
    assert "gates" not in plan.resolved
    assert in_rounds(plan.steps["strong"])
    assert stopping_gates(plan.steps["strong"], plan.gates) == ()
    assert not any(
        key.startswith("gates.")
        for stage in plan.stages
        for keys in stage.params.values()
        for key in keys
    )


def test_gates_enter_the_key_of_attacks_in_rounds_alone(quarters: Path) -> None:
    """DVC compares them for the cascade, and for no other step."""
    plan = make_plan(load_pipeline(quarters / FILE, root=quarters), discover())
    resolved = "pipelines/.resolved/rounds.yaml"
    keys = {stage.step: stage.params.get(resolved, ()) for stage in plan.stages}
    assert "gates.strong" in keys.pop("strong")
    assert not any(key.startswith("gates") for found in keys.values() for key in found)
