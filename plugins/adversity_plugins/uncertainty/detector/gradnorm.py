"""How far the last layer would move if it had to know nothing of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from adversity import Detector

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["GradNorm"]


class GradNorm(Detector):
    """Minus the L1 norm of the last layer's gradient, of how far its answer is from uniform.

    The gradient is that of the Kullback-Leibler divergence from the uniform distribution to the
    softmax of the logits over T, by the weights of the last layer. It is an outer product, so that
    its norm is the product of two: the sum of the features' sizes, and the sum over the classes of
    how far p is from 1 / K, over T. The sum over classes of the loss is a mean, as the paper's text
    has it; its code leaves out 1 / K, which changes no order.

    Nothing is fitted. It is for networks whose last layer is linear; from a classifier that gives
    probabilities it takes log p for the logits, which at T = 1 is the same.
    """

    name = "gradnorm"
    reference = (
        "R. Huang, A. Geng, Y. Li, On the importance of gradients for detecting distributional "
        "shifts in the wild, 2021, section 3"
    )

    temperature: float = Field(
        1.0, gt=0, le=1e6, description="What logits are divided by, T; the paper uses 1."
    )

    def score(self, features: Tensor, logits: Tensor) -> Tensor:
        """Return minus the norm, `[N]` float64, not above 0.

        Args:
            features: `[N, D]`, what the last layer gets.
            logits: `[N, K]`.
        """
        probs = (logits.double() / self.temperature).softmax(1)
        moved = (probs - 1 / probs.shape[1]).abs().sum(1) / self.temperature
        return -features.double().abs().sum(1) * moved
