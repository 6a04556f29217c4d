"""How frequent classes are where nobody said so; needs NumPy and SciPy, no plugin.

Expectation maximisation: with w = q / p, the share of class k in a row is w_k f_k / sum_j w_j f_j,
and the next q is the mean share. The likelihood never falls, and has one maximum, where the mean of
f_k / sum_j w_j f_j is p_k. Both sides of that are means over rows, so the covariance of q follows from
theirs, and from that of the temperature: dq = p dw + w dp, and M dw = d(mean) - dp with M the mean of the products of such quotients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_softmax, softmax

from adversity import State
from adversity.errors import DataError
from adversity_plugins.uncertainty.calibration._temperature_search import HeldOut, search

if TYPE_CHECKING:
    from adversity import FitData

__all__ = ["FLOOR", "adapted", "covariance", "frequencies", "intervals", "probs_of"]

FLOOR = 1e-9
"""The least frequency: its logarithm is a number."""
EACH = 1.959963984540054
"""Of a normal, 95 % lie within so many standard deviations."""
_STEP = 1e-3
"""Of log T, for a derivative."""
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
    before = _mean(labelled)
    after, rounds = frequencies(other, before)
    notes = [temperature.note] if temperature.note else []
    if rounds > _ROUNDS:
        notes.append(f"the frequencies still moved after {_ROUNDS} rounds")
    by_temperature = (
        None if temperature.note else _by_temperature(train, unlabelled, after, temperature.value)
    )
    spread = covariance(other, labelled, before, after, by_temperature)
    if spread is None:
        notes.append("no interval: some classes have like probabilities in every row")
        spread = np.full((len(after), len(after)), np.inf)
    bounds = intervals(after, spread).tolist()
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
            "intervals_after": dict(zip(names, bounds, strict=True)),
            "n": len(labelled),
            "n_unlabelled": len(other),
            "note": "; ".join(notes),
        },
    )


def frequencies(probs: Floats, before: Floats, start: Floats | None = None) -> tuple[Floats, int]:
    """Return the most likely class frequencies.

    Args:
        probs: `[N, K]` float64, of rows whose classes have these frequencies.
        before: `[K]`, those for which `probs` are right; above 0.
        start: `[K]`, where to look from; above 0.

    Returns:
        `[K]` that sum to 1, each 1e-9 or more; and how many rounds it took.
    """
    after = before if start is None else start
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


def covariance(
    probs: Floats,
    labelled: Floats,
    before: Floats,
    after: Floats,
    by_temperature: Floats | None = None,
) -> Floats | None:
    """Return the covariance of the most likely frequencies, `[K, K]`, if the probabilities are right.

    Args:
        probs: `[N, K]`, of the rows whose frequencies they are.
        labelled: `[M, K]`, of which `before` is the mean.
        before: `[K]`, above 0.
        after: `[K]`, the most likely ones.
        by_temperature: `[M, K]`, what each labelled row moves them through the temperature.

    Returns:
        None where classes cannot be told apart, so that it has no end.
    """
    weights = after / before
    quotients = probs / (probs @ weights)[:, None]
    moved = quotients.T @ quotients / len(probs)
    if min(len(probs), len(labelled)) < 2 or not np.linalg.cond(moved) < 1e12:
        return None
    by_rows = before[:, None] * np.linalg.inv(moved)
    by_mean = np.diag(weights) - by_rows
    by_labelled = labelled @ by_mean.T
    if by_temperature is not None:
        by_labelled += by_temperature
    found: Floats = by_rows @ np.cov(quotients, rowvar=False) @ by_rows.T / len(probs)
    found += np.cov(by_labelled, rowvar=False) / len(labelled)
    return found


def _by_temperature(
    train: FitData, unlabelled: FitData, after: Floats, temperature: float
) -> Floats:
    """Return what each labelled row moves the frequencies through the temperature, `[M, K]`.

    A row moves log T by how much surer it is of its class than it expects to be of one, over the
    mean variance of log p; the frequencies are found anew at both sides of T.
    """
    shares, right = [], []
    for block in train:
        if block.logits is not None and block.targets is not None:
            logs = log_softmax(block.logits.cpu().double().numpy() / temperature, axis=1)
            probs = np.exp(logs)
            expected = (probs * logs).sum(axis=1)
            right.append(expected - logs[np.arange(len(logs)), block.targets.cpu().numpy()])
            shares.append((probs * (logs - expected[:, None]) ** 2).sum(axis=1))
    moves = np.concatenate(right) / np.concatenate(shares).mean()
    ends = []
    for step in (_STEP, -_STEP):
        there = temperature * np.exp(step)
        labelled, other = (probs_of(each, there, "label_shift") for each in (train, unlabelled))
        ends.append(frequencies(other, _mean(labelled), after)[0])
    found: Floats = np.outer(moves, (ends[0] - ends[1]) / (2 * _STEP))
    return found


def _mean(probs: Floats) -> Floats:
    """Return the mean of rows, none below the least frequency."""
    mean: Floats = probs.mean(axis=0).clip(FLOOR)
    mean /= mean.sum()
    return mean


def intervals(frequencies: Floats, spread: Floats) -> Floats:
    """Return bounds of 95 % for each class by itself, `[K, 2]`, within 0 and 1."""
    half = EACH * np.sqrt(np.maximum(np.diag(spread), 0.0))
    found: Floats = np.stack([frequencies - half, frequencies + half], axis=1).clip(0.0, 1.0)
    return found


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
