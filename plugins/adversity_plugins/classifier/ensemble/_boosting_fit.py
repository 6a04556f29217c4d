"""The fit of boosting: weights of images, members, and what their votes count."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity import FitData, State
    from adversity_plugins.classifier.ensemble.boosting import Boosting

__all__ = ["boosted"]

_TRIES = 1000
Labels = np.ndarray[Any, np.dtype[np.int64]]
Weights = np.ndarray[Any, np.dtype[np.float64]]


def boosted(
    given: Boosting,
    data: FitData,
    labels: Labels,
    rng: np.random.Generator,
    child_of: Callable[[np.random.Generator], np.random.Generator],
) -> State:
    """Return what `boosting` learns."""
    classes = len(data.class_names)
    weights = np.full(len(labels), 1 / len(labels))
    states: list[State] = []
    alphas, errors, ended = [], [], "all members were fitted"
    for number in range(1, given.members + 1):
        state = _learnt(given, data, labels, weights, child_of(rng))
        member = given.member.fitted(state)
        said = np.concatenate([p.argmax(1).numpy() for p, _ in given._answers(member, data)])
        wrong = said != labels
        error = float(weights[wrong].sum() / weights.sum())
        if error >= 1 - 1 / classes:
            if not states:
                raise DataError(
                    f"boosting expects members that are better than guessing, the first one is wrong "
                    f"about {error:.1%} where guessing is about {1 - 1 / classes:.1%}: take a stronger "
                    "member"
                )
            ended = f"member {number} was no better than guessing, and is left out"
            break
        data.watch.row(number, weighted_error=error)
        # Right about everything: any vote will do, as in scikit-learn.
        alpha = given.learning_rate * _alpha(error, classes) if error > 0 else 1.0
        states.append(state)
        alphas.append(alpha)
        errors.append(error)
        if error == 0:
            ended = f"member {number} was right about all"
            break
        weights = weights * np.exp(alpha * wrong)
        weights /= weights.sum()
    by = "weights" if _goes_by_weights(given) else "draws"
    facts = {"n": len(labels), "members": len(states), "by": by, "ended": ended}
    arrays = {"alphas": np.array(alphas), "errors": np.array(errors)}
    return given._state(data, states, arrays, facts)


def _goes_by_weights(given: Boosting) -> bool:
    plugin: Any = given.member.plugin
    return bool(plugin.takes_weights)


def _alpha(error: float, classes: int) -> float:
    """Return what the vote of a member counts, algorithm 2, step 2c."""
    return math.log((1 - error) / error) + math.log(classes - 1)


def _learnt(
    given: Boosting, data: FitData, labels: Labels, weights: Weights, rng: np.random.Generator
) -> State:
    """Return a member, fitted with weights, or on rows drawn by them.

    Raises:
        DataError: No draw has a row of each class.
    """
    learn: Callable[..., State] = given.member.learn
    if _goes_by_weights(given):
        # Weights of mean 1: what a penalty is worth beside the losses must not change.
        return learn(data, rng, weights=weights * len(labels))
    classes = len(data.class_names)
    for _ in range(_TRIES):
        drawn = np.sort(rng.choice(len(labels), size=len(labels), p=weights))
        if len(np.unique(labels[drawn])) == classes:
            return learn(data, rng, rows=drawn)
    raise DataError(
        f"boosting expects draws with an image of each of {classes} classes, got none in {_TRIES} "
        f"draws of {len(labels)} images: take more samples, or a member that goes by weights"
    )
