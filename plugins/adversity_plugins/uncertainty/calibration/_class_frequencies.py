"""How frequent classes are where nobody said so; needs NumPy and SciPy, no plugin.

Expectation maximisation: with w = q / p, the share of class k in a row is w_k f_k / sum_j w_j f_j,
and the next q is the mean share. The likelihood never falls, and has one maximum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax

from adversity import State
from adversity.errors import DataError
from adversity_plugins.uncertainty.calibration._temperature_search import HeldOut, search

if TYPE_CHECKING:
    from adversity import FitData

__all__ = ["FLOOR", "adapted", "frequencies", "probs_of"]

FLOOR = 1e-9
"""The least frequency: its logarithm is a number."""
_ROUNDS = 5_000
_STILL = 1e-10
"""A round that moves no frequency by more than this is the last one."""

Floats = np.ndarray[Any, np.dtype[np.float64]]


def adapted(train: FitData, unlabelled: FitData) -> State:
    """Return what `label_shift` learns from its two sources."""
    temperature = search(HeldOut(train))
    labelled, other = (
        probs_of(each, temperature.value, "label_shift") for each in (train, unlabelled)
    )
    before = labelled.mean(axis=0).clip(FLOOR)
    before /= before.sum()
    after, rounds = frequencies(other, before)
    notes = [temperature.note] if temperature.note else []
    if rounds > _ROUNDS:
        notes.append(f"the frequencies still moved after {_ROUNDS} rounds")
    names = train.class_names
    return State(
        arrays={
            "temperature": np.array([temperature.value]),
            "shifts": np.log(after) - np.log(before),
        },
        info={
            "temperature": temperature.value,
            "frequencies_before": dict(zip(names, before.tolist(), strict=True)),
            "frequencies_after": dict(zip(names, after.tolist(), strict=True)),
            "n": len(labelled),
            "n_unlabelled": len(other),
            "note": "; ".join(notes),
        },
    )


def frequencies(probs: Floats, before: Floats) -> tuple[Floats, int]:
    """Return the most likely class frequencies.

    Args:
        probs: `[N, K]` float64, of rows whose classes have these frequencies.
        before: `[K]`, those for which `probs` are right; above 0.

    Returns:
        `[K]` that sum to 1, each 1e-9 or more; and how many rounds it took.
    """
    after = before
    for number in range(1, _ROUNDS + 1):
        shares = probs * (after / before)
        shares /= shares.sum(axis=1, keepdims=True)
        found = shares.mean(axis=0).clip(FLOOR)
        found /= found.sum()
        moved = np.abs(found - after).max()
        after = found
        if moved <= _STILL:
            return after, number
    return after, _ROUNDS + 1


def probs_of(data: FitData, temperature: float, name: str) -> Floats:
    """Return probabilities `[N, K]` of a stream.

    Raises:
        DataError: There are no rows, or their logits are not finite.
    """
    blocks = [block.logits for block in data if block.logits is not None]
    if not sum(map(len, blocks)):
        raise DataError(f"{name} expects predictions to fit on, got none")
    rows = np.concatenate([block.detach().cpu().double().numpy() for block in blocks])
    if not np.isfinite(rows).all():
        raise DataError(f"{name} expects finite logits, got some that are not")
    found: Floats = softmax(rows / temperature, axis=1)
    return found
