"""The search for the temperature; needs NumPy and SciPy, no plugin.

With b = 1/T the loss is mean(log sum exp(b z) - b z_y), convex in b; its derivative
mean(E_p[z] - z_y) rises with b, so a root of it is the only minimum. Whether there is one is
known from its two ends; it is bracketed outwards from the spread of the logits, whatever their
scale. A root can be found to full precision, a minimum only to the square root of it.
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

__all__ = ["MINIMUM_ROWS", "HeldOut", "Temperature", "search"]

MINIMUM_ROWS = 100
"""With fewer rows the fitted temperature is mostly noise."""
_STRIDE = math.log(10)
_FURTHEST = 300.0
"""On log T: e to the power of 300 and its inverse are floats, and so is their square."""
_OUT_OF_RANGE = "the best temperature is no number that can be computed with"

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
        blocks = [block for block in data if block.ids]
        self._blocks = [_checked(block) for block in blocks]
        self._weights = [_weights(block) for block in blocks]
        self.n = sum(len(targets) for _, targets in self._blocks)
        if not self.n:
            raise DataError("temperature_scaling expects rows to fit on, got none")
        self._total = math.fsum(v for weights in self._weights for v in weights.tolist())

    def nll(self, temperature: float) -> float:
        """Return the mean negative log-likelihood in nats."""
        return self._mean(lambda z, y: _nll_rows(z, y, 1 / temperature))

    def slope(self, log_temperature: float) -> float:
        """Return the derivative of the mean loss with respect to 1/T."""
        return self._mean(lambda z, y: _slope_rows(z, y, math.exp(-log_temperature)))

    def end_slopes(self) -> tuple[float, float]:
        """Return the slope at T = infinity, where p is uniform, and at T = 0, where the top wins."""
        uniform = self._mean(lambda z, y: np.asarray(z.mean(axis=1) - y))
        return uniform, self._mean(lambda _, y: -y)

    def spread(self) -> float:
        """Return the mean distance of a row's largest logit from its smallest."""
        return self._mean(lambda z, _: -z.min(axis=1))

    def _mean(self, rows: Callable[[Floats, Floats], Floats]) -> float:
        # An exactly rounded sum: the way the stream is cut into blocks changes nothing.
        each = zip(self._blocks, self._weights, strict=True)
        values = (v for (z, y), weights in each for v in (weights * rows(z, y)).tolist())
        return math.fsum(values) / self._total


def search(held_out: HeldOut) -> Temperature:
    """Return the temperature with the smallest loss, or 1 with a note where there is none."""
    before = held_out.nll(1.0)
    if held_out.n < MINIMUM_ROWS:
        note = (
            f"only {held_out.n} rows to fit on, at least {MINIMUM_ROWS} are needed: "
            "confidences are left as they are (T = 1)"
        )
        return Temperature(1.0, before, before, held_out.n, note)
    bracket = None if (why := _why_none(held_out)) else _bracket(held_out)
    if bracket is None:
        note = f"{why or _OUT_OF_RANGE}: confidences are left as they are (T = 1)"
        return Temperature(1.0, before, before, held_out.n, note)
    temperature = math.exp(_root(held_out, *bracket))
    after = held_out.nll(temperature)
    if after > before:  # by rounding only, where the best temperature is 1
        return Temperature(1.0, before, before, held_out.n)
    return Temperature(temperature, before, after, held_out.n)


def _root(held_out: HeldOut, low: float, high: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(held_out.slope, low, high, xtol=1e-12, rtol=1e-12))


def _why_none(held_out: HeldOut) -> str:
    """Say why the loss has no smallest value at a temperature; empty if it has one.

    Its slope in 1/T rises from the one at T = infinity to the one at T = 0. Both are known
    exactly, so it crosses 0 or it does not, wherever that may be.
    """
    at_infinity, at_zero = held_out.end_slopes()
    if at_infinity >= 0 and at_zero <= 0:
        return "the likelihood does not depend on the temperature (each row's logits are equal)"
    if at_zero <= 0:
        return "the best temperature is 0 (the rows are classified perfectly)"
    if at_infinity >= 0:
        return "the best temperature is infinite (the logits say nothing of the classes)"
    return ""


def _bracket(held_out: HeldOut) -> tuple[float, float] | None:
    """Return log temperatures around the best one, found outwards from the spread of the logits."""
    low = high = math.log(held_out.spread())
    while held_out.slope(low) <= 0:
        low -= _STRIDE
        if abs(low) > _FURTHEST:
            return None
    while held_out.slope(high) >= 0:
        high += _STRIDE
        if abs(high) > _FURTHEST:
            return None
    return low, high


def _nll_rows(logits: Floats, truth: Floats, inverse: float) -> Floats:
    rows: Floats = np.log(np.exp(inverse * logits).sum(axis=1)) - inverse * truth
    return rows


def _slope_rows(logits: Floats, truth: Floats, inverse: float) -> Floats:
    weights = np.exp(inverse * logits)
    rows: Floats = (weights * logits).sum(axis=1) / weights.sum(axis=1) - truth
    return rows


def _weights(block: Block) -> Floats:
    """Return what each row of a block counts, `[N]`: 1, where nothing is said."""
    if block.weights is None:
        return np.ones(len(block.ids))
    weights: Floats = block.weights.double().cpu().numpy()
    return weights


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
