"""How much the members of an ensemble disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from adversity import Score
from adversity.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import Predictive

__all__ = ["MutualInformation"]


class MutualInformation(Score):
    """Entropy of the members' mean less the mean of their entropies, in nats.

    What the answer and the choice of the member tell of each other: the part of the doubt that
    more data could take away (epistemic). 0 where all members say the same, however unsure they
    are; at most the logarithm of their number, where each is sure of a class of its own.
    """

    name = "mutual_information"
    reference = (
        "N. Houlsby, F. Huszár, Z. Ghahramani, M. Lengyel, Bayesian active learning for "
        "classification and preference learning, 2011, equation 2"
    )
    differentiable = True
    needs_members: ClassVar[bool] = True

    def score(self, predictive: Predictive) -> Tensor:
        """Return `[N]` float64 in [0, log M] for M members; rounding may leave -1e-16.

        Raises:
            DataError: There are no members.
        """
        if predictive.members is None:
            raise DataError(
                "mutual_information expects what members say, got one answer: use it on a step "
                "that combines members"
            )
        members = predictive.members.double()
        return _entropy(members.mean(dim=0)) - _entropy(members).mean(dim=0)


def _entropy(probs: Tensor) -> Tensor:
    """Return the entropy of probabilities `[..., K]` in nats; a class of probability 0 adds 0."""
    from torch import finfo, float64

    return -(probs * probs.clamp_min(finfo(float64).tiny).log()).sum(dim=-1)
