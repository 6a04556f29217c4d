"""How much the members of an ensemble disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from adversity import Score
from adversity_plugins.uncertainty.score._probabilities import entropy_of, score_of_members

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import Predictive

__all__ = ["MutualInformation"]


class MutualInformation(Score):
    """Entropy of the members' mean less the mean of their entropies, in nats.

    What the answer and the choice of the member tell of each other: the part of the doubt that
    more data could take away, which is called epistemic. The entropy of the mean, the whole
    of the doubt, is this and `aleatoric` together. 0 where all members say the same, however unsure they
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
        return score_of_members(_mutual_information, predictive, self.name)


def _mutual_information(members: Tensor) -> Tensor:
    return entropy_of(members.mean(dim=0)) - entropy_of(members).mean(dim=0)
