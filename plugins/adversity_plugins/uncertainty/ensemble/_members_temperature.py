"""The search for the temperature of all members; needs NumPy, SciPy and torch, no plugin.

The loss of the mean need not be convex in the temperature: it is looked at everywhere first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from adversity import State
from adversity.errors import DataError
from adversity_plugins.uncertainty.ensemble.ensemble_temperature import tempered

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from adversity import FitData

__all__ = ["searched"]

_FEW = 100
_FURTHEST = math.log(1000)
_PLACES = 61


def searched(data: FitData) -> State:
    """Return what `ensemble_temperature` learns."""
    members, targets, weights = _rows(data)
    known = members.gather(2, targets[None, :, None].expand(len(members), -1, 1)).amax((0, 2)) > 0
    if not known.any():
        raise DataError(
            "ensemble_temperature expects members that give true classes a chance, got 0 from all "
            f"{len(members)} in each of {len(targets)} rows: are these the right labels?"
        )
    members, targets, weights = members[:, known], targets[known], weights[known]
    n = len(targets)

    def loss(log_temperature: float) -> float:
        mean = tempered(members, math.exp(log_temperature)).mean(0)
        truth = mean.gather(1, targets[:, None])[:, 0].log()
        return float(-(weights * truth).sum() / weights.sum())

    before = loss(0.0)
    if n < _FEW:
        found, why = 0.0, f"only {n} rows to fit on, at least {_FEW} are needed"
    else:
        found, why = _best(loss)
    after = loss(found)
    if after > before:  # by rounding only, where the best temperature is 1
        found, after = 0.0, before
    answers = [tempered(members, t).mean(0).argmax(1) for t in (1.0, math.exp(found))]
    moved = (answers[0] != answers[1]).double()
    changed = float((weights * moved).sum() / weights.sum())
    notes = [f"{why}: members are left as they are (T = 1)"] if why else []
    if n < len(known):
        lost = len(known) - n
        notes.append(f"in {lost} of {len(known)} rows no member gives the true class a chance")
    if changed:
        notes.append(f"{changed:.2%} of the answers to these rows change")
    info = {
        "temperature": math.exp(found),
        "nll_before": before,
        "nll_after": after,
        "changed": changed,
        "n": n,
        "note": "; ".join(notes),
    }
    return State({"temperature": np.array([math.exp(found)])}, info)


def _best(loss: Callable[[float], float]) -> tuple[float, str]:
    """Return the log of the best temperature, and why there is none; then 0."""
    places = np.linspace(-_FURTHEST, _FURTHEST, _PLACES)
    losses = [loss(float(place)) for place in places]
    best = int(np.argmin(losses))
    if best in (0, _PLACES - 1):
        end = "1/1000 or below" if best == 0 else "1000 or above"
        return 0.0, f"the best temperature is {end}"
    bounds = (float(places[best - 1]), float(places[best + 1]))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-9})
    return float(found.x), ""


def _rows(data: FitData) -> tuple[Tensor, Tensor, Tensor]:
    """Return members `[M, N, K]`, targets `[N]` and weights `[N]` of a stream.

    Raises:
        DataError: There are no rows, no members or no targets.
    """
    blocks = []
    for block in data:
        if block.members is None or block.targets is None:
            missing = "members" if block.members is None else "targets"
            raise DataError(
                "ensemble_temperature expects what members say of labelled images to fit on, got "
                f"no {missing}"
            )
        ones = torch.ones(len(block.targets), dtype=torch.float64)
        weights = ones if block.weights is None else block.weights.detach().cpu().double()
        blocks.append((block.members.detach().cpu().double(), block.targets.cpu(), weights))
    if not blocks:
        raise DataError("ensemble_temperature expects rows to fit on, got none")
    members, targets, counts = zip(*blocks, strict=True)
    return torch.cat(members, 1), torch.cat(targets), torch.cat(counts)
