"""Prediction sets that hold the true class as often as they promise: split conformal prediction."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, PrivateAttr

from adversity import Decide, Fitted, Predictive, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    import numpy as np

    from adversity import FitData

__all__ = ["Conformal"]


class Conformal(Decide, Fitted):
    """Sets of classes that hold the true one with a chance of at least 1 - alpha (split, THR).

    A set holds every class whose probability is not below a threshold, and the threshold is that
    which the true classes of held-out images reach as often as promised. The promise is for images
    that are drawn as the held-out ones were, over both draws; it says nothing of one class or one
    kind of weather, and it breaks where the images change. A set may be empty, where no class is as
    likely as the true one mostly is. With too few held-out images every set holds all classes, and
    `State.info["note"]` says so.
    """

    name = "conformal"
    reference = (
        "M. Sadinle, J. Lei, L. Wasserman, Least ambiguous set-valued classifiers with bounded "
        "error levels, 2019 (the score 1 - p); H. Papadopoulos, K. Proedrou, V. Vovk, A. Gammerman, "
        "Inductive confidence machines for regression, 2002 (the split)"
    )
    fits_on: ClassVar[Literal["images", "logits"]] = "logits"

    alpha: float = Field(
        0.1, gt=0, lt=1, description="The share of images whose set may miss the true class."
    )

    _threshold: float | None = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the threshold: the score of rank ceil((n + 1)(1 - alpha)) among n true classes.

        Args:
            data: Blocks with `probs` `[N, K]` and `targets` `[N]`.
            rng: Not used; the fit has no randomness.

        Returns:
            The array `threshold`, of the score 1 - p; infinite where the rank exceeds n. As
            information `alpha`, `n`, `rank` and `note` (empty if all went well).

        Raises:
            DataError: There are no rows, no probabilities or no targets.
        """
        import numpy as np

        from adversity_plugins.uncertainty.decision._true_scores import true_scores

        scores = sorted(
            score
            for block in data
            for score in true_scores(block.probs, block.targets, "conformal")
        )
        if not scores:
            raise DataError("conformal expects rows to fit on, got none")
        # As it is written: 1 - 0.1 in floats times 10 is 9.000000000000002 for some alphas.
        share = 1 - Fraction(str(self.alpha))
        rank = math.ceil((len(scores) + 1) * share)
        enough = rank <= len(scores)
        needed = math.ceil(share / (1 - share))
        note = (
            f"only {len(scores)} rows to fit on, alpha = {self.alpha:g} needs at least {needed}: "
            "every set holds all classes"
        )
        return State(
            arrays={"threshold": np.array([scores[rank - 1] if enough else math.inf])},
            info={
                "alpha": self.alpha,
                "n": len(scores),
                "rank": rank,
                "note": "" if enough else note,
            },
        )

    def load(self, state: State) -> None:
        """Take the threshold.

        Raises:
            DataError: The stored threshold is no number from 0 to 1, or infinity.
        """
        stored = state.arrays.get("threshold")
        threshold = float(stored.reshape(-1)[0]) if stored is not None and stored.size else math.nan
        if not (0 <= threshold <= 1 or threshold == math.inf):
            raise DataError(
                f"conformal expects a stored threshold from 0 to 1, got {stored}: fit it again"
            )
        self._threshold = threshold

    def decide(self, predictive: Predictive) -> Predictive:
        """Return `sets` `[N, K]` bool: the classes with 1 - p not above the threshold.

        Raises:
            NotFittedError: There is no threshold yet.
            DataError: There are no probabilities.
        """
        if self._threshold is None:
            raise NotFittedError(
                "conformal expects a fitted threshold, got none: add fit_on: to the step, or call "
                ".fit(logits, labels) first"
            )
        if predictive.probs is None:
            raise DataError("conformal expects class probabilities, got none: use a classifier")
        return Predictive(sets=1 - predictive.probs.double() <= self._threshold)
