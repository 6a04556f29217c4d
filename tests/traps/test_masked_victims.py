"""A victim whose gradient is masked is flagged, got through, or shown by another attack."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import pytest
import torch

import adversity
from adversity import Measure, Restoration
from adversity.engine.chain.links import Link
from adversity.engine.chain.target import ChainTarget
from adversity.pipeline.gates.gate_text import Gate
from adversity.pipeline.gates.verdicts import judge
from adversity.pipeline.plan.engine_measures import OF_ATTACKS
from adversity.report.doubts.caveats import caveats
from adversity.report.doubts.judgement import exit_code
from adversity.report.values.model import CellResult, StepSummary
from adversity.report.words.reading import with_words
from adversity_plugins.metric.robust_accuracy import RobustAccuracy

EPS = 8 / 255


class Bytes(Restoration):
    """Round to eight bits: no gradient, and next to no change."""

    name: ClassVar[str] = "bytes"

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return (images * 255).round() / 255


class Masked(torch.nn.Module):
    """A network that rounds its input inside."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network((images * 255).round() / 255)
        return logits


def _step(**measures: float) -> StepSummary:
    found = {name: Measure(value, 24) for name, value in measures.items()}
    made = StepSummary(
        id="attacked",
        uses="attack/pgd",
        kind="attack",
        makes="adversarial",
        cells=(CellResult({}, 24, found, (), {"eps": EPS}),),
    )
    return with_words([made], {**OF_ATTACKS, **RobustAccuracy.declared()})[0]


def _void(step: StepSummary) -> list[str]:
    return [caveat.text for caveat in caveats((), (step,)) if caveat.level == "void"]


def test_3_13_a_masked_gradient_is_flagged_and_fails_a_gate(
    network: Any, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """PGD moves nothing and leaves all standing; the flags say so, void the figure, fail a gate."""
    pgd = adversity.create("attack", "pgd", eps=EPS, steps=5, random_start=False)
    masked = pgd(adversity.target(Masked(network)), images, labels)
    assert not bool(masked.success.any())
    assert masked.flags == {
        "zero_gradient": 1.0,
        "nan_gradient": 0.0,
        "never_moved": 1.0,
        "probability_output": 0.0,
        "hidden_pixels": 0.0,
    }
    plain = pgd(adversity.target(network), images, labels)
    assert set(plain.flags.values()) == {0.0}

    shares = {f"{name}_share": value for name, value in masked.flags.items()}
    flagged = _step(robust_accuracy=1.0, **shares)
    assert len(_void(flagged)) == 2
    assert "may be masked" in _void(flagged)[0]
    # The twin reports robust accuracy alone, as libraries do: nothing speaks against it.
    assert _void(_step(robust_accuracy=1.0)) == []
    gate = Gate("", "", "attacked", "zero_gradient_share", {}, None, "<=", 0.05)
    assert [found.verdict for found in judge([gate], {"attacked": flagged})] == ["fail"]


def test_3_35_a_gate_on_a_void_figure_is_an_error(
    network: Any, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """PGD leaves all standing, by a masked gradient: the gate that wants robustness is no PASS.

    The twin judges the number and not what the report says of it, and passes.
    """
    pgd = adversity.create("attack", "pgd", eps=EPS, steps=5, random_start=False)
    masked = pgd(adversity.target(Masked(network)), images, labels)
    shares = {f"{name}_share": value for name, value in masked.flags.items()}
    step = _step(robust_accuracy=1 - float(masked.success.double().mean()), **shares)
    gate = Gate("", "", "attacked", "robust_accuracy", {}, None, ">=", 0.9)
    (judged,) = judge([gate], {"attacked": step}, caveats=caveats((), [step]))
    (twin,) = judge([gate], {"attacked": step})
    assert (judged.verdict, twin.verdict) == ("error", "pass")
    assert exit_code([judged]) == 1
    assert "may be masked" in judged.why


def test_3_13_the_same_rounding_in_the_chain_is_no_protection(
    network: Any, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """As a link it gets a straight-through gradient: as few stand as without; Square agrees."""
    chain = adversity.target(network)
    link = Link("bytes", adversity.engine.calls.ready.Ready(Bytes(), 'restoration "bytes" (test)'))
    ids = [str(row) for row in range(len(images))]
    defended = ChainTarget([link, *chain.links], ids=ids)
    truth = defended.answer(images).predicted
    ready = adversity.create("attack", "pgd", eps=EPS, steps=5, random_start=False).ready
    through = adversity.engine.attack.attacking.attack(ready, defended, images, truth)
    bare = adversity.engine.attack.attacking.attack(ready, chain.bind(ids), images, labels)
    assert int(through.success.sum()) >= int(bare.success.sum()) - 1
    assert int(through.success.sum()) > 12
    square = adversity.create("attack", "square", eps=EPS, queries=300)
    assert int(square(adversity.target(Masked(network)), images, truth).success.sum()) > 6


def _curve(*points: tuple[float, float, float, float]) -> StepSummary:
    cells = tuple(
        CellResult(
            {"eps": str(eps)},
            400,
            {"robust_accuracy": Measure(value, 400, low=low, high=high)},
            (),
            {"eps": eps},
        )
        for eps, value, low, high in points
    )
    made = dataclasses.replace(_step(), cells=cells, threat={"norm": "linf", "eps": "$eps"})
    return with_words([made], RobustAccuracy.declared())[0]


@pytest.mark.parametrize(
    ("larger", "void"),
    [((0.40, 0.35, 0.45), False), ((0.52, 0.47, 0.57), False), ((0.70, 0.65, 0.75), True)],
    ids=["falls", "within the intervals", "rises"],
)
def test_3_14_accuracy_that_rises_with_eps_voids_the_curve(
    larger: tuple[float, float, float], void: bool
) -> None:
    """Twice the budget cannot leave more, beyond what chance explains."""
    step = _curve((4 / 255, 0.50, 0.45, 0.55), (8 / 255, *larger))
    assert any("rises from 0.500" in text for text in _void(step)) is void
