"""The fit of bagging: draws, members, and what those say of images that they did not see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity import FitData, State
    from adversity_plugins.classifier.ensemble.bagging import Bagging

__all__ = ["bagged"]

_TRIES = 1000
Labels = np.ndarray[Any, np.dtype[np.int64]]


def bagged(
    given: Bagging,
    data: FitData,
    labels: Labels,
    rng: np.random.Generator,
    child_of: Callable[[np.random.Generator], np.random.Generator],
) -> State:
    """Return what `bagging` learns."""
    votes = np.zeros((len(labels), len(data.class_names)))
    states, draws, accuracy, judged = [], [], 0.0, 0
    for number in range(1, given.members + 1):
        drawn = _draw(labels, len(data.class_names), rng)
        state = given.member.learn(data, child_of(rng), rows=drawn)
        member = given.member.fitted(state)
        said = np.concatenate([p.numpy() for p, _ in given._answers(member, data)])
        out = np.setdiff1d(np.arange(len(labels)), drawn)
        votes[out] += said[out]
        judgeable = votes.sum(1) > 0
        judged = int(judgeable.sum())
        right = votes[judgeable].argmax(1) == labels[judgeable]
        accuracy = float(right.mean()) if judged else 0.0
        data.watch.row(number, out_of_bag_accuracy=accuracy)
        states.append(state)
        draws.append(drawn)
    facts = {"n": len(labels), "out_of_bag": judged, "out_of_bag_accuracy": accuracy}
    return given._state(data, states, {"draws": np.stack(draws)}, facts)


def _draw(labels: Labels, classes: int, rng: np.random.Generator) -> Labels:
    """Return the rows of a draw, ascending, with one of each class.

    Raises:
        DataError: There is none such in many draws.
    """
    for _ in range(_TRIES):
        drawn = np.sort(rng.integers(len(labels), size=len(labels)))
        if len(np.unique(labels[drawn])) == classes:
            return drawn
    raise DataError(
        f"bagging expects draws with an image of each of {classes} classes, got none in {_TRIES} "
        f"draws of {len(labels)} images: take more samples of the rarest classes"
    )
