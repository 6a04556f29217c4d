"""The energy of what the last layer says of features that are cut off where they grow too large."""

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

__all__ = ["ReAct"]


class ReAct(Detector, Fitted):
    """Energy of the logits of rectified activations: features above a fitted threshold are cut.

    The threshold is one for all features: the smallest value of the fitting images that a share
    `quantile` of all their values does not exceed. The score is minus the log of the sum of exp
    over the logits, so that it is higher where the network sees less of every class.
    """

    name = "react"
    reference = (
        "Y. Sun, C. Guo, Y. Li, ReAct: out-of-distribution detection with rectified activations, "
        "2021, equations 1 to 3; W. Liu, X. Wang, J. Owens, Y. Li, Energy-based out-of-distribution "
        "detection, 2020, equation 4"
    )
    fits_on: ClassVar[Literal["images", "logits", "features"]] = "features"
    needs_head: ClassVar[bool] = True

    quantile: float = Field(
        0.9, gt=0, le=1, description="Share of the fitted feature values that is left as it is."
    )

    _threshold: float | None = PrivateAttr(default=None)
    _head: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the threshold.

        Args:
            data: Blocks with `features` `[N, D]`; gone through twice, and labels are not used.
            rng: Not used; the fit has no randomness.

        Returns:
            The array `threshold`, and as information `threshold`, `n` and `features`.

        Raises:
            DataError: There are no rows or no features.
        """
        import numpy as np

        from adversity_plugins.uncertainty.detector._order_statistic import order_statistic

        threshold, n, width = order_statistic(data, self.quantile)
        return State(
            arrays={"threshold": np.array([threshold])},
            info={"threshold": threshold, "n": n, "features": width},
        )

    def load(self, state: State) -> None:
        """Take the threshold.

        Raises:
            DataError: There is no finite one.
        """
        from math import isfinite, nan

        stored = state.arrays.get("threshold")
        threshold = float(stored.reshape(-1)[0]) if stored is not None and stored.size else nan
        if not isfinite(threshold):
            raise DataError(f"react expects a stored threshold, got {stored}: fit it again")
        self._threshold = threshold

    def take_head(self, head: Callable[[Tensor], Tensor]) -> None:
        """Take the last layer, from features to logits."""
        self._head = head

    def score(self, features: Tensor, logits: Tensor) -> Tensor:
        """Return the energy of the logits of cut features, `[N]` float64.

        Args:
            features: `[N, D]`.
            logits: Those of the features as they were; not used.

        Raises:
            NotFittedError: There is no threshold yet.
        """
        if self._threshold is None:
            raise NotFittedError(
                "react expects a fitted threshold, got none: add fit_on: to the step, or call "
                ".fit(logits, labels, features=features) first"
            )
        cut: Tensor = self._head(features.clamp(max=self._threshold))
        return -cut.double().logsumexp(1)
