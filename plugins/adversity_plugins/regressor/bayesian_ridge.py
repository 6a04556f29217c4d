"""Bayesian ridge regression on pixels: linear, with a predictive variance in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import Fitted, Predictive, Regressor
from adversity.contracts.values import State
from adversity.errors import DataError, NotFittedError, WeightsError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity.contracts.values import FitData

__all__ = ["BayesianRidge"]

_ARRAYS = ("weights", "centre", "mean", "covariance", "noise")


class BayesianRidge(Fitted, Regressor):
    """Bayesian ridge regression on the pixels of a small copy of the image.

    The target is a linear map of the pixels plus Gaussian noise. How strong the noise is, and how
    large weights are a priori, is found by maximising the evidence, with scikit-learn; each number
    of a vector has its own. The mean is that of ridge regression with the penalty noise / prior
    variance. The variance is that of the noise, and of the weights in the direction of the image:
    it grows where an image is unlike those that were learnt, if it is so in its pixels. Targets are
    scaled to a variance of 1 before, so that their unit changes nothing. An image of weight 2 counts
    as two that are alike.

    Reference:
        MacKay, "Bayesian interpolation", Neural Computation, 1992; Bishop, "Pattern recognition and
        machine learning", 2006, sections 3.3 and 3.5; Pedregosa et al., "Scikit-learn: machine
        learning in Python", 2011. Where we differ: no prior on the constant, as scikit-learn, whose
        uncertainty is left out.
    """

    name: ClassVar[str] = "bayesian_ridge"
    reference: ClassVar[str] = "MacKay, Bayesian interpolation, 1992"
    takes_weights: ClassVar[bool] = True

    side: int = Field(
        default=8, ge=1, le=32, description="height and width of the copy whose pixels are used"
    )
    max_iter: int = Field(default=1_000, ge=1, description="of maximising the evidence")

    _learnt: dict[str, Any] = PrivateAttr(default_factory=dict)
    _info: dict[str, Any] = PrivateAttr(default_factory=dict)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Learn from all samples of the stream.

        Raises:
            DataError: If targets are missing, there are fewer than three images, a target is the
                same for all, or the evidence has no maximum within `max_iter` steps.
        """
        import numpy as np
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        from adversity_plugins.regressor._pixel_rows import gather

        rows, targets, counts, channels = gather(data, self.side, self._label)
        names = list(data.target_names)
        spread = np.ptp(targets, 0)  # a standard deviation of equal ones may be 1e-17
        if not (spread > 0).all():
            same = int(np.argmin(spread))
            raise DataError(
                f"fitting {self._label} needs targets that differ, got {names[same]} = "
                f"{targets[0, same]:.6g} for all {len(rows)} images"
            )
        with threadpool_limits(limits=1):  # a library's sums depend on its number of threads
            found = [self._one(rows, column, counts) for column in targets.T]
        arrays = {name: np.stack([one[name] for one in found]) for name in _ARRAYS}
        noise = {name: float(one["noise"]) ** 0.5 for name, one in zip(names, found, strict=True)}
        return State(
            arrays,
            {
                "regressor": self.name,
                "target_names": names,
                "side": self.side,
                "channels": channels,
                "training": {"n": len(rows), "noise_sd": noise},
            },
        )

    def _one(
        self,
        rows: np.ndarray[Any, Any],
        target: np.ndarray[Any, Any],
        counts: np.ndarray[Any, Any] | None,
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Return what is learnt of one number.

        Args:
            rows: `[N, P]` float64.
            target: `[N]` float64, not all equal.
            counts: `[N]` float64, what each row counts; None where all count the same.
        """
        import numpy as np
        from sklearn import linear_model

        middle = np.average(target, weights=counts)
        scale = np.sqrt(np.average((target - middle) ** 2, weights=counts))
        model = linear_model.BayesianRidge(max_iter=self.max_iter, tol=1e-6)
        model.fit(rows, (target - middle) / scale, sample_weight=counts)
        if model.n_iter_ >= self.max_iter:
            raise DataError(
                f"fitting {self._label} did not converge in {self.max_iter} steps; choose a larger "
                "`max_iter`, or a smaller `side`"
            )
        centre = np.average(rows, axis=0, weights=counts)
        return {
            "weights": model.coef_ * scale,
            "centre": centre,
            "mean": np.float64(middle + scale * (model.intercept_ + centre @ model.coef_)),
            "covariance": model.sigma_ * scale**2,
            "noise": np.float64(scale**2 / model.alpha_),
        }

    def load(self, state: State) -> None:
        """Take what was learnt.

        Raises:
            WeightsError: If the state is not one of this plugin.
        """
        import torch

        try:
            if (state.info["regressor"], state.info["side"]) != (self.name, self.side):
                raise KeyError(f"{state.info['regressor']}, side {state.info['side']}")
            learnt = {
                name: torch.from_numpy(state.arrays[name].copy()).double().to(self._device)
                for name in _ARRAYS
            }
            info = {**state.info, "target_names": tuple(state.info["target_names"])}
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(
                f"the state is not one of {self.name} ({error!r}); run the step that fits it again"
            ) from error
        self._learnt, self._info = learnt, info

    @property
    def target_names(self) -> tuple[str, ...]:
        """The numbers of the data set it was fitted on."""
        self._require_fitted()
        names: tuple[str, ...] = self._info["target_names"]
        return names

    def predict(self, images: Tensor) -> Predictive:
        """Return mean and variance `[N, D]` float64."""
        import torch

        from adversity_plugins.regressor._pixel_rows import flat

        self._require_fitted()
        rows, own = flat(images, self.side, self._info["channels"], self._label), self._learnt
        means, variances = [], []
        for number in range(len(self.target_names)):
            apart = rows - own["centre"][number]
            means.append(own["mean"][number] + (apart * own["weights"][number]).sum(1))
            spread = ((apart @ own["covariance"][number]) * apart).sum(1)
            variances.append(own["noise"][number] + spread.clamp(min=0))  # rounding of a form >= 0
        return Predictive(mean=torch.stack(means, 1), variance=torch.stack(variances, 1))

    def describe(self) -> dict[str, Any]:
        """Return how the fitting went."""
        return dict(self._info.get("training", {}))

    @property
    def _label(self) -> str:
        return f"{self.kind} {self.name!r}"

    def _require_fitted(self) -> None:
        if not self._info:
            raise NotFittedError(
                f"{self._label} has learnt nothing yet; give its step `fit_on:` a data set, or call "
                "`.fit(images, targets)` in Python"
            )
