"""A virtual logit for what of the features lies where known images hardly vary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from adversity import Detector, Fitted, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData

__all__ = ["ViM"]


class ViM(Detector, Fitted):
    """Virtual logit of the features' residual, less the log of the sum of exp over the logits.

    Features are taken from the origin at which all logits are as near to 0 as can be. The residual
    is what lies outside of the `dim` directions in which the fitting images vary most about it;
    alpha times its length is the virtual logit, with alpha such that on the fitting images it is on
    average as large as the largest logit. The paper's score is the softmax probability of the
    virtual logit; ours is the logarithm of its odds, which is in the same order, and does not
    saturate.

    The last layer must be linear. Its weights are found from the features and logits of the fitting
    images, which determine them where the features vary; `State.info["note"]` says so where there
    are directions in which they do not: of these nothing is known, and they count as weights of 0.
    """

    name = "vim"
    reference = (
        "H. Wang, Z. Li, L. Feng, W. Zhang, ViM: out-of-distribution with virtual-logit matching, "
        "2022"
    )
    fits_on: ClassVar[Literal["images", "logits", "features"]] = "features"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"dim": 5},)

    dim: int | None = Field(
        None,
        ge=0,
        description="How many directions are no residual; if not given, 1000 of 2048 features or "
        "more, 512 of 768 or more, and else half of them.",
    )

    _origin: Any = PrivateAttr(default=None)
    _residual: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the last layer, the origin, the residual's directions, and alpha.

        Args:
            data: Blocks with `features` `[N, D]` and `logits` `[N, K]`; gone through three times.
                Labels are not used.
            rng: Not used; the fit has no randomness.

        Returns:
            The arrays `origin` `[D]` and `residual` `[D, D - dim]`, alpha times an orthonormal
            basis, float64; as information `n`, `features`, `dim`, `alpha` and `note`.

        Raises:
            DataError: There are no rows, features or logits; logits are no linear function of the
                features; `dim` leaves no residual, or the largest logits are not above 0.
        """
        import numpy as np

        from adversity_plugins.uncertainty.detector._last_layer import last_layer, rows_of

        layer = last_layer(data, self.name)
        width = len(layer.mean)
        dim = _default_dim(width) if self.dim is None else self.dim
        if dim >= width:
            raise DataError(
                f"vim expects a dim below the {width} features, got {dim}: take a smaller dim, so "
                "that a residual is left"
            )
        away = layer.mean - layer.origin
        _, directions = np.linalg.eigh(layer.covariance + np.outer(away, away))
        residual = np.ascontiguousarray(directions[:, : width - dim])
        lengths = largest = 0.0
        for features, logits in rows_of(data, self.name):
            layer.require_linear(features, logits, self.name)
            lengths += float(np.linalg.norm((features - layer.origin) @ residual, axis=1).sum())
            largest += float(logits.max(1).sum())
        alpha = _alpha(largest, lengths)
        return State(
            {"origin": layer.origin, "residual": alpha * residual},
            {
                "n": layer.n,
                "features": width,
                "dim": dim,
                "alpha": alpha,
                "note": layer.note,
            },
        )

    def load(self, state: State) -> None:
        """Take the origin and the residual's directions.

        Raises:
            DataError: They are missing, or do not fit each other.
        """
        import numpy as np
        import torch

        nothing = np.zeros(0)
        origin, residual = (state.arrays.get(name, nothing) for name in ("origin", "residual"))
        if origin.ndim != 1 or residual.ndim != 2 or len(residual) != len(origin):
            raise DataError(
                "vim expects a stored origin [D] and residual [D, D - dim], got "
                f"{sorted(state.arrays)}: fit it again"
            )
        self._origin = torch.from_numpy(origin.copy()).to(self._device)
        self._residual = torch.from_numpy(residual.copy()).to(self._device)

    def score(self, features: Tensor, logits: Tensor) -> Tensor:
        """Return the log odds of the virtual logit, `[N]` float64.

        Args:
            features: `[N, D]`, as many as it was fitted on.
            logits: `[N, K]`, what the last layer makes of them.

        Raises:
            NotFittedError: There are no directions yet.
            DataError: There are more or fewer features than it was fitted on.
        """
        if self._origin is None:
            raise NotFittedError(
                "vim expects fitted directions, got none: add fit_on: to the step, or call "
                ".fit(logits, labels, features=features) first"
            )
        if features.shape[1] != len(self._origin):
            raise DataError(
                f"vim was fitted on {len(self._origin)} features, got {features.shape[1]}: fit it on "
                "those of the same network"
            )
        virtual = ((features.double() - self._origin) @ self._residual).square().sum(1).sqrt()
        odds: Tensor = virtual - logits.double().logsumexp(1)
        return odds


def _default_dim(width: int) -> int:
    """Return how many directions the paper's code takes of D features; half of few."""
    if width >= 2048:
        return 1000
    return 512 if width >= 768 else width // 2


def _alpha(largest: float, lengths: float) -> float:
    """Return by what residuals are multiplied to be as large as the largest logits.

    Args:
        largest: The sum of the largest logits of all rows.
        lengths: The sum of the lengths of their residuals.

    Raises:
        DataError: One of them is not above 0.
    """
    if lengths <= 0 or largest <= 0:
        what = "a residual" if lengths <= 0 else "largest logits above 0 on average"
        raise DataError(
            f"vim expects {what} of the rows to fit on, got none: the virtual logit has no scale; "
            + ("take a smaller dim" if lengths <= 0 else "take another detector for this network")
        )
    return largest / lengths
