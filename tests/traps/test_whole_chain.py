"""The attack goes through everything in front of the classifier, or is called grey-box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import adversity
from adversity import Restoration
from adversity.engine.attack.attacking import attack
from adversity.engine.chain.links import Link
from adversity.engine.chain.target import ChainTarget
from adversity.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

EPS = 4 / 255


class Mirror(Restoration):
    """Turn images left to right: a defence against who does not know of it."""

    name: ClassVar[str] = "mirror"
    differentiable: ClassVar[bool] = True

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return images.flip(3)


class Steps(Mirror):
    """The same behind a rounding: no gradient of its own, and one that stands in for it."""

    name: ClassVar[str] = "steps"
    differentiable: ClassVar[bool] = False

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return (images.flip(3) * 255).round() / 255

    def surrogate(self, images: torch.Tensor) -> torch.Tensor:
        return images.flip(3)


@pytest.mark.parametrize("defence", [Mirror, Steps])
def test_3_26_who_sees_the_defence_gets_through_it(
    network: Any, images: torch.Tensor, ready: Any, defence: type[Restoration]
) -> None:
    """The adaptive attack fools nearly all; the twin that attacks the classifier alone, a few."""
    ids = [str(row) for row in range(len(images))]
    links = [Link("defended", ready(defence())), *adversity.target(network).links]

    def chain(some: Sequence[Link]) -> ChainTarget:
        return ChainTarget(some, ids=ids)

    truth = chain(links).answer(images).predicted
    pgd = adversity.create("attack", "pgd", eps=EPS, steps=10).ready
    adaptive = attack(pgd, chain(links), images, truth)
    grey = attack(pgd, chain(links[1:]), images, truth, judge=chain(links))
    assert int(adaptive.success.sum()) > 1.5 * int(grey.success.sum())
    gradient = chain(links).described[0]["gradient"]
    assert gradient.startswith("BPDA" if defence is Steps else "exact")


def test_3_26_grey_box_is_said_and_passes_no_gate(project: Any) -> None:
    """The record says what the attack did not see, voids the figure, and no gate may rest on it."""
    import json

    project.edit(
        "  predictions: {uses: linear, from: test}",
        "  bright: {uses: restoration/gamma_correction, from: test, with: {gamma: 0.8}}\n"
        "  predictions: {uses: linear, from: bright}",
    )
    project.edit("    against: predictions", "    against: predictions\n    knowledge: grey-box")
    project.run()
    report = json.loads((project.out / "artifacts/small/report/report.json").read_text())
    (step,) = [found for found in report["steps"] if found["id"] == "attacked"]
    assert step["knowledge"] == "grey-box"
    assert step["links"][0]["gradient"] == "not seen by the attack (grey-box)"
    void = [c["text"] for c in report["caveats"] if c["level"] == "void"]
    assert any("grey-box" in text for text in void)

    gates = 'run: {shard_size: 7}\ngates: ["attacked.robust_accuracy >= 0.1"]'
    project.edit("run: {shard_size: 7}", gates)
    with pytest.raises(PipelineError, match="grey-box"):
        project.run()
    project.edit("\n    knowledge: grey-box", "")
    project.run()
