"""Iterative FGSM that looks ahead along its momentum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from adversity import Attack

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target

__all__ = ["NIFGSM"]


class NIFGSM(Attack):
    """Step along the sign of an accumulated gradient, taken ahead of the image.

    Reference:
        J. Lin et al., "Nesterov Accelerated Gradient and Scale Invariance for Adversarial
        Attacks", 2020, equations 6 to 8. The step is eps / steps, as there.
    """

    name: ClassVar[str] = "ni_fgsm"
    reference: ClassVar[str] = "J. Lin et al., Nesterov Accelerated Gradient ..., 2020"
    stochastic: ClassVar[bool] = False
    expected_failures: ClassVar[Mapping[str, str]] = {
        "sure_victim": "the paper climbs cross-entropy, whose gradient is 0 in float32 there"
    }

    norm: Literal["linf"] = "linf"
    eps: float = Field(default=8 / 255, gt=0, le=1)
    steps: int = Field(default=10, ge=1)
    decay: float = Field(default=1.0, ge=0)

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return images within eps of `images` with a higher cross-entropy; `rng` is not used."""
        import torch
        from torch.nn.functional import cross_entropy

        step = self.eps / self.steps
        low, high = (images - self.eps).clamp(0, 1), (images + self.eps).clamp(0, 1)
        current, momentum = images, torch.zeros_like(images)
        for _ in range(self.steps):
            ahead = (current + step * self.decay * momentum).detach().requires_grad_()
            loss = cross_entropy(target.logits(ahead), labels, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, ahead)
            length = gradient.abs().sum(dim=(1, 2, 3), keepdim=True)
            # A sample without any gradient must not turn its momentum into NaN.
            momentum = self.decay * momentum + gradient / length.clamp_min(1e-30)
            current = torch.clamp(current + step * momentum.sign(), low, high).detach()
        return current
