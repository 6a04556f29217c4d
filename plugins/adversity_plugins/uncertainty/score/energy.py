"""The free energy of the logits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from adversity import Score
from adversity_plugins.uncertainty.score._probabilities import score_of_logits

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import Predictive

__all__ = ["Energy"]


class Energy(Score):
    """Minus T log of the sum of exp(logit / T): high where the network sees little of any class.

    Between minus the largest logit, which it comes to as T goes to 0, and that less T log K. It
    needs logits: a number that is added to all of them leaves the probabilities as they are, and
    moves this. Of calibrated predictions, of those that members make together, and of a classifier
    that gives probabilities it is refused.
    """

    name = "energy"
    reference = (
        "W. Liu, X. Wang, J. Owens, Y. Li, Energy-based out-of-distribution detection, 2020, "
        "equation 4"
    )
    differentiable = True
    expected_failures: ClassVar[Mapping[str, str]] = {
        "easy_below_hard": "it goes by how large logits are: where their mean is below 0, they lose "
        "as a sum, at first, when all of them are multiplied by the same number"
    }

    temperature: float = Field(
        1.0, gt=0, le=1e6, description="What logits are divided by, T; the paper uses 1."
    )

    def score(self, predictive: Predictive) -> Tensor:
        """Return `[N]` float64, any number, in the unit of the logits.

        Raises:
            DataError: There are no logits.
        """
        return score_of_logits(self._energy, predictive, self.name)

    def _energy(self, logits: Tensor) -> Tensor:
        return -self.temperature * (logits / self.temperature).logsumexp(dim=1)
