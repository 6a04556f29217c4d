"""What an attack goes through at a calibrator: its own gradient, or that of the logits it gets."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch

from adversity import PostHoc
from adversity.errors import PluginError

LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])


class Rounded(PostHoc):
    """Probabilities in tenths, with a floor: steps, which have no gradient."""

    name: ClassVar[str] = "rounded"

    def calibrate(self, logits: torch.Tensor) -> torch.Tensor:
        tenths = (logits.detach().softmax(1) * 10).round() + 0.1
        return tenths / tenths.sum(1, keepdim=True)


class Claimed(Rounded):
    """The same, claiming a gradient."""

    name: ClassVar[str] = "claimed"
    differentiable: ClassVar[bool] = True


def test_steps_pass_the_gradient_of_the_logits(make_ready: Any) -> None:
    """The value is the calibrator's, the gradient that of its logits, and the link says so."""
    call = make_ready(Rounded()).call
    logits = LOGITS.clone().requires_grad_()
    answer = call.answers(logits)
    assert torch.equal(answer, call(LOGITS).log())
    weights = torch.arange(6.0).reshape(2, 3)
    (gradient,) = torch.autograd.grad((answer * weights).sum(), logits)
    assert torch.equal(gradient, weights)
    assert call.gradient == "BPDA (the logits it gets)"


def test_a_claimed_gradient_must_be_there(make_ready: Any) -> None:
    """A class that says `differentiable` and is not is named; without gradients nothing is asked."""
    call = make_ready(Claimed()).call
    logits = LOGITS.clone().requires_grad_()
    with pytest.raises(PluginError, match="got one without a gradient"):
        call.answers(logits)
    with torch.no_grad():
        assert torch.equal(call.answers(logits), call(LOGITS).log())
