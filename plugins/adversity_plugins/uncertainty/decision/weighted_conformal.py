"""Prediction sets for images that differ from the held-out ones: weighted conformal prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from adversity import Decide, Fitted, Predictive, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    import numpy as np

    from adversity import FitData

__all__ = ["WeightedConformal"]


class WeightedConformal(Decide, Fitted):
    """Sets as those of `conformal`, for images that come from elsewhere: held-out ones are weighed.

    Each held-out answer counts by how much likelier it is among the answers to the unlabelled
    images than among the held-out ones, and so does the answer that is judged: where its own weight
    is too large, its set holds all classes. The ratio of likelihoods is that of a logistic
    regression on log p, which tells the two sources apart. The promise, a chance of at least
    1 - alpha, is for images of which the unlabelled ones are draws, if the ratio is right and
    classes follow from answers as they did in the held-out images (covariate shift). It is not
    for classes that became more frequent: that is `label_shift`. `State.info["note"]` says how
    many equal weights the held-out ones are worth, and how many unlabelled rows get all classes.
    It says, too, where the two sources are told apart so well that the promise cannot be relied on:
    the ratio then rests on few rows, and classes hardly follow from answers as they did.

    The ratio is fitted on the same held-out rows that are ranked; the theorem takes it as known.
    """

    name = "weighted_conformal"
    reference = (
        "R. J. Tibshirani, R. Foygel Barber, E. J. Candes, A. Ramdas, Conformal prediction under "
        "covariate shift, 2019, equations 7 and 8; the ratio by a classifier as in section 2.3; "
        "the score 1 - p of Sadinle, Lei, Wasserman, 2019"
    )
    fits_on: ClassVar[Literal["images", "logits"]] = "logits"
    fit_sources: ClassVar[tuple[str, ...]] = ("train", "unlabelled")

    alpha: float = Field(
        0.1, gt=0, lt=1, description="The share of images whose set may miss the true class."
    )
    penalty: float = Field(
        1.0,
        gt=0,
        description="How strongly the logistic regression is held to equal weights: half of it "
        "times the sum of squared slopes, on log p divided by its deviation.",
    )

    _scores: Any = PrivateAttr(default=None)
    _log_limits: Any = PrivateAttr(default=None)
    _ratio: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the scores of held-out rows, and up to which weight of a row each is its threshold.

        Args:
            data: Blocks with `probs` `[N, K]` and `targets` `[N]`; its source `unlabelled` has
                `probs` alone.
            rng: Not used; the fit has no randomness.

        Returns:
            The arrays `scores` and `log_limits` `[n]`, `slopes` `[K]` and `level` `[1]`: a row
            weighs exp(log p @ slopes + level), and the heaviest held-out one 1. As information
            `alpha`, `n`, `n_unlabelled`, `effective_n`, `unbounded` (how many of the unlabelled
            rows get all classes), `told_apart` (the AUROC with which rows of the two sources are told
            apart, by ratios of other rows) and `note`, which says these.

        Raises:
            DataError: There are no rows, no probabilities or no targets, or no ratio is found.
        """
        from adversity_plugins.uncertainty.decision._weighted_fit import weighted

        return weighted(data, data.sources["unlabelled"], alpha=self.alpha, penalty=self.penalty)

    def load(self, state: State) -> None:
        """Take scores, limits and ratio.

        Raises:
            DataError: They are missing, or do not fit each other.
        """
        import numpy as np

        from adversity_plugins.uncertainty.decision._likelihood_ratio import Ratio

        nothing = np.zeros((0, 0))
        names = ("scores", "log_limits", "slopes", "level")
        scores, limits, slopes, level = (state.arrays.get(name, nothing) for name in names)
        flat = all(array.ndim == 1 for array in (scores, limits, slopes, level))
        if not flat or scores.shape != limits.shape or level.shape != (1,):
            raise DataError(
                "weighted_conformal expects stored scores and log_limits [n], slopes [K] and level "
                f"[1], got {sorted(state.arrays)}: fit it again"
            )
        self._scores, self._log_limits = scores, limits
        self._ratio = Ratio(slopes, float(level[0]))

    def decide(self, predictive: Predictive) -> Predictive:
        """Return `sets` `[N, K]` bool: the classes with 1 - p not above the row's own threshold.

        Raises:
            NotFittedError: There is no threshold yet.
            DataError: There are no probabilities, or those of other classes.
        """
        import torch

        from adversity_plugins.uncertainty.decision._weighted_fit import log_rows, thresholds

        if self._scores is None:
            raise NotFittedError(
                "weighted_conformal expects fitted thresholds, got none: add fit_on: to the step, "
                "or call .fit(logits, labels, sources={'unlabelled': (other_logits,)}) first"
            )
        if predictive.probs is None:
            raise DataError(
                "weighted_conformal expects class probabilities, got none: use a classifier"
            )
        rows = log_rows(predictive.probs)
        if rows.shape[1] != len(self._ratio.slopes):
            raise DataError(
                f"weighted_conformal was fitted on {len(self._ratio.slopes)} classes, got "
                f"{rows.shape[1]}: fit it on those of the same classifier"
            )
        found = thresholds(self._scores, self._log_limits, self._ratio.of(rows))
        limit = torch.from_numpy(found).to(predictive.probs.device)
        return Predictive(sets=1 - predictive.probs.double() <= limit[:, None])
