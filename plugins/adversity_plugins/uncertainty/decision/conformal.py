"""Prediction sets that hold the true class as often as they promise: split conformal prediction."""

from __future__ import annotations

import math
from collections.abc import Mapping  # noqa: TC003  (pydantic reads the claims)
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from adversity import Decide, Fitted, Predictive, State
from adversity.errors import DataError, NotFittedError
from adversity_plugins.uncertainty.decision._class_scores import Scoring  # noqa: TC001  (pydantic reads it)

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData

__all__ = ["Conformal"]


class Conformal(Decide, Fitted):
    """Sets of classes that hold the true one with a chance of at least 1 - alpha (split).

    A set holds every class whose score is not above a threshold, and the threshold is the score
    that the true classes of held-out images keep as often as promised. `thr` scores a class by
    1 - p, which gives the smallest sets on average; it may be empty, where no class is as likely as
    the true one mostly is. `aps` scores it by the probability of all likelier classes, so that sets
    grow until they hold so much of it, and `raps` adds a penalty for each further class, which keeps
    them short; theirs hold the likeliest class. Nothing is drawn at random, unlike in the
    publications: where the likeliest class is right as often as promised, it alone is the set.

    The promise is for images that are drawn as the held-out ones were, over both draws; it says
    nothing of one kind of weather, and it breaks where the images change. With `by_class` it holds
    for the images of each class by itself, each with a threshold of its own. With too few held-out
    images, of a class, it is in every set, and `State.info["note"]` says so.
    """

    name = "conformal"
    reference = (
        "M. Sadinle, J. Lei, L. Wasserman, Least ambiguous set-valued classifiers with bounded "
        "error levels, 2019 (thr, and by class); Y. Romano, M. Sesia, E. J. Candes, Classification "
        "with valid and adaptive coverage, 2020 (aps); A. Angelopoulos, S. Bates, J. Malik, M. I. "
        "Jordan, Uncertainty sets for image classifiers using conformal prediction, 2021 (raps); H. "
        "Papadopoulos, K. Proedrou, V. Vovk, A. Gammerman, Inductive confidence machines for "
        "regression, 2002 (the split)"
    )
    fits_on: ClassVar[Literal["images", "logits"]] = "logits"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {},
        {"score": "aps"},
        {"score": "raps", "penalty": 0.1, "free": 1},
        {"by_class": True},
    )

    alpha: float = Field(
        0.1, gt=0, lt=1, description="The share of images whose set may miss the true class."
    )
    score: Scoring = Field(
        "thr",
        description="How badly a class fits: 1 - p; or the sum over likelier ones, penalised.",
    )
    penalty: float = Field(
        0.01, ge=0, description="Of `raps`: what each class more than `free` adds to the score."
    )
    free: int = Field(5, ge=0, description="Of `raps`: how many classes add nothing.")
    by_class: bool = Field(
        default=False,
        description="A threshold for each class: the promise holds for each by itself.",
    )

    _threshold: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the threshold: the score of rank ceil((n + 1)(1 - alpha)) among n true classes.

        Args:
            data: Blocks with `probs` `[N, K]` and `targets` `[N]`.
            rng: Not used; the fit has no randomness.

        Returns:
            The array `threshold`, `[1]`, or `[K]` by class; infinite where the rank exceeds n. As
            information `alpha`, `n`, of all classes together `rank`, and `note` (empty if all went
            well).

        Raises:
            DataError: There are no rows, no probabilities or no targets.
        """
        import numpy as np

        from adversity_plugins.uncertainty.decision._class_scores import true_scores, with_labels

        scores, classes, count = [], [], 0
        for block in data:
            probs, targets = with_labels(block.probs, block.targets, self.name)
            count = probs.shape[1]
            scores.append(true_scores(self._scores(probs), targets).cpu().numpy())
            classes.append(targets.cpu().numpy())
        if not sum(map(len, scores)):
            raise DataError("conformal expects rows to fit on, got none")
        own, labels = np.concatenate(scores), np.concatenate(classes)
        parts = [own[labels == k] for k in range(count)] if self.by_class else [own]
        found = [self._quantile(np.sort(part)) for part in parts]
        record = {"alpha": self.alpha, "n": len(own), "note": self._note(parts)}
        return State(
            arrays={"threshold": np.array(found)},
            info=record if self.by_class else {**record, "rank": self._rank(len(own))},
        )

    def _rank(self, n: int) -> int:
        # As it is written: 1 - 0.1 in floats times 10 is 9.000000000000002 for some alphas.
        return math.ceil((n + 1) * (1 - Fraction(str(self.alpha))))

    def _quantile(self, ordered: np.ndarray[Any, Any]) -> float:
        rank = self._rank(len(ordered))
        return float(ordered[rank - 1]) if rank <= len(ordered) else math.inf

    def _note(self, parts: list[np.ndarray[Any, Any]]) -> str:
        """Say where there are too few rows for the promise to exclude anything."""
        share = 1 - Fraction(str(self.alpha))
        needed = math.ceil(share / (1 - share))
        few = [part for part in parts if self._rank(len(part)) > len(part)]
        if not few:
            return ""
        if not self.by_class:
            return (
                f"only {len(few[0])} rows to fit on, alpha = {self.alpha:g} needs at least {needed}: "
                "every set holds all classes"
            )
        return (
            f"{len(few)} of {len(parts)} classes have fewer than the {needed} rows that alpha = "
            f"{self.alpha:g} needs, {min(map(len, few))} at least: every set holds them"
        )

    def load(self, state: State) -> None:
        """Take the threshold.

        Raises:
            DataError: The stored thresholds are no numbers from 0 on, or infinity.
        """
        import numpy as np

        stored = state.arrays.get("threshold")
        found = np.array([]) if stored is None else stored.reshape(-1).astype(np.float64)
        if not len(found) or not (found >= 0).all():  # also refuses NaN
            raise DataError(
                f"conformal expects stored thresholds from 0 on, got {stored}: fit it again"
            )
        self._threshold = found

    def decide(self, predictive: Predictive) -> Predictive:
        """Return `sets` `[N, K]` bool: the classes whose score is not above the threshold.

        Raises:
            NotFittedError: There is no threshold yet.
            DataError: There are no probabilities, or those of other classes.
        """
        import torch

        if self._threshold is None:
            raise NotFittedError(
                "conformal expects a fitted threshold, got none: add fit_on: to the step, or call "
                ".fit(logits, labels) first"
            )
        if predictive.probs is None:
            raise DataError("conformal expects class probabilities, got none: use a classifier")
        classes = predictive.probs.shape[1]
        if len(self._threshold) not in (1, classes):
            raise DataError(
                f"conformal was fitted on {len(self._threshold)} classes, got {classes}: fit it on "
                "those of the same classifier"
            )
        limit = torch.from_numpy(self._threshold).to(predictive.probs.device)
        return Predictive(sets=self._scores(predictive.probs) <= limit)

    def _scores(self, probs: Tensor) -> Tensor:
        from adversity_plugins.uncertainty.decision._class_scores import class_scores

        return class_scores(probs, self.score, penalty=self.penalty, free=self.free)
