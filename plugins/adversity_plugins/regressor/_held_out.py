"""Images that a fit of a mean and a variance does not learn from: when to stop, and how wide."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from adversity.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_plugins.regressor._numbered_images import NumberedImages

__all__ = ["Units", "place_apart", "widened"]

_FEWEST = 5
"""Held-out images from which a factor of the variance is taken: its standard error is then some
60 %, and grows beyond any use below."""


@dataclass(frozen=True, slots=True)
class Units:
    """The unit in which targets are learnt: they have a mean of 0 and a variance of 1 there."""

    middle: Tensor
    scale: Tensor

    @classmethod
    def of(cls, targets: Tensor, shares: Tensor | None) -> Units:
        """Return that of targets `[N, D]` float64, each counted by its share `[N]`."""
        each = torch.ones(len(targets)) if shares is None else shares
        each = (each.double() / each.double().sum())[:, None]
        middle = (each * targets).sum(0)
        return cls(middle, (each * (targets - middle) ** 2).sum(0).sqrt())

    def scaled(self, targets: Tensor) -> Tensor:
        """Return targets `[N, D]` float64 in that unit."""
        return (targets - self.middle) / self.scale


def place_apart(
    found: NumberedImages, share: float, rng: np.random.Generator, label: str
) -> tuple[Tensor, Tensor]:
    """Return the rows to learn from, and those held out; copies of a sample stay together.

    Args:
        found: All of them.
        share: Of the samples, in [0, 1); with 0 nothing is held out, and nothing drawn.
        rng: Draws which.
        label: What messages call the plugin.

    Raises:
        DataError: If fewer than five samples would be held out.
    """
    names, of = np.unique(np.array(found.ids, dtype=object).astype(str), return_inverse=True)
    if share == 0:
        return torch.arange(len(of)), torch.arange(0)
    count = round(share * len(names))
    if count < _FEWEST:
        raise DataError(
            f"fitting {label} needs {_FEWEST} images or more that are held out, got {count} of "
            f"{len(names)}; add some, choose a larger `hold_out`, or 0 to hold out none"
        )
    held = np.isin(of, rng.permutation(len(names))[:count])
    return torch.from_numpy(np.flatnonzero(~held)), torch.from_numpy(np.flatnonzero(held))


def widened(
    mean: Tensor, variance: Tensor, target: Tensor, shares: Tensor | None
) -> tuple[Tensor, float]:
    """Return the factor of the variance under which targets are likeliest, and their Gaussian NLL.

    It is the mean of (y - m)^2 / v: with that variance the second part of the likelihood is 1 / 2.

    Args:
        mean: `[N, D]` float64.
        variance: Alike, above 0.
        target: Alike.
        shares: `[N]` what each row counts; None where all count the same.

    Returns:
        Factors `[D]`, and nats, a mean over the numbers.
    """
    each = torch.ones(len(mean)) if shares is None else shares
    each = (each.double() / each.double().sum())[:, None]
    factor = (each * (target - mean) ** 2 / variance).sum(0)
    nats = 0.5 * (math.log(2 * math.pi) + 1 + factor.log() + (each * variance.log()).sum(0))
    return factor, float(nats.mean())
