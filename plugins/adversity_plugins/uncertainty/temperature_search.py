"""The search for the temperature; needs NumPy and SciPy, no plugin.

With b = 1/T the loss is mean(log sum exp(b z) - b z_y), convex in b; its derivative
mean(E_p[z] - z_y) rises with b, so a root of it in the bracket is the only minimum. A root
can be found to full precision, a minimum only to the square root of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity import State
from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity import Block, FitData

__all__ = ["BRACKET", "MINIMUM_ROWS", "HeldOut", "Temperature", "search"]

BRACKET = (1 / 50, 50.0)
"""Temperatures beyond these mean that something else is wrong."""
MINIMUM_ROWS = 100
"""With fewer rows the fitted temperature is mostly noise."""

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Temperature:
    """What the search found: the temperature, the losses in nats, and why it is what it is."""

    value: float
    nll_before: float
    nll_after: float
    n: int
    note: str = ""

    def as_state(self) -> State:
        """Return the record that is saved."""
        return State(
            arrays={"temperature": np.array([self.value])},
            info={
                "temperature": self.value,
                "nll_before": self.nll_before,
                "nll_after": self.nll_after,
                "n": self.n,
                "note": self.note,
            },
        )


class HeldOut:
    """Logits and targets kept block by block, the logits shifted so that each row's top is 0."""

    def __init__(self, data: FitData) -> None:
        """Read the stream once.

        Raises:
            DataError: There are no rows, no logits or targets, or they do not fit.
        """
        self._blocks = [_checked(block) for block in data if block.ids]
        self.n = sum(len(targets) for _, targets in self._blocks)
        if not self.n:
            raise DataError("temperature_scaling expects rows to fit on, got none")

    def nll(self, temperature: float) -> float:
        """Return the mean negative log-likelihood in nats."""
        return self._mean(lambda z, y: _nll_rows(z, y, 1 / temperature))

    def slope(self, log_temperature: float) -> float:
        """Return the derivative of the mean loss with respect to 1/T."""
        return self._mean(lambda z, y: _slope_rows(z, y, math.exp(-log_temperature)))

    def _mean(self, rows: Callable[[Floats, Floats], Floats]) -> float:
        # An exactly rounded sum: the way the stream is cut into blocks changes nothing.
        values = (v for z, y in self._blocks for v in rows(z, y).tolist())
        return math.fsum(values) / self.n


def search(held_out: HeldOut) -> Temperature:
    """Return the best temperature inside the bracket, or 1 with a note."""
    before = held_out.nll(1.0)
    if held_out.n < MINIMUM_ROWS:
        note = (
            f"only {held_out.n} rows to fit on, at least {MINIMUM_ROWS} are needed: "
            "confidences are left as they are (T = 1)"
        )
        return Temperature(1.0, before, before, held_out.n, note)
    low, high = (math.log(bound) for bound in BRACKET)
    at_low, at_high = held_out.slope(low), held_out.slope(high)
    if at_low <= 0 or at_high >= 0:
        return Temperature(1.0, before, before, held_out.n, _why_none(at_low, at_high))
    temperature = math.exp(_root(held_out, low, high))
    after = held_out.nll(temperature)
    if after > before:  # by rounding only, where the best temperature is 1
        return Temperature(1.0, before, before, held_out.n)
    return Temperature(temperature, before, after, held_out.n)


def _root(held_out: HeldOut, low: float, high: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(held_out.slope, low, high, xtol=1e-12, rtol=1e-12))


def _why_none(at_low: float, at_high: float) -> str:
    """Say at which end of the bracket the loss is smallest, and what that means."""
    if at_low <= 0 and at_high >= 0:
        found = "the likelihood does not depend on the temperature (each row's logits are equal)"
    elif at_low <= 0:
        found = f"the best temperature is below {BRACKET[0]:g} (the rows are classified perfectly)"
    else:
        found = f"the best temperature is above {BRACKET[1]:g} (the logits say nothing)"
    return f"{found}: confidences are left as they are (T = 1)"


def _nll_rows(logits: Floats, truth: Floats, inverse: float) -> Floats:
    rows: Floats = np.log(np.exp(inverse * logits).sum(axis=1)) - inverse * truth
    return rows


def _slope_rows(logits: Floats, truth: Floats, inverse: float) -> Floats:
    weights = np.exp(inverse * logits)
    rows: Floats = (weights * logits).sum(axis=1) / weights.sum(axis=1) - truth
    return rows


def _checked(block: Block) -> tuple[Floats, Floats]:
    """Return a block's shifted logits `[N, K]` and its shifted true logits `[N]`."""
    if block.logits is None or block.targets is None:
        missing = "logits" if block.logits is None else "targets"
        raise DataError(
            f"temperature_scaling expects logits and targets to fit on, got no {missing}: fit it "
            "on the predictions of a classifier for labelled images"
        )
    logits = block.logits.detach().cpu().double().numpy()
    targets = block.targets.detach().cpu().numpy()
    if logits.ndim != 2 or logits.shape[1] < 2 or targets.shape != logits.shape[:1]:
        raise DataError(
            f"temperature_scaling expects logits [N, K] with K >= 2 and targets [N], got "
            f"{list(logits.shape)} and {list(targets.shape)}"
        )
    if not np.isfinite(logits).all():
        raise DataError("temperature_scaling expects finite logits, got NaN or infinity")
    if targets.min() < 0 or targets.max() >= logits.shape[1]:
        raise DataError(
            f"temperature_scaling expects targets in 0 .. {logits.shape[1] - 1}, got "
            f"{targets.min()} .. {targets.max()}"
        )
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted, shifted[np.arange(len(targets)), targets]
