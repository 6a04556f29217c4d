"""The mean of the members' probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity import Combine

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["DeepEnsemble"]


class DeepEnsemble(Combine):
    """The mean of the members' probabilities, each member counted alike.

    Members are networks that were trained alone from other random numbers, or any other
    classifiers of the same classes. One member alone gives back what it says.
    """

    name = "deep_ensemble"
    reference = (
        "B. Lakshminarayanan, A. Pritzel, C. Blundell, Simple and scalable predictive uncertainty "
        "estimation using deep ensembles, 2017, section 2.4"
    )
    differentiable = True

    def combine(self, members: Tensor) -> Tensor:
        """Return probabilities `[N, K]` of members' probabilities `[M, N, K]`."""
        return members.mean(dim=0)
