"""The energy of what the last layer says by its strongest weights alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from adversity.errors import DataError
from adversity_plugins.uncertainty.detector._of_weights import WeightDetector

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["DICE"]


class DICE(WeightDetector):
    """Energy of the logits of a sparse last layer: weights that contribute little are set to 0.

    The contribution of a weight is it times the mean of its feature over the fitting images. Of D
    features and K classes, D K - round(D K share) weights are left, half rounded to even, those that
    contribute most over all classes; of equal ones the first. The score is minus the log of the sum
    of exp over what they make of the features, with the bias.

    The last layer must be linear. Its weights are found by asking it.
    """

    name = "dice"
    reference = (
        "Y. Sun, Y. Li, DICE: leveraging sparsification for out-of-distribution detection, 2022; "
        "W. Liu, X. Wang, J. Owens, Y. Li, Energy-based out-of-distribution detection, 2020, "
        "equation 4"
    )

    share: float = Field(
        0.9,
        ge=0,
        lt=1,
        description="Share of the weights that are set to 0; the paper takes 0.9 for CIFAR-10 and "
        "0.7 for ImageNet.",
    )

    def score(self, features: Tensor, logits: Tensor) -> Tensor:
        """Return the energy of the sparse layer's logits, `[N]` float64.

        Args:
            features: `[N, D]`, as many as it was fitted on.
            logits: Those of the whole layer; not used.

        Raises:
            NotFittedError: There is no mean yet.
            DataError: There are more or fewer features than it was fitted on; the last layer is not
                linear; or no weight would be left.
        """
        layer, weight = self._asked(features)
        rows = features.double()
        layer.require_linear(rows, self._head(features.float()).double(), self.name)
        answer: Tensor = rows @ weight + layer.bias
        return -answer.logsumexp(1)

    def _of_weights(self, weight: Tensor) -> Tensor:
        """Return the weights `[D, K]` of which those that contribute little are 0."""
        contribution = (weight * self._mean[:, None]).T.flatten()
        count = len(contribution)
        left = count - round(count * self.share)
        if left < 1:
            raise DataError(
                f"dice expects a share that leaves one of the {count} weights or more, got "
                f"{self.share}: take a smaller share"
            )
        strongest = contribution.argsort(descending=True, stable=True)[:left]
        mask = contribution.new_zeros(count).index_fill(0, strongest, 1.0)
        sparse: Tensor = weight * mask.view(weight.shape[1], -1).T
        return sparse
