"""Calibration with one number: logits divided by a temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PrivateAttr

from adversity import Fitted, PostHoc, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData

__all__ = ["TemperatureScaling"]


class TemperatureScaling(PostHoc, Fitted):
    """Divide the logits by one temperature fitted on held-out data; no answer changes.

    The temperature minimises the likelihood loss, which is convex in 1/T, by a bracketed
    search on log T, at any scale of the logits. Where no trustworthy temperature can be had
    (fewer than 100 rows, or none that minimises), T = 1, and `State.info["note"]` says why.
    """

    name = "temperature_scaling"
    reference = (
        "C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "
        "On calibration of modern neural networks, 2017, section 4.2"
    )
    differentiable = True
    fits_on: ClassVar[Literal["images", "logits"]] = "logits"
    takes_weights: ClassVar[bool] = True

    _temperature: float | None = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the temperature.

        Args:
            data: Blocks with `logits` `[N, K]` and `targets` `[N]`, and `weights` `[N]` of the losses
                where there are any.
            rng: Not used; the fit has no randomness.

        Returns:
            The array `temperature`, and as information `temperature`, `nll_before`,
            `nll_after` (nats), `n` and `note` (empty if all went well).

        Raises:
            DataError: There are no rows, no targets, or the logits are not finite.
        """
        from adversity_plugins.uncertainty.calibration._temperature_search import HeldOut, search

        return search(HeldOut(data)).as_state()

    def load(self, state: State) -> None:
        """Take the temperature.

        Raises:
            DataError: The stored temperature is not a positive number.
        """
        from math import isfinite

        stored = state.arrays.get("temperature")
        temperature = float(stored.reshape(-1)[0]) if stored is not None and stored.size else 0.0
        if not (isfinite(temperature) and temperature > 0):
            raise DataError(
                f"temperature_scaling expects a stored temperature above 0, got {stored}: "
                "fit it again"
            )
        self._temperature = temperature

    def calibrate(self, logits: Tensor) -> Tensor:
        """Return softmax(logits / T), computed in float64.

        Args:
            logits: `[N, K]`, finite.

        Returns:
            `[N, K]` of the same type; rows sum to 1, the first largest class stays the same.

        Raises:
            NotFittedError: There is no temperature yet.
        """
        if self._temperature is None:
            raise NotFittedError(
                "temperature_scaling expects a fitted temperature, got none: add fit_on: to the "
                "step, or call .fit(logits, labels) first"
            )
        probs = (logits.double() / self._temperature).softmax(dim=1).to(logits.dtype)
        return _keep_winner(probs, logits)


def _keep_winner(probs: Tensor, logits: Tensor) -> Tensor:
    """Undo ties that rounding made: raise the winner of the logits by the smallest step."""
    import torch

    winner = logits.argmax(dim=1, keepdim=True)
    fixed = probs.detach()
    lost = fixed.argmax(dim=1, keepdim=True) != winner
    best = fixed.amax(dim=1, keepdim=True)
    step = torch.nextafter(best, torch.full_like(best, torch.inf)) - fixed.gather(1, winner)
    return probs.scatter_add(1, winner, torch.where(lost, step, torch.zeros_like(step)))
