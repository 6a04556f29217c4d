"""How near the features are to where the network would decide otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from adversity.errors import DataError
from adversity_plugins.uncertainty.detector._of_weights import WeightDetector

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["FDBD"]


class FDBD(WeightDetector):
    """Minus the mean distance of the features to the decision boundaries, over that to their mean.

    The boundary between the predicted class and another is where the last layer gives both the same
    logit: a plane, as far off as the difference of the logits over the length of the difference of
    the weights. The mean is over all other classes. Features far from the mean of the fitting images
    lie farther from every plane, too, whatever they are of; `regularized` divides by that distance.

    The last layer must be linear. Its weights are found by asking it.
    """

    name = "fdbd"
    reference = "L. Liu, Y. Qin, Fast decision boundary based out-of-distribution detector, 2024"

    regularized: bool = Field(
        default=True,
        description="Divide by the distance to the mean of the fitting images, as in the paper.",
    )

    def score(self, features: Tensor, logits: Tensor) -> Tensor:
        """Return minus the mean distance, `[N]` float64, not above 0.

        Args:
            features: `[N, D]`, as many as it was fitted on.
            logits: What the last layer makes of them; asked for anew, and not used.

        Raises:
            NotFittedError: There is no mean yet.
            DataError: There are more or fewer features than it was fitted on; the last layer is not
                linear; two classes have the same weights; there is one class; or
                features are the mean itself, over whose distance from itself nothing is known.
        """
        import torch

        layer, apart = self._asked(features)
        rows, answer = features.double(), self._head(features.float()).double()
        layer.require_linear(rows, answer, self.name)
        largest, best = answer.max(1, keepdim=True)
        others = torch.ones_like(answer).scatter(1, best, 0)
        lengths = apart[best[:, 0]].where(others > 0, 1)
        near: Tensor = ((largest - answer) / lengths).sum(1) / (answer.shape[1] - 1)
        return -near / self._from_mean(rows) if self.regularized else -near

    def _of_weights(self, weight: Tensor) -> Tensor:
        return _apart(weight)

    def _from_mean(self, rows: Tensor) -> Tensor:
        away: Tensor = (rows - self._mean).square().sum(1).sqrt()
        if bool((away == 0).any()):
            raise DataError(
                "fdbd expects features that are not the mean of the fitting images itself, got "
                f"{int((away == 0).sum())} such rows: set regularized: false"
            )
        return away


def _apart(weight: Tensor) -> Tensor:
    """Return how far the weights `[D, K]` of each two classes are apart, `[K, K]`.

    Raises:
        DataError: There is one class, or two have the same.
    """
    import torch

    columns = weight.T.contiguous()
    if len(columns) < 2:
        raise DataError(
            "fdbd expects two classes or more, got one: between one there is no decision"
        )
    apart = torch.cdist(columns, columns, compute_mode="donot_use_mm_for_euclid_dist")
    same = (apart == 0).fill_diagonal_(fill_value=False)
    if bool(same.any()):
        first, second = (int(at) for at in same.nonzero()[0])
        raise DataError(
            f"fdbd expects weights that differ between classes, got the same for the classes number "
            f"{first} and {second}, counted from 0: no features lie between them"
        )
    return apart
