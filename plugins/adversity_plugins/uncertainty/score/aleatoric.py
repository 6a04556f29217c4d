"""How unsure the members of an ensemble are themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from adversity import Score
from adversity_plugins.uncertainty.score._probabilities import entropy_of, score_of_members

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import Predictive

__all__ = ["Aleatoric"]


class Aleatoric(Score):
    """Mean of the entropies of the members' answers, in nats.

    The part of the doubt that stays whichever member is the true one, and that more data do not
    take away. The entropy of the members' mean, the whole of the doubt, is this and
    `mutual_information` together. Members that are sure of different classes leave none of it.
    """

    name = "aleatoric"
    reference = (
        "S. Depeweg, J. M. Hernández-Lobato, F. Doshi-Velez, S. Udluft, Decomposition of uncertainty "
        "in Bayesian deep learning for efficient and risk-sensitive learning, 2018"
    )
    differentiable = True
    needs_members: ClassVar[bool] = True

    def score(self, predictive: Predictive) -> Tensor:
        """Return `[N]` float64 in [0, log K].

        Raises:
            DataError: There are no members.
        """
        return score_of_members(lambda said: entropy_of(said).mean(dim=0), predictive, self.name)
