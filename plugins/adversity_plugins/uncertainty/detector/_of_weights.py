"""Detectors that go by the weights of a linear last layer, and by the mean of fitted features."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import PrivateAttr

from adversity import Detector, Fitted, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from torch import Tensor

    from adversity import FitData
    from adversity_plugins.uncertainty.detector._asked_layer import AskedLayer

__all__ = ["WeightDetector"]


class WeightDetector(Detector, Fitted):
    """What finds the mean features, and asks the last layer for its weights."""

    fits_on: ClassVar[Literal["images", "logits", "features"]] = "features"
    needs_head: ClassVar[bool] = True

    _mean: Any = PrivateAttr(default=None)
    _head: Any = PrivateAttr(default=None)
    _layer: Any = PrivateAttr(default=None)

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

        self._mean, self._layer = stored_mean(state, self.name, self._device), None

    def take_head(self, head: Callable[[Tensor], Tensor]) -> None:
        """Take the last layer, from features to logits."""
        self._head, self._layer = head, None

    def _asked(self, features: Tensor) -> tuple[AskedLayer, Any]:
        """Return the layer, and what was made of its weights when it was first asked.

        Raises:
            NotFittedError: There is no mean yet.
            DataError: There are more or fewer features than it was fitted on.
        """
        from adversity_plugins.uncertainty.detector._asked_layer import asked_layer

        if self._mean is None:
            raise NotFittedError(
                f"{self.name} expects fitted mean features, got none: add fit_on: to the step, or "
                "call .fit(logits, labels, features=features) first"
            )
        if features.shape[1] != len(self._mean):
            raise DataError(
                f"{self.name} was fitted on {len(self._mean)} features, got {features.shape[1]}: fit "
                "it on those of the same network"
            )
        if self._layer is None:
            layer = asked_layer(self._head, features)
            self._layer = layer, self._of_weights(layer.weight)
        asked: tuple[AskedLayer, Any] = self._layer
        return asked

    @abstractmethod
    def _of_weights(self, weight: Tensor) -> Any:
        """Make of the weights `[D, K]` what each score goes by."""
