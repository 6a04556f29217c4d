"""CV+ and jackknife+: intervals of a regressor from refits that leave images out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import Fitted, Learner, Predictive, Regressor
from adversity.errors import NotFittedError, WeightsError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity.contracts.values import FitData, State

__all__ = ["CVPlus"]


class CVPlus(Fitted, Regressor):
    """Intervals that hold a stated share of targets, from refits that leave images out (CV+, jackknife+).

    The regressor is fitted once for each fold, on all images but that fold's; R_i is the error of
    image i by the fit that did not see it. For a new image x, with m_i the fit without i, the
    interval goes

        from the k-th smallest of m_i(x) - R_i   to the k-th largest of m_i(x) + R_i,

    k = n + 1 - ceil((n + 1) level). With `folds` null, which leaves out one image at a time, that is
    jackknife+. No image is spent on calibration alone, as `conformal_regression` needs.

    Of n images and a new one that are draws of one source, it holds the new target with a chance of
    at least 2 level - 1 (jackknife+), whatever the regressor is worth, and mostly of about `level`;
    of K folds that bound is lower by at most min(2 (1 - 1/K) / (n/K + 1), (1 - K/n) / (K + 1)). In
    noise that was not there it holds no longer. Where the samples have groups (a patient, a video),
    a group lies in one fold as a whole, and with `folds` null is left out as a whole: errors are
    then of groups that were not seen, and the bound is one for independent images no more.

    The mean is the middle of the interval, and the variance that of the Gaussian whose central
    interval of `level` is this one, so that metrics read it off; at other levels nothing is promised.
    Each number of a vector has its own interval, and the promise is about each by itself. A variance
    that the regressor gives is not used.

    Reference:
        R. F. Barber, E. J. Candes, A. Ramdas, R. J. Tibshirani, Predictive inference with the
        jackknife+, 2021, equations 3 and 8, theorems 1 and 4. Where we differ: folds differ by an
        image where n is no multiple of K; groups; and with fewer images than 1 / (1 - level) - 1,
        whose intervals would be endless, it refuses.
    """

    name: ClassVar[str] = "cv_plus"
    reference: ClassVar[str] = (
        "R. F. Barber, E. J. Candes, A. Ramdas, R. J. Tibshirani, Predictive inference with the "
        "jackknife+, 2021"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"regressor": {"uses": "bayesian_ridge", "with": {"side": 4}}, "folds": 4},
    )

    regressor: Annotated[
        Learner[Regressor],
        Field(
            description="what is fitted without each fold: {uses, with}, a regressor that learns"
        ),
    ]
    folds: int | None = Field(
        default=10,
        ge=2,
        description="into how many parts the images are dealt; null: as many as images (jackknife+)",
    )
    level: float = Field(
        default=0.9, ge=0.5, lt=1, description="share of targets that intervals shall hold"
    )
    seed: int = Field(default=0, ge=0, description="enters the generator of the fitting")

    _members: tuple[Any, ...] = PrivateAttr(default=())
    _left_out: Any = PrivateAttr(default=None)
    _info: dict[str, Any] = PrivateAttr(default_factory=dict)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Deal the images into folds, fit without each, and find the errors of what was left out.

        Args:
            data: Blocks with `images` and `targets`, which are held in memory.
            rng: For the folds, and a generator of its own for each fit.

        Returns:
            The fits, with their number before each name, and the arrays `folds` `[N]` and `errors`
            `[N, D]`.

        Raises:
            DataError: There are no numbers, too few images for the level or the folds, or no error
                on so many that an interval would be a point.
        """
        from adversity_plugins.regressor._cv_plus_fit import fitted_without_folds

        return fitted_without_folds(self, data, rng)

    def load(self, state: State) -> None:
        """Take the fits and their errors.

        Raises:
            WeightsError: If the state is not one of this plugin.
        """
        import torch

        from adversity_plugins.regressor._cv_plus_fit import parts_of

        try:
            if (state.info["regressor"], state.info["level"]) != (self.name, self.level):
                raise KeyError(f"{state.info['regressor']}, level {state.info['level']}")
            states, info = parts_of(state), dict(state.info)
            arrays = (torch.from_numpy(state.arrays[name].copy()) for name in ("folds", "errors"))
            info["target_names"] = tuple(info["target_names"])
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(
                f"the state is not one of {self.name} ({error!r}); run the step that fits it again"
            ) from error
        self._members = tuple(self.regressor.fitted(each) for each in states)
        self._left_out, self._info = tuple(each.to(self._device) for each in arrays), info

    def takes_channels(self) -> tuple[int, ...] | None:
        """Return those of the regressor."""
        channels: tuple[int, ...] | None = self.regressor.plugin.takes_channels()
        return channels

    @property
    def target_names(self) -> tuple[str, ...]:
        """The numbers of the data set it was fitted on."""
        self._fitted()
        names: tuple[str, ...] = self._info["target_names"]
        return names

    def predict(self, images: Tensor) -> Predictive:
        """Return the interval's middle, and the variance that states it, `[N, D]` float64."""
        import torch
        from scipy.special import ndtri

        from adversity_plugins.regressor._cv_plus_fit import rank_of

        members, (folds, errors) = self._fitted()
        said = torch.stack([member(images).mean for member in members])[folds]
        rank = rank_of(len(errors), self.level)
        reach = errors[:, None].to(said.device)
        low = (said - reach).kthvalue(len(errors) + 1 - rank, 0).values
        high = (said + reach).kthvalue(rank, 0).values
        deviation = (high - low) / 2 / float(ndtri((1 + self.level) / 2))
        return Predictive(mean=(low + high) / 2, variance=deviation**2)

    def describe(self) -> dict[str, Any]:
        """Return how the fitting went."""
        return {"regressor": self.regressor.uses, **self._info.get("training", {})}

    @property
    def _label(self) -> str:
        return f"{self.kind} {self.name!r}"

    def _fitted(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        if not self._members:
            raise NotFittedError(
                f"{self._label} has learnt nothing yet; give its step `fit_on:` a data set, or call "
                "`.fit(images, targets)` in Python"
            )
        return self._members, self._left_out
