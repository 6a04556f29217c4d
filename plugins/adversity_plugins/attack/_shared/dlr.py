"""The spread of the largest logits, by which the difference-of-logits ratio divides a margin.

With z sorted from the largest down it is z_1 - z_3, or z_1 - (z_3 + z_4) / 2 where the loss
aims at one class. The ratio does not change when all logits are multiplied by a positive
number or moved by one: a victim cannot hide its gradient by being very sure.

Reference: Croce, Hein, "Reliable evaluation of adversarial robustness with an ensemble of
diverse parameter-free attacks", 2020, equations 6 and 7.
"""

from __future__ import annotations

import torch

from adversity.errors import InputError

__all__ = ["require_dlr", "spread_of", "spread_slope"]

_TINY = 1e-12
"""Added to the spread, as in the original: three equal logits give no division by zero."""


def require_dlr(classes: int, *, aimed: bool) -> None:
    """Refuse a victim with too few classes for the ratio to be defined.

    Args:
        classes: K.
        aimed: Whether the loss aims at one class, which takes a fourth logit.

    Raises:
        InputError: If K < 3, or K < 4 where the loss aims at one class.
    """
    least, what = (4, "the loss `dlr` that aims at one class") if aimed else (3, "the loss `dlr`")
    if classes < least:
        raise InputError(
            f"{what} divides by a difference of the {least} largest logits: expected a victim "
            f"with at least {least} classes, got {classes}; use `loss: ce` or `loss: margin`"
        )


def spread_of(logits: torch.Tensor, *, aimed: bool) -> torch.Tensor:
    """Return `[N]` spreads of logits `[N, K]`, K >= 3 (4 where `aimed`); never zero."""
    top = logits.sort(dim=1, descending=True, stable=True).values
    low = (top[:, 2] + top[:, 3]) / 2 if aimed else top[:, 2]
    return top[:, 0] - low + _TINY


def spread_slope(logits: torch.Tensor, *, aimed: bool) -> torch.Tensor:
    """Return `[N, K]`, the gradient of `spread_of` in the logits; ties go to the first class."""
    order = logits.argsort(dim=1, descending=True, stable=True)
    slope = torch.zeros_like(logits).scatter_(1, order[:, :1], 1.0)
    if aimed:
        return slope.scatter_(1, order[:, 2:4], -0.5)
    return slope.scatter_(1, order[:, 2:3], -1.0)
