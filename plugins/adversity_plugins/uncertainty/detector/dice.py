"""The energy of what the last layer says by its strongest weights alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from adversity import Detector, Fitted, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from torch import Tensor

    from adversity import FitData

__all__ = ["DICE"]


class DICE(Detector, Fitted):
    """Energy of the logits of a sparse last layer: weights that contribute little are set to 0.

    The contribution of a weight is it times the mean of its feature over the fitting images. Of D
    features and K classes, D K - round(D K share) weights are left, half rounded to even, those that
    contribute most over all classes; of equal ones the first. The score is minus the log of the sum
    of exp over what they make of the features, with the bias.

    The last layer must be linear. Its weights are found by asking it.
    """

    name = "dice"
    reference = (
        "Y. Sun, Y. Li, DICE: leveraging sparsification for out-of-distribution detection, 2022, "
        "equations 3 to 5; W. Liu, X. Wang, J. Owens, Y. Li, Energy-based out-of-distribution "
        "detection, 2020, equation 4"
    )
    fits_on: ClassVar[Literal["images", "logits", "features"]] = "features"
    needs_head: ClassVar[bool] = True

    share: float = Field(
        0.9,
        ge=0,
        lt=1,
        description="Share of the weights that are set to 0; the paper takes 0.9 for CIFAR-10 and "
        "0.7 for ImageNet.",
    )

    _mean: Any = PrivateAttr(default=None)
    _head: Any = PrivateAttr(default=None)
    _sparse: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the mean features.

        Args:
            data: Blocks with `features` `[N, D]`; labels are not used.
            rng: Not used; the fit has no randomness.

        Returns:
            The array `mean` `[D]` float64; as information `n` and `features`.

        Raises:
            DataError: There are no rows or no features.
        """
        from adversity_plugins.uncertainty.detector._mean_features import mean_features

        mean, n = mean_features(data, self.name)
        return State({"mean": mean}, {"n": n, "features": len(mean)})

    def load(self, state: State) -> None:
        """Take the mean.

        Raises:
            DataError: There is none.
        """
        from adversity_plugins.uncertainty.detector._mean_features import stored_mean

        self._mean, self._sparse = stored_mean(state, self.name, self._device), None

    def take_head(self, head: Callable[[Tensor], Tensor]) -> None:
        """Take the last layer, from features to logits."""
        self._head, self._sparse = head, None

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
        from adversity_plugins.uncertainty.detector._asked_layer import asked_layer

        if self._mean is None:
            raise NotFittedError(
                "dice expects fitted mean features, got none: add fit_on: to the step, or call "
                ".fit(logits, labels, features=features) first"
            )
        if features.shape[1] != len(self._mean):
            raise DataError(
                f"dice was fitted on {len(self._mean)} features, got {features.shape[1]}: fit it on "
                "those of the same network"
            )
        if self._sparse is None:
            layer = asked_layer(self._head, features)
            self._sparse = layer, self._left(layer.weight)
        layer, weight = self._sparse
        rows = features.double()
        layer.require_linear(rows, self._head(features.float()).double(), self.name)
        answer: Tensor = rows @ weight + layer.bias
        return -answer.logsumexp(1)

    def _left(self, weight: Tensor) -> Tensor:
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
