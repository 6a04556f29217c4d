"""The mean of the members' probabilities, or of their logits."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (claims are checked by their annotations)
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from adversity import Combine

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["DeepEnsemble"]


class DeepEnsemble(Combine):
    """The mean of the members' probabilities, or of their logits, each member counted alike.

    Members are networks that were trained alone from other random numbers, or any other
    classifiers of the same classes. One member alone gives back what it says.

    The mean of logits (`space: logits`) is the geometric mean of the probabilities, as shares of
    their sum: surer than the mean of probabilities where members disagree, and each member has a
    veto. A probability of 0 counts as 2e-308 there, so that an answer is left where members exclude
    all classes between them; of trees and neighbours, which often say 0, take probabilities.

    Reference:
        C. Genest, J. V. Zidek, Combining probability distributions: a critique and an annotated
        bibliography, 1986, section 3, for the geometric mean (logarithmic pool).
    """

    name = "deep_ensemble"
    reference = (
        "B. Lakshminarayanan, A. Pritzel, C. Blundell, Simple and scalable predictive uncertainty "
        "estimation using deep ensembles, 2017, section 2.4"
    )
    differentiable = True
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({}, {"space": "logits"})

    space: Literal["probs", "logits"] = Field(
        default="probs", description="of what the mean is taken; of logits it is a geometric mean"
    )

    def combine(self, members: Tensor) -> Tensor:
        """Return probabilities `[N, K]` of members' probabilities `[M, N, K]`."""
        if self.space == "probs":
            return members.mean(dim=0)
        from torch import finfo

        return members.clamp_min(finfo(members.dtype).tiny).log().mean(dim=0).softmax(dim=1)
