"""Split conformal prediction for numbers: intervals of a regressor that hold a stated share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import Fitted, Plugin, Predictive, Regressor
from adversity.contracts.values import State
from adversity.errors import DataError, NotFittedError, WeightsError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity.contracts.values import FitData

__all__ = ["ConformalRegression"]


class ConformalRegression(Fitted, Regressor):
    """Scale a regressor's variance so that its intervals hold a stated share of targets (split conformal).

    Fitted on images that the regressor did not learn from. Of n scaled errors |y - m| / sqrt(v) there,
    q is the ceil((n + 1) level)-th smallest, and m -+ q sqrt(v) holds a new target with a chance of
    at least `level`, and at most 1 / (n + 1) more where errors do not tie: a mean over sets to fit on
    and new images, as long as all are draws of one source, whatever the regressor is worth. In noise
    that was not there it holds no longer.

    The mean stays as it is. The variance becomes v (q / z)^2, z of the standard Gaussian, so that the
    central interval of `level` that metrics read off is that interval; at other levels nothing is
    promised. Each number of a vector has its own q, and the promise is about each by itself. A
    regressor without a variance has intervals of one width.

    Reference:
        H. Papadopoulos, K. Proedrou, V. Vovk, A. Gammerman, Inductive confidence machines for
        regression, 2002; J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani, L. Wasserman,
        Distribution-free predictive inference for regression, 2018, section 5.2 (errors that are
        scaled). Where we differ: with fewer images than 1 / (1 - level) - 1, whose intervals would
        be endless, it refuses.
    """

    name: ClassVar[str] = "conformal_regression"
    reference: ClassVar[str] = (
        "J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani, L. Wasserman, Distribution-free predictive "
        "inference for regression, 2018"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"regressor": "bayesian_ridge"},)

    regressor: Annotated[
        Plugin[Regressor], Field(description="whose variance is scaled: a step that fits one")
    ]
    level: float = Field(
        default=0.9, gt=0, lt=1, description="share of targets that intervals shall hold"
    )

    _factor: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find how far errors reach on the images of the stream; nothing is drawn.

        Raises:
            DataError: If targets are missing or other ones than the regressor's, there are too few
                images, or it makes no error on so many that an interval would be a point.
        """
        import torch
        from scipy.special import ndtri

        names = self.regressor.target_names
        if tuple(data.target_names) != names:
            raise DataError(
                f"fitting {self._label} needs the numbers of its regressor, {', '.join(names)}, got "
                f"{', '.join(data.target_names) or 'none'}; fit it on such data"
            )
        reached: list[Tensor] = []
        for block in data:
            if block.images is None or block.targets is None or block.targets.ndim != 2:
                raise DataError(
                    f"fitting {self._label} needs images with numbers as targets; fit it on such a "
                    "data set"
                )
            said = self.regressor(block.images)
            errors = (block.targets.cpu().double() - said.mean).abs()
            reached.append(errors if said.variance is None else errors / said.variance.sqrt())
        count = sum(map(len, reached))
        rank = math.ceil(round((count + 1) * self.level, 9))  # 0.9 * 10 is no more than 9
        if rank > count:
            raise DataError(
                f"fitting {self._label} needs {math.ceil(round(self.level / (1 - self.level), 9))} "
                f"images or more for intervals that hold {self.level:g} of targets, got {count}; add "
                "some, or choose a smaller `level`"
            )
        q = torch.cat(reached).sort(0).values[rank - 1]
        if not bool((q > 0).all()):
            raise DataError(
                f"fitting {self._label} expected errors on its images, got none in {rank} of {count}: "
                "fit it on images that the regressor did not learn from"
            )
        factor = (q / float(ndtri((1 + self.level) / 2))) ** 2
        return State(
            {"factor": factor.numpy()},
            {"regressor": self.name, "level": self.level, "n": count, "rank": rank},
        )

    def load(self, state: State) -> None:
        """Take the factors of the variance.

        Raises:
            WeightsError: If the state is not one of this plugin.
        """
        import torch

        try:
            if (state.info["regressor"], state.info["level"]) != (self.name, self.level):
                raise KeyError(f"{state.info['regressor']}, level {state.info['level']}")
            factor = torch.from_numpy(state.arrays["factor"].copy()).double()
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(
                f"the state is not one of {self.name} ({error!r}); run the step that fits it again"
            ) from error
        self._factor = factor

    def takes_channels(self) -> tuple[int, ...] | None:
        """Return those of the regressor."""
        channels: tuple[int, ...] | None = self.regressor.plugin.takes_channels()
        return channels

    @property
    def target_names(self) -> tuple[str, ...]:
        """Those of the regressor."""
        names: tuple[str, ...] = self.regressor.target_names
        return names

    def predict(self, images: Tensor) -> Predictive:
        """Return the regressor's mean, and its variance as it was scaled, `[N, D]` float64."""
        import torch

        if self._factor is None:
            raise NotFittedError(
                f"{self._label} has learnt nothing yet; give its step `fit_on:` a data set, or call "
                "`.fit(images, targets)` in Python"
            )
        said = self.regressor(images)
        variance = torch.ones_like(said.mean) if said.variance is None else said.variance
        return Predictive(mean=said.mean, variance=self._factor * variance)

    @property
    def _label(self) -> str:
        return f"{self.kind} {self.name!r}"
