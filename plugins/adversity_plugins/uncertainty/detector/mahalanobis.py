"""How far features lie from those of the nearest class, in the metric of how classes vary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from adversity import Detector, Fitted, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData

__all__ = ["Mahalanobis"]


class Mahalanobis(Detector, Fitted):
    """Squared Mahalanobis distance of the features to the nearest class mean, one covariance for all.

    Class means and the covariance within classes, shared by all, are found on the features of
    labelled images, in float64. With few images, or features that never vary, the covariance has
    no inverse: without `ridge` its pseudo-inverse stands in, so that a deviation in a direction in
    which the fitting images do not vary counts nothing, and `State.info["note"]` says so; with
    `ridge` such a deviation counts much. A direction is one in which they vary if its variance
    is above D times the largest, times the square of the smallest step of float32 above 1.

    We differ from the paper in that the features are those before the last layer alone, and the
    image is not moved along the gradient first.
    """

    name = "mahalanobis"
    reference = (
        "K. Lee, K. Lee, H. Lee, J. Shin, A simple unified framework for detecting "
        "out-of-distribution samples and adversarial attacks, 2018, equations 1 and 2"
    )
    fits_on: ClassVar[Literal["images", "logits", "features"]] = "features"

    divisor: Literal["n", "n - K"] = Field(
        "n",
        description="What the sum of squares within classes is divided by: n rows as in the paper, "
        "or n - K, which is unbiased. No order of scores changes.",
    )
    ridge: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the mean variance that is added to each variance; 0: pseudo-inverse.",
    )

    _means: Any = PrivateAttr(default=None)
    _centre: Any = PrivateAttr(default=None)
    _whitening: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the class means and the metric.

        Args:
            data: Blocks with `features` `[N, D]` and `targets` `[N]`; gone through twice.
            rng: Not used; the fit has no randomness.

        Returns:
            The arrays `means` `[K, D]` and `whitening` `[D, r]`, both float64: the squared length
            of (features - mean) whitening is the distance. As information `n`, `classes`, `rank`
            r, `features` D and `note` (empty if all went well).

        Raises:
            DataError: A class has no rows, labels or features are missing, or nothing varies.
        """
        from adversity_plugins.uncertainty.detector._whitening import whitening_of
        from adversity_plugins.uncertainty.detector._within_classes import class_means, scatter

        means, counts = class_means(data)
        n, classes = int(counts.sum()), len(means)
        rows = n if self.divisor == "n" else n - classes
        if rows < 1:
            raise DataError(
                f"mahalanobis expects more rows than the {classes} classes to divide by n - K, got "
                f"{n}: fit it on more"
            )
        whitening = whitening_of(scatter(data, means) / rows, self.ridge, self.name)
        rank, width = whitening.shape[1], means.shape[1]
        note = (
            f"the {n} rows to fit on vary in {rank} directions of {width} features: a deviation in "
            "others counts nothing; fit on more images, or set ridge"
        )
        return State(
            arrays={"means": means, "whitening": whitening},
            info={
                "n": n,
                "classes": classes,
                "features": width,
                "rank": rank,
                "note": note if rank < width else "",
            },
        )

    def load(self, state: State) -> None:
        """Take the means and the metric.

        Raises:
            DataError: They are missing, or do not fit each other.
        """
        import numpy as np
        import torch

        nothing = np.zeros(0)
        means, whitening = (state.arrays.get(name, nothing) for name in ("means", "whitening"))
        if means.ndim != 2 or whitening.ndim != 2 or len(whitening) != means.shape[1]:
            raise DataError(
                "mahalanobis expects stored means [K, D] and whitening [D, r], got "
                f"{sorted(state.arrays)}: fit it again"
            )
        self._whitening = torch.from_numpy(whitening.copy()).to(self._device)
        found = torch.from_numpy(means.copy()).to(self._device)
        self._centre = found.mean(0)
        self._means = (found - self._centre) @ self._whitening

    def score(self, features: Tensor, logits: Tensor) -> Tensor:
        """Return the squared distance to the nearest class mean, `[N]` float64.

        Args:
            features: `[N, D]`, as many as it was fitted on.
            logits: Not used.

        Raises:
            NotFittedError: There is no metric yet.
            DataError: There are more or fewer features than it was fitted on.
        """
        import torch

        if self._means is None:
            raise NotFittedError(
                "mahalanobis expects fitted class means, got none: add fit_on: to the step, or call "
                ".fit(logits, labels, features=features) first"
            )
        if features.shape[1] != len(self._centre):
            raise DataError(
                f"mahalanobis was fitted on {len(self._centre)} features, got "
                f"{features.shape[1]}: fit it on those of the same network"
            )
        rows = (features.double() - self._centre) @ self._whitening
        # Not by |a|^2 - 2ab + |b|^2, which cancels.
        apart = torch.cdist(rows, self._means, compute_mode="donot_use_mm_for_euclid_dist")
        return apart.amin(1).square()
