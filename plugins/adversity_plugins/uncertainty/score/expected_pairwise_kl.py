"""How far the members of an ensemble are from each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Score
from adversity_plugins.uncertainty.score._probabilities import score_of_members

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import Predictive

__all__ = ["ExpectedPairwiseKL"]


class ExpectedPairwiseKL(Score):
    """Mean Kullback-Leibler divergence between two members drawn at random, in nats.

    The two are drawn independently, so that it is the mean over all M x M pairs, a member with
    itself among them. It is `mutual_information` and the mean divergence of the mean from the
    members together. Where a member excludes a class that another does not, the divergence is
    infinite: inside the logarithm a probability is therefore `floor` at least.
    """

    name = "expected_pairwise_kl"
    reference = (
        "A. Malinin, M. Gales, Uncertainty estimation in autoregressive structured prediction, 2021"
    )
    differentiable = True
    needs_members: ClassVar[bool] = True

    floor: float = Field(
        2.0**-126,
        gt=0,
        lt=1,
        description="What a probability below it counts as inside the logarithm: the smallest normal "
        "float32 unless said otherwise, as tables keep float32. No divergence is above minus its log.",
    )

    def score(self, predictive: Predictive) -> Tensor:
        """Return `[N]` float64, from 0 to minus log floor; rounding may leave -1e-14.

        Raises:
            DataError: There are no members.
        """
        return score_of_members(self._expected_pairwise_kl, predictive, self.name)

    def _expected_pairwise_kl(self, members: Tensor) -> Tensor:
        logs = members.clamp_min(self.floor).log()
        # The mean over pairs of sum p (log p - log q), in time that grows with M and not its square.
        own = (members * logs).sum(dim=2).mean(dim=0)
        return own - (members.mean(dim=0) * logs.mean(dim=0)).sum(dim=1)
