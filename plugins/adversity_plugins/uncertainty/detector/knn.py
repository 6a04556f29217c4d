"""How far the direction of the features is from those of the fitting images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from adversity import Detector, Fitted, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData

__all__ = ["KNN"]

_VALUES = 1 << 21
"""Fitted feature values that are in float64 at once: 16 MiB."""


class KNN(Detector, Fitted):
    """Distance of the features, as a direction, to the k-th nearest of the fitting images.

    Features are divided by their Euclidean length, so that distances are from 0 to 2; features that
    are all 0 stay so. The search is exact: it goes through all fitting rows, some at a time, and
    keeps the k nearest; time grows with N times D for each image. The fitted rows are kept, N times
    D in float32, and none of their labels is used.
    """

    name = "knn"
    reference = (
        "Y. Sun, Y. Ming, X. Zhu, Y. Li, Out-of-distribution detection with deep nearest neighbors, "
        "2022"
    )
    fits_on: ClassVar[Literal["images", "logits", "features"]] = "features"
    block_rows: ClassVar[int] = 64

    k: int = Field(
        50,
        ge=1,
        description="Which neighbour counts; the paper takes 50 for CIFAR-10, 200 for CIFAR-100.",
    )
    normalize: bool = Field(
        default=True,
        description="Divide features by their length; if not, distances are those between them.",
    )

    _rows: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Keep the features of all rows.

        Args:
            data: Blocks with `features` `[N, D]`; labels are not used.
            rng: Not used; the fit has no randomness.

        Returns:
            The array `features` `[N, D]` float32, as they came; as information `n` and `features`.

        Raises:
            DataError: There are fewer rows than k, or no features.
        """
        import numpy as np

        rows = []
        for block in data:
            if block.features is None:
                raise DataError(
                    "knn expects features to fit on, got none: fit on the predictions of a "
                    "classifier that has some"
                )
            rows.append(block.features.float().cpu().numpy())
        n = sum(map(len, rows))
        if n < self.k:
            raise DataError(
                f"knn expects {self.k} rows to fit on or more, for the neighbour number k, got {n}: "
                "fit it on more, or take a smaller k"
            )
        kept = np.concatenate(rows)
        return State({"features": kept}, {"n": n, "features": kept.shape[1]})

    def load(self, state: State) -> None:
        """Take the rows.

        Raises:
            DataError: They are missing, or fewer than k.
        """
        import torch

        kept = state.arrays.get("features")
        if kept is None or kept.ndim != 2 or len(kept) < self.k:
            got = "none" if kept is None else list(kept.shape)
            raise DataError(
                f"knn expects stored features [N, D] of {self.k} rows or more, got {got}: fit it again"
            )
        self._rows = torch.from_numpy(kept.copy()).to(self._device)

    def score(self, features: Tensor, logits: Tensor) -> Tensor:
        """Return the distance, `[N]` float64.

        Args:
            features: `[N, D]`, as many as it was fitted on.
            logits: Not used.

        Raises:
            NotFittedError: There are no rows yet.
            DataError: There are more or fewer features than it was fitted on.
        """
        import torch

        if self._rows is None:
            raise NotFittedError(
                "knn expects fitted features, got none: add fit_on: to the step, or call "
                ".fit(logits, labels, features=features) first"
            )
        if features.shape[1] != self._rows.shape[1]:
            raise DataError(
                f"knn was fitted on {self._rows.shape[1]} features, got {features.shape[1]}: fit it "
                "on those of the same network"
            )
        asked = self._directions(features)
        near = torch.empty(len(asked), 0, dtype=torch.float64, device=asked.device)
        which = near.long()
        step = max(self.k, _VALUES // features.shape[1])
        for start in range(0, len(self._rows), step):
            given = self._directions(self._rows[start : start + step])
            # By products, which are many times as fast; they only choose, and the distance is taken
            # anew below, since near 0 they lose half of the digits.
            apart = (given.square().sum(1) - 2 * asked @ given.T).to(torch.float64)
            place = torch.arange(start, start + len(given), device=asked.device)
            near = torch.cat([near, apart], 1)
            which = torch.cat([which, place.expand(len(asked), -1)], 1)
            near, best = near.topk(min(self.k, near.shape[1]), dim=1, largest=False)
            which = which.gather(1, best)
        return self._farthest(asked, which)

    def _farthest(self, asked: Tensor, which: Tensor) -> Tensor:
        """Return the largest distance of each row to those chosen for it, `[N]`."""
        import torch

        return torch.stack(
            [
                (self._directions(self._rows[chosen]) - row).square().sum(1).amax().sqrt()
                for row, chosen in zip(asked, which, strict=True)
            ]
        )

    def _directions(self, features: Tensor) -> Tensor:
        """Return features in float64, each row of length 1, or 0 where it is 0."""
        rows = features.double()
        if not self.normalize:
            return rows
        length = rows.square().sum(1, keepdim=True).sqrt()
        return rows / length.where(length > 0, 1)
