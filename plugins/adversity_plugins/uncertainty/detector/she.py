"""How far the features are from agreeing with the mean ones of the predicted class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from adversity import Detector, Fitted, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import Block, FitData

__all__ = ["SHE"]

_SHOWN = 5


class SHE(Detector, Fitted):
    """Minus the inner product of the features with the stored pattern of the predicted class.

    A class's pattern is the mean of the features of those fitting images of it that the classifier
    gets right. The paper reads the product as the energy of a modern Hopfield network with one
    pattern a class, in the limit in which only the predicted one counts. It grows with the length
    of the features, and so is for networks in which known images have longer ones; `cosine` leaves
    the length out, for others.
    """

    name = "she"
    reference = (
        "J. Zhang, Q. Fu, X. Chen, L. Du, Z. Li, G. Wang, X. Liu, S. Han, D. Zhang, "
        "Out-of-distribution detection based on in-distribution data patterns memorization with "
        "modern Hopfield energy, 2023"
    )
    fits_on: ClassVar[Literal["images", "logits", "features"]] = "features"

    metric: Literal["product", "cosine"] = Field(
        "product",
        description="The inner product as in the paper, or that of directions.",
    )

    _patterns: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the pattern of each class.

        Args:
            data: Blocks with `features` `[N, D]`, `logits` `[N, K]` and `targets` `[N]`.
            rng: Not used; the fit has no randomness.

        Returns:
            The array `patterns` `[K, D]` float64; as information `n`, `right` (how many rows the
            classifier gets right), `classes` and `features`.

        Raises:
            DataError: There are no rows, features, logits or labels; or the classifier gets no row
                of a class right.
        """
        import numpy as np

        sums: Any = None
        counts, n = np.zeros(len(data.class_names), np.int64), 0
        for block in data:
            features, targets, right = _right_ones(block)
            n += len(features)
            sums = np.zeros((len(counts), features.shape[1])) if sums is None else sums
            np.add.at(sums, targets[right], features[right])
            counts += np.bincount(targets[right], minlength=len(counts))
        if sums is None:
            raise DataError("she expects rows to fit on, got none")
        none = [name for name, count in zip(data.class_names, counts, strict=True) if not count]
        if none:
            more = f" and {len(none) - _SHOWN} more" if len(none) > _SHOWN else ""
            raise DataError(
                "she expects rows of every class that the classifier gets right to fit on, got none "
                f"of {', '.join(none[:_SHOWN])}{more}: fit it on more images, or take a better "
                "classifier"
            )
        return State(
            {"patterns": sums / counts[:, None]},
            {
                "n": n,
                "right": int(counts.sum()),
                "classes": len(counts),
                "features": sums.shape[1],
            },
        )

    def load(self, state: State) -> None:
        """Take the patterns.

        Raises:
            DataError: They are missing.
        """
        import torch

        patterns = state.arrays.get("patterns")
        if patterns is None or patterns.ndim != 2:
            got = "none" if patterns is None else list(patterns.shape)
            raise DataError(f"she expects stored patterns [K, D], got {got}: fit it again")
        self._patterns = torch.from_numpy(patterns.copy()).to(self._device)

    def score(self, features: Tensor, logits: Tensor) -> Tensor:
        """Return minus the product, `[N]` float64.

        Args:
            features: `[N, D]`, as many as it was fitted on.
            logits: `[N, K]`, of as many classes.

        Raises:
            NotFittedError: There are no patterns yet.
            DataError: There are more or fewer features or classes than it was fitted on.
        """
        from torch.nn.functional import normalize

        if self._patterns is None:
            raise NotFittedError(
                "she expects fitted patterns, got none: add fit_on: to the step, or call "
                ".fit(logits, labels, features=features) first"
            )
        classes, width = self._patterns.shape
        sizes = ("features", width, features.shape[1]), ("classes", classes, logits.shape[1])
        for what, fitted, got in sizes:
            if fitted != got:
                raise DataError(
                    f"she was fitted on {fitted} {what}, got {got}: fit it on those of the same "
                    "network"
                )
        rows, stored = features.double(), self._patterns[logits.argmax(1)]
        if self.metric == "cosine":
            rows, stored = normalize(rows, dim=1), normalize(stored, dim=1)
        agree: Tensor = (rows * stored).sum(1)
        return -agree


def _right_ones(block: Block) -> tuple[Any, Any, Any]:
    """Return a block's features `[N, D]` float64, labels `[N]`, and which rows are classified right.

    Raises:
        DataError: Something is missing.
    """
    features, logits, targets = block.features, block.logits, block.targets
    if features is None or logits is None or targets is None:
        parts = {"features": features, "logits": logits, "labels": targets}
        missing = " and no ".join(name for name, part in parts.items() if part is None)
        raise DataError(
            f"she expects features, logits and labels to fit on, got no {missing}: fit on the "
            "predictions of a classifier for labelled images"
        )
    right = logits.argmax(1) == targets
    return features.double().numpy(), targets.numpy(), right.numpy()
