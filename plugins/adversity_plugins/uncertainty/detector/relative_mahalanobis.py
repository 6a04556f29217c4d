"""How much farther features lie from the nearest class than from all classes taken as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from adversity import Detector, Fitted, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData

__all__ = ["RelativeMahalanobis"]

_ARRAYS = ("means", "whitening", "mean", "background")


class RelativeMahalanobis(Detector, Fitted):
    """Squared Mahalanobis distance to the nearest class mean, less that to the mean of all rows.

    The first is that of `mahalanobis`, in the metric of how features vary within classes; the second
    is in that of how all fitting rows vary about their common mean. Directions in which all images
    vary alike, whatever their class, thus count little, which tells classes that are near to the
    known ones. Features that never vary count nothing unless there is a `ridge`, as in
    `mahalanobis`, and `State.info["note"]` says so.
    """

    name = "relative_mahalanobis"
    reference = (
        "J. Ren, S. Fort, J. Liu, A. G. Roy, S. Padhy, B. Lakshminarayanan, A simple fix to "
        "Mahalanobis distance for improving near-OOD detection, 2021"
    )
    fits_on: ClassVar[Literal["images", "logits", "features"]] = "features"

    ridge: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the mean variance that is added to each variance; 0: pseudo-inverse.",
    )

    _near: Any = PrivateAttr(default=None)
    _far: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the class means, the common mean, and both metrics; sums are divided by n.

        Args:
            data: Blocks with `features` `[N, D]` and `targets` `[N]`; gone through twice.
            rng: Not used; the fit has no randomness.

        Returns:
            The arrays `means` `[K, D]`, `whitening` `[D, r]`, `mean` `[D]` and `background`
            `[D, s]`, float64; as information `n`, `classes`, `features`, `rank` r and `note`.

        Raises:
            DataError: A class has no rows, labels or features are missing, or nothing varies.
        """
        import numpy as np

        from adversity_plugins.uncertainty.detector._whitening import whitening_of
        from adversity_plugins.uncertainty.detector._within_classes import class_means, scatter

        means, counts = class_means(data)
        n, width = int(counts.sum()), means.shape[1]
        mean = counts @ means / n
        within = scatter(data, means) / n
        # How rows vary in all is how they vary within classes, and how the classes' means do.
        away = (means - mean) * np.sqrt(counts / n)[:, None]
        whitening = whitening_of(within, self.ridge, self.name)
        background = whitening_of(within + away.T @ away, self.ridge, self.name)
        rank = whitening.shape[1]
        note = (
            f"the {n} rows to fit on vary in {rank} directions of {width} features within classes: a "
            "deviation in others counts nothing; fit on more images, or set ridge"
        )
        return State(
            dict(zip(_ARRAYS, (means, whitening, mean, background), strict=True)),
            {
                "n": n,
                "classes": len(means),
                "features": width,
                "rank": rank,
                "note": note if rank < width else "",
            },
        )

    def load(self, state: State) -> None:
        """Take the means and the metrics.

        Raises:
            DataError: They are missing, or do not fit each other.
        """
        import numpy as np
        import torch

        nothing = np.zeros(0)
        given = [state.arrays.get(name, nothing) for name in _ARRAYS]
        width = given[0].shape[-1]
        fits = [each.ndim for each in given] == [2, 2, 1, 2]
        if not fits or any(len(each) != width for each in given[1:]):
            raise DataError(
                "relative_mahalanobis expects stored means [K, D], whitening [D, r], mean [D] and "
                f"background [D, s], got {sorted(state.arrays)}: fit it again"
            )
        means, whitening, mean, background = (
            torch.from_numpy(each.copy()).to(self._device) for each in given
        )
        self._near = mean, whitening, (means - mean) @ whitening
        self._far = background

    def score(self, features: Tensor, logits: Tensor) -> Tensor:
        """Return the difference of the squared distances, `[N]` float64; it may be negative.

        Args:
            features: `[N, D]`, as many as it was fitted on.
            logits: Not used.

        Raises:
            NotFittedError: There is no metric yet.
            DataError: There are more or fewer features than it was fitted on.
        """
        import torch

        if self._near is None:
            raise NotFittedError(
                "relative_mahalanobis expects fitted class means, got none: add fit_on: to the step, "
                "or call .fit(logits, labels, features=features) first"
            )
        mean, whitening, means = self._near
        if features.shape[1] != len(mean):
            raise DataError(
                f"relative_mahalanobis was fitted on {len(mean)} features, got {features.shape[1]}: "
                "fit it on those of the same network"
            )
        rows = features.double() - mean
        # Not by |a|^2 - 2ab + |b|^2, which cancels.
        apart = torch.cdist(rows @ whitening, means, compute_mode="donot_use_mm_for_euclid_dist")
        score: Tensor = apart.amin(1).square() - (rows @ self._far).square().sum(1)
        return score
