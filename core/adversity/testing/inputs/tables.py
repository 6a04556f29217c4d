"""Tables of which everything is known, as predictions and attacks leave them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from adversity.contracts.targets import NO_LABEL, UNKNOWN_CLASS
from adversity.testing.bench.bench import Case

if TYPE_CHECKING:
    from collections.abc import Collection

    from torch import Tensor

__all__ = ["KNOWN", "Outcome", "classes_of", "some_without_a_class", "table"]

Outcome = Literal["mixed", "perfect", "worst"]

PREDICTIONS = {"id", "target", "prediction", "correct", "confidence", "logits", "probs"}
ATTACKED = {"start_prediction", "start_correct", "fooled", "distance", "queries", "gradients"}
ATTACKED |= {"zero_gradient", "moved"}
MEMBERS = "members"
KNOWN = frozenset(PREDICTIONS | ATTACKED | {MEMBERS})
"""The columns the kit knows; of any other name it makes numbers in [0, 1]."""


def table(
    count: int,
    classes: int,
    *,
    wants: Collection[str] = (),
    outcome: Outcome = "mixed",
    answer: Literal["logits", "probs"] = "logits",
    draw: int = 0,
) -> Case:
    """Make the rows of a table of predictions, or of an attack if `wants` names its columns.

    Args:
        count: N, how many rows.
        classes: K, 2 or more.
        wants: Columns that must be there.
        outcome: `mixed`: about two thirds are right; `perfect`: all are right and sure, and no
            attack succeeded; `worst`: all are wrong and sure, or were right and are fooled.
        answer: In which form the classifier's answer stands there.
        draw: Another number gives other answers to the same samples.

    Returns:
        The case; its columns but `id` are its rows.
    """
    import torch

    generator = torch.Generator().manual_seed(17 * count + classes + 1009 * draw)
    target = torch.arange(count) % classes
    right = {
        "mixed": (torch.arange(count) + draw) % 3 != 1,
        "perfect": torch.ones(count, dtype=torch.bool),
        "worst": torch.zeros(count, dtype=torch.bool),
    }[outcome]
    prediction = torch.where(right, target, (target + 1) % classes)
    logits = torch.rand(count, classes, generator=generator)
    ahead = (
        1 + torch.rand(count, generator=generator) * 3 if outcome == "mixed" else torch.tensor(12.0)
    )
    logits[torch.arange(count), prediction] += ahead
    probs = logits.double().softmax(1)
    rows = {
        "target": target,
        "prediction": prediction,
        "correct": right,
        "confidence": probs.amax(1),
        answer: logits if answer == "logits" else probs,
    }
    if ATTACKED & set(wants):
        rows |= _attack(right, target, prediction, outcome=outcome)
    if MEMBERS in wants:
        apart = torch.randn(count, 3, classes, generator=generator)
        rows[MEMBERS] = (logits[:, None] + apart).softmax(2)
    others = sorted(set(wants) - KNOWN)
    rows |= {name: torch.rand(count, generator=generator, dtype=torch.float64) for name in others}
    form = "" if answer == "logits" else " as probabilities"
    ids = tuple(f"kit/{number:03d}" for number in range(count))
    return Case(f"{count} rows of {classes} classes{form}", rows, ids)


def some_without_a_class(case: Case) -> Case:
    """Return a table in which every fourth sample is of an unknown class, and a few lack a label."""
    import torch

    number, rows = torch.arange(len(case)), dict(case.rows)
    rows["target"] = torch.where(number % 4 == 2, UNKNOWN_CLASS, rows["target"])
    rows["target"] = torch.where(number % 7 == 5, NO_LABEL, rows["target"])
    rows["correct"] = rows["correct"] & (rows["target"] >= 0)
    return Case(f"{case.name}, some without a class", rows, case.ids)


def classes_of(case: Case) -> int:
    """Return K of a table: the width of the answers, else as many classes as its rows name."""
    for name in ("logits", "probs"):
        if name in case.rows:
            return case.rows[name].shape[1]
    named = (int(case.rows[name].max()) for name in ("target", "prediction") if name in case.rows)
    return max(2, 1 + max(named))


def _attack(
    right: Tensor, target: Tensor, prediction: Tensor, *, outcome: Outcome
) -> dict[str, Tensor]:
    """Return what an attack adds: of those that were right at first, some are fooled."""
    import torch

    count = len(right)
    numbers = torch.arange(count)
    start = numbers % 5 != 3 if outcome == "mixed" else torch.ones(count, dtype=torch.bool)
    start = start | right
    return {
        "start_prediction": torch.where(start, target, prediction),
        "start_correct": start,
        "fooled": start & ~right,
        "distance": (0.01 + 0.02 * (numbers % 4) / 4).double(),
        "queries": 10 + numbers,
        "gradients": 5 + numbers,
        "zero_gradient": numbers % 7 == 2,
        "moved": numbers % 6 != 5,
    }
