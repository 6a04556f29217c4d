"""How many members of an ensemble are for another class than most are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from adversity import Score
from adversity_plugins.uncertainty.score._probabilities import score_of_members

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import Predictive

__all__ = ["VariationRatio"]


class VariationRatio(Score):
    """Share of the members whose class is not the one that most members are for.

    A member's class is its most probable one, the first of those that are alike. With M members
    there are no more than M values, so that many samples share one.
    """

    name = "variation_ratio"
    reference = (
        "L. C. Freeman, Elementary applied statistics, 1965; Y. Gal, Uncertainty in deep learning, "
        "2016, section 3.3.1"
    )
    needs_members: ClassVar[bool] = True

    def score(self, predictive: Predictive) -> Tensor:
        """Return `[N]` float64 in [0, 1 - 1 / min(M, K)] for M members.

        Raises:
            DataError: There are no members.
        """
        return score_of_members(_variation_ratio, predictive, self.name)


def _variation_ratio(members: Tensor) -> Tensor:
    votes = members.argmax(dim=2).transpose(0, 1)
    for_each = members.new_zeros(votes.shape[0], members.shape[2])
    most = for_each.scatter_add(1, votes, members.new_ones(votes.shape)).amax(dim=1)
    return 1 - most / len(members)
