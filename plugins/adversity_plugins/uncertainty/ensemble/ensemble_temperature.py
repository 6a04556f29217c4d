"""The mean of the members' probabilities under one temperature, fitted on held-out data."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (claims are checked by their annotations)
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PrivateAttr

from adversity import Combine, Fitted, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData

__all__ = ["EnsembleTemperature"]


class EnsembleTemperature(Combine, Fitted):
    """The mean of the members' probabilities, each member's logits divided by one temperature.

    The temperature is the one under which the mean, not a member, makes held-out labels likeliest:
    members that are calibrated one by one make an ensemble that is not sure enough. It is looked
    for at 61 temperatures from 1/1000 to 1000, and between those beside the best one. A temperature
    behind the mean is a chain of `deep_ensemble` and `temperature_scaling`; it never changes an
    answer, and this can, where members disagree: `State.info` says how many. With fewer than 100
    rows, or where the best is at an end, T = 1, and the note says why.

    Reference:
        R. Rahaman, A. Thiery, Uncertainty quantification and deep ensembles, 2021, section 4; X. Wu,
        M. Gales, Should ensemble members be calibrated?, 2021, for one temperature of all members.
        It is not the ensemble temperature scaling of J. Zhang, B. Kailkhura, T. Han, Mix-n-match,
        2020, which mixes three answers of one model.
    """

    name = "ensemble_temperature"
    reference = (
        "R. Rahaman, A. Thiery, Uncertainty quantification and deep ensembles, 2021; X. Wu, M. "
        "Gales, Should ensemble members be calibrated?, 2021"
    )
    differentiable = True
    fits_on: ClassVar[Literal["images", "logits", "features", "members"]] = "members"
    takes_weights: ClassVar[bool] = True
    expected_failures: ClassVar[Mapping[str, str]] = {
        "weighs": "it counts members alike; what it fits is how sure they are"
    }

    _temperature: float | None = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the temperature.

        Args:
            data: Blocks with `members` `[M, N, K]` and `targets` `[N]`, and `weights` `[N]` of the
                losses where there are any.
            rng: Not used; the fit has no randomness.

        Returns:
            The array `temperature` `[1]`, and as information `temperature`, `nll_before` and
            `nll_after` (nats), `changed`, the share of these rows whose answer changes, `n` and
            `note` (empty if all went well and no answer changes).

        Raises:
            DataError: There are no rows, no members or no targets, or no row says anything.
        """
        from adversity_plugins.uncertainty.ensemble._members_temperature import searched

        return searched(data)

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
                f"ensemble_temperature expects a stored temperature above 0, got {stored}: fit it "
                "again"
            )
        self._temperature = temperature

    def combine(self, members: Tensor) -> Tensor:
        """Return probabilities `[N, K]` of members' probabilities `[M, N, K]`.

        A class that a member excludes, p = 0, stays excluded by it.

        Raises:
            NotFittedError: There is no temperature yet.
        """
        if self._temperature is None:
            raise NotFittedError(
                "ensemble_temperature expects a fitted temperature, got none: add fit_on: with a "
                "step that combines the members on held-out images, or call .fit(logits, labels) "
                "first"
            )
        return tempered(members, self._temperature).mean(0)


def tempered(members: Tensor, temperature: float) -> Tensor:
    """Return probabilities p^(1/T), as shares of their sum; differentiable, also beside a p of 0."""
    import torch

    zero = members <= 0
    logs = torch.where(zero, torch.ones_like(members), members).log() / temperature
    return logs.masked_fill(zero, -torch.inf).softmax(-1)
