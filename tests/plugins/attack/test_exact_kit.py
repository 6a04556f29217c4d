"""`exact` keeps what the conformance kit checks, on victims that are laid open.

The kit's own victims are networks, which `exact` refuses in words; here they are linear.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from adversity.contracts.structure import Linear
from adversity.testing import attack_victims, check_plugin, linear_victims
from adversity.testing.attack import AttackBench
from adversity_plugins.attack.exact import Exact


class Open(torch.nn.Module):
    """Five linear scores of pictures of one size."""

    def __init__(self, size: int) -> None:
        super().__init__()
        draw = np.random.default_rng(size)
        self.weights = torch.from_numpy(draw.normal(size=(attack_victims.CLASSES, size)))
        self.bias = -0.5 * self.weights.sum(1)
        self.eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (images.double().flatten(1) @ self.weights.T + self.bias).float()


def _laid_open(target: Any) -> Linear | None:
    module = target.network
    if not isinstance(module, Open | linear_victims._Linear):
        return None
    return Linear(module.weights.numpy(), module.bias.numpy())


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_the_kit_passes_on_linear_victims(norm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every check that applies holds: rows, order, copies, layout, wrong labels, nearness."""
    monkeypatch.setattr(attack_victims.KitTarget, "structure", _laid_open)

    def victim(self: Any, images: torch.Tensor, ids: Any) -> Any:
        return attack_victims.KitTarget(Open(images[0].numel()), ids)

    monkeypatch.setattr(AttackBench, "victim", victim)
    monkeypatch.setattr(Exact, "expected_failures", {})
    found = check_plugin(Exact, parameters={"norm": norm}, raises=False)
    outcomes = {outcome.check: outcome for outcome in found.outcomes}
    # Their victims are networks of the kit's own, which are refused.
    del outcomes["zero_gradient"], outcomes["labels_only"]
    failed = [str(one.message) for one in outcomes.values() if one.status == "failed"]
    assert not failed, failed
    for check in ("answers", "alone", "order", "duplicates", "layout", "nearest", "pickles"):
        assert outcomes[check].status == "passed", check
