"""Class frequencies from how classes are taken for each other; needs NumPy and SciPy, no plugin.

With A[i, k] how often rows of class k are answered i, and m[i] how often anything is, m = A q. The
estimate is linear in m, so its covariance is known from those of m and of the columns of A, each a
mean over its own rows: that of A^-1 (dm - dA q).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity import State
from adversity.errors import DataError
from adversity_plugins.uncertainty.calibration._class_frequencies import FLOOR, intervals, probs_of
from adversity_plugins.uncertainty.calibration._temperature_search import HeldOut, search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity import FitData

__all__ = ["Solved", "shifted", "solved"]

_NAMED = 5

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Solved:
    """Class frequencies, as they come out of the equations.

    Attributes:
        frequencies: `[K]`, which sum to 1; some may lie below 0.
        covariance: `[K, K]`.
    """

    frequencies: Floats
    covariance: Floats

    @property
    def intervals(self) -> Floats:
        """Bounds of 95 % for each class by itself, `[K, 2]`, within 0 and 1."""
        return intervals(self.frequencies, self.covariance)


def shifted(train: FitData, unlabelled: FitData, *, soft: bool) -> State:
    """Return what `bbse` learns from its two sources."""
    temperature = search(HeldOut(train))
    rows, other = (probs_of(each, temperature.value, "bbse") for each in (train, unlabelled))
    targets = np.concatenate(
        [block.targets.cpu().numpy() for block in train if block.targets is not None]
    )
    if not soft:
        rows, other = (np.eye(each.shape[1])[each.argmax(axis=1)] for each in (rows, other))
    names = train.class_names
    found = solved(rows, targets, other, names)
    before = (np.bincount(targets, minlength=len(names)) / len(targets)).clip(FLOOR)
    after = found.frequencies.clip(FLOOR)
    after /= after.sum()
    notes = [temperature.note] if temperature.note else []
    below = [name for name, q in zip(names, found.frequencies, strict=True) if q < 0]
    if below:
        notes.append(f"frequencies below 0 are taken as 0: those of {_listed(below)}")
    return State(
        arrays={
            "temperature": np.array([temperature.value]),
            "shifts": np.log(after) - np.log(before),
            "frequencies": found.frequencies,
            "covariance": found.covariance,
        },
        info={
            "temperature": temperature.value,
            "frequencies_before": dict(zip(names, before.tolist(), strict=True)),
            "frequencies_after": dict(zip(names, after.tolist(), strict=True)),
            "intervals_after": dict(zip(names, found.intervals.tolist(), strict=True)),
            "n": len(rows),
            "n_unlabelled": len(other),
            "note": "; ".join(notes),
        },
    )


def solved(
    rows: Floats, targets: np.ndarray[Any, Any], other: Floats, class_names: Sequence[str]
) -> Solved:
    """Solve m = A q.

    Args:
        rows: `[N, K]`, what is said of held-out samples: 1 for the answer, or probabilities.
        targets: `[N]`, their classes.
        other: `[M, K]`, what is said of unlabelled ones.
        class_names: For messages.

    Raises:
        DataError: A class has no two held-out rows, there are no two unlabelled ones, or A cannot
            be told from a matrix that has no inverse.
    """
    counts = np.bincount(targets, minlength=len(class_names))
    few = [name for name, count in zip(class_names, counts, strict=True) if count < 2]
    if few or len(other) < 2:
        who = f"{_listed(few)} with fewer" if few else f"{len(other)} unlabelled"
        raise DataError(
            f"bbse expects 2 held-out rows of each class and 2 unlabelled rows or more, got {who}: "
            "hold out more, mask the classes with classes:, or use label_shift"
        )
    by_class = [rows[targets == k] for k in range(len(class_names))]
    columns = np.stack([each.mean(axis=0) for each in by_class], axis=1)
    spreads = [_covariance_of_mean(each) for each in by_class]
    _require_inverse(columns, spreads, class_names)
    mean = other.mean(axis=0)
    frequencies = np.linalg.solve(columns, mean)
    noise = _covariance_of_mean(other)
    for share, spread in zip(frequencies, spreads, strict=True):
        noise = noise + share**2 * spread
    half = np.linalg.solve(columns, noise)
    return Solved(frequencies, np.linalg.solve(columns, half.T))


def _covariance_of_mean(rows: Floats) -> Floats:
    found: Floats = np.atleast_2d(np.cov(rows, rowvar=False)) / len(rows)
    return found


def _require_inverse(columns: Floats, spreads: Sequence[Floats], names: Sequence[str]) -> None:
    """Refuse a matrix whose smallest singular value is no larger than its error may be.

    The error's norm is about that of the worst column and that of the worst row together (A. S.
    Bandeira, R. van Handel, "Sharp nonasymptotic bounds on the norm of random matrices with
    independent entries", 2016).
    """
    _, values, right = np.linalg.svd(columns)
    column = max(float(np.trace(spread)) for spread in spreads) ** 0.5
    row = float(np.linalg.eigvalsh(np.sum(spreads, axis=0))[-1]) ** 0.5
    if values[-1] > max(column + row, 1e-9):
        return
    mixed = np.argsort(-np.abs(right[-1]))[:2]
    raise DataError(
        f"bbse expects classes that the answers tell apart, got a confusion matrix whose smallest "
        f"singular value, {values[-1]:.2g}, may be an error of {column + row:.2g}, most for "
        f"{_listed([names[k] for k in sorted(mixed)])}: hold out more images, or use label_shift"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (
        f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    )
