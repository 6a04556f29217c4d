"""The energy of an answer, as far as fitting images with features like these guide it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from adversity import Detector, Fitted, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData

__all__ = ["NNGuide"]

_VALUES = 1 << 21
"""Fitted feature values that are in float64 at once: 16 MiB."""


class NNGuide(Detector, Fitted):
    """Minus the log of the sum of exp over the logits, times the guidance of the nearest neighbours.

    Each fitting image stands for its direction in feature space, times the log of the sum of exp
    over its own logits. The guidance is the mean of the k largest inner products of an image's
    direction with those: high where sure answers were given to images like it. An answer that is
    sure although nothing like it was fitted is held back.

    The search is exact, and all fitted rows are kept, N times D in float32. The paper keeps a random
    share of them: fit on fewer images for that. None of their labels is used.
    """

    name = "nnguide"
    reference = (
        "J. Park, Y. G. Jung, A. B. J. Teoh, Nearest neighbor guidance for out-of-distribution "
        "detection, 2023"
    )
    fits_on: ClassVar[Literal["images", "logits", "features"]] = "features"
    block_rows: ClassVar[int] = 64

    k: int = Field(10, ge=1, description="How many neighbours guide.")

    _rows: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Keep the direction of each row's features times the energy of its answer.

        Args:
            data: Blocks with `features` `[N, D]` and `logits` `[N, K]`; labels are not used.
            rng: Not used; the fit has no randomness.

        Returns:
            The array `guides` `[N, D]` float32; as information `n` and `features`.

        Raises:
            DataError: There are fewer rows than k, or no features or logits.
        """
        import numpy as np
        import torch

        guides = []
        for block in data:
            if block.features is None or block.logits is None:
                missing = "features" if block.features is None else "logits"
                raise DataError(
                    f"nnguide expects features and logits to fit on, got no {missing}: fit on the "
                    "predictions of a classifier that has both"
                )
            sure = block.logits.double().logsumexp(1, keepdim=True)
            guides.append((_directions(block.features) * sure).to(torch.float32).cpu().numpy())
        n = sum(map(len, guides))
        if n < self.k:
            raise DataError(
                f"nnguide expects {self.k} rows to fit on or more, for k neighbours, got {n}: fit it "
                "on more, or take a smaller k"
            )
        kept = np.concatenate(guides)
        return State({"guides": kept}, {"n": n, "features": kept.shape[1]})

    def load(self, state: State) -> None:
        """Take the rows.

        Raises:
            DataError: They are missing, or fewer than k.
        """
        import torch

        kept = state.arrays.get("guides")
        if kept is None or kept.ndim != 2 or len(kept) < self.k:
            got = "none" if kept is None else list(kept.shape)
            raise DataError(
                f"nnguide expects stored guides [N, D] of {self.k} rows or more, got {got}: fit it "
                "again"
            )
        self._rows = torch.from_numpy(kept.copy()).to(self._device)

    def score(self, features: Tensor, logits: Tensor) -> Tensor:
        """Return minus the guided energy, `[N]` float64.

        Args:
            features: `[N, D]`, as many as it was fitted on.
            logits: `[N, K]`.

        Raises:
            NotFittedError: There are no rows yet.
            DataError: There are more or fewer features than it was fitted on.
        """
        import torch

        if self._rows is None:
            raise NotFittedError(
                "nnguide expects fitted features, got none: add fit_on: to the step, or call "
                ".fit(logits, labels, features=features) first"
            )
        if features.shape[1] != self._rows.shape[1]:
            raise DataError(
                f"nnguide was fitted on {self._rows.shape[1]} features, got {features.shape[1]}: fit "
                "it on those of the same network"
            )
        asked = _directions(features)
        best = torch.empty(len(asked), 0, dtype=torch.float64, device=asked.device)
        which = best.long()
        step = max(self.k, _VALUES // features.shape[1])
        for start in range(0, len(self._rows), step):
            guides = self._rows[start : start + step].double()
            place = torch.arange(start, start + len(guides), device=asked.device)
            best = torch.cat([best, asked @ guides.T], 1)
            which = torch.cat([which, place.expand(len(asked), -1)], 1)
            best, chosen = best.topk(min(self.k, best.shape[1]), dim=1)
            which = which.gather(1, chosen)
        return -logits.double().logsumexp(1) * self._guidance(asked, which)

    def _guidance(self, asked: Tensor, which: Tensor) -> Tensor:
        """Return the mean product of each row with those chosen for it, `[N]`.

        Anew and row by row: a product of matrices rounds by how many rows stand beside each other.
        """
        import torch

        return torch.stack(
            [
                (self._rows[chosen].double() * row).sum(1).mean()
                for row, chosen in zip(asked, which, strict=True)
            ]
        )


def _directions(features: Tensor) -> Tensor:
    """Return features in float64, each row of length 1, or 0 where it is 0."""
    rows = features.double()
    length = rows.square().sum(1, keepdim=True).sqrt()
    return rows / length.where(length > 0, 1)
