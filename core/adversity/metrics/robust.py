"""What an attack left standing, point by point.

An image counts as robust only if the model was right on it from the start and the attack
did not change that. Success is counted among the images that were right at first, because
an attack deserves no credit for the model's own mistakes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError
from adversity.metrics.intervals import share
from adversity.metrics.predictions import verdicts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike, NDArray

    from adversity.contracts.values import Measure

__all__ = ["attack_success", "robust_accuracy", "worst_case_robust_accuracy", "worst_case_success"]


def robust_accuracy(start_correct: ArrayLike, fooled: ArrayLike, *, level: float = 0.95) -> Measure:
    """Return the share of all images that were right and stayed right.

    Args:
        start_correct: `[N]` booleans, right on the images the attack started from.
        fooled: `[N]` booleans, wrong on the adversarial image.
        level: Confidence level of the Wilson interval.

    Returns:
        The robust accuracy; `details` holds how many were wrong at first and how many fell.

    Raises:
        DataError: The arrays do not fit.

    Example:
        >>> robust_accuracy([True, True, False, True], [False, True, False, False]).value
        0.5
    """
    start, fell = _pair(start_correct, fooled)
    return share(
        int((start & ~fell).sum()),
        len(start),
        level=level,
        better="higher",
        convention={"wrong from the start": "not robust", "verdict": "for each image"},
        details={"wrong_from_start": int((~start).sum()), "fooled": int((start & fell).sum())},
    )


def attack_success(start_correct: ArrayLike, fooled: ArrayLike, *, level: float = 0.95) -> Measure:
    """Return the share of the initially right images that the attack turned.

    Args:
        start_correct: `[N]` booleans, right on the images the attack started from.
        fooled: `[N]` booleans, wrong on the adversarial image.
        level: Confidence level of the Wilson interval.

    Raises:
        DataError: The arrays do not fit, or no image was right at first.

    Example:
        >>> attack_success([True, True, False], [False, True, False]).n
        2
    """
    start, fell = _pair(start_correct, fooled)
    right = int(start.sum())
    if not right:
        raise DataError(
            f"expected at least one image that was right at first, got none of {len(start)}: "
            "there was nothing to attack"
        )
    return share(
        int((start & fell).sum()),
        right,
        level=level,
        convention={"among": "images that were right at first"},
    )


def worst_case_robust_accuracy(
    attacks: Mapping[str, tuple[ArrayLike, ArrayLike]], *, level: float = 0.95
) -> Measure:
    """Return the share of all images that no attack turned: the worst case, image by image.

    It is never above the robust accuracy of any of the attacks, and one more attack never
    raises it. The least of their robust accuracies is an upper bound of it.

    Args:
        attacks: Each attack's name, with `start_correct` and `fooled`, `[N]` booleans over the
            same images in the same order. An image counts as right from the start only if it
            was so in every attack.
        level: Confidence level of the Wilson interval.

    Returns:
        The share; `details` holds how many were `wrong_from_start` and how many were `fooled`,
        and for each attack how many it fooled (`by`) and how many it alone fooled (`alone`).

    Raises:
        DataError: There is no attack, or the arrays do not fit.

    Example:
        >>> right = [True, True, True, False]
        >>> pgd = (right, [True, False, False, False])
        >>> square = (right, [False, True, False, False])
        >>> worst_case_robust_accuracy({"pgd": pgd, "square": square}).value
        0.25
    """
    starts, fell = _all(attacks, "start_correct")
    right = np.logical_and.reduce(starts)
    hits = fell & right
    return share(
        int((right & ~hits.any(axis=0)).sum()),
        len(right),
        level=level,
        better="higher",
        convention={"wrong from the start": "not robust", "verdict": "the worst for each image"},
        details={
            "wrong_from_start": int((~right).sum()),
            **_found(attacks, hits),
        },
    )


def worst_case_success(
    attacks: Mapping[str, tuple[ArrayLike, ArrayLike]], *, level: float = 0.95
) -> Measure:
    """Return the share of what could be attacked with which any attack succeeded.

    It is never below the success of any of the attacks that could attack the same images, and one
    more attack never lowers it.

    Args:
        attacks: Each attack's name, with whether it could attack an image (`attackable`), and whether
            it succeeded, `[N]` booleans over the same images in the same order. What one of them
            could attack counts.
        level: Confidence level of the Wilson interval.

    Returns:
        The share; `details` as those of `worst_case_robust_accuracy`, without `wrong_from_start`.

    Raises:
        DataError: There is no attack, the arrays do not fit, or nothing could be attacked.

    Example:
        >>> open_ = [True, True, True, False]
        >>> pgd = (open_, [True, False, False, False])
        >>> square = (open_, [False, True, False, False])
        >>> round(worst_case_success({"pgd": pgd, "square": square}).value, 3)
        0.667
    """
    open_, hits = _all(attacks, "attackable")
    could = np.logical_or.reduce(open_)
    if not could.any():
        raise DataError(
            f"expected at least one image that could be attacked, got none of {len(could)}"
        )
    found = _found(attacks, hits)
    return share(
        found["fooled"],
        int(could.sum()),
        level=level,
        better="lower",
        convention={
            "among": "images that could be attacked",
            "verdict": "the worst for each image",
        },
        details=found,
    )


def _all(
    attacks: Mapping[str, tuple[ArrayLike, ArrayLike]], start: str
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return of M attacks who was open and with whom it succeeded, `[M, N]` bool each."""
    pairs = [_pair(first, fell, start) for first, fell in attacks.values()]
    lengths = {name: len(first) for name, (first, _) in zip(attacks, pairs, strict=True)}
    if not pairs or len(set(lengths.values())) > 1:
        raise DataError(f"expected attacks on the same images, got these numbers: {lengths}")
    open_ = np.stack([first for first, _ in pairs])
    return open_, np.stack([fell for _, fell in pairs]) & open_


def _found(names: Iterable[str], hits: NDArray[np.bool_]) -> dict[str, Any]:
    """Return how many images fell, to which attack, and to which alone, from `[M, N]` bool."""
    times, named = hits.sum(axis=0), list(zip(names, hits, strict=True))
    return {
        "fooled": int((times > 0).sum()),
        "attacks": len(hits),
        "by": {name: int(hit.sum()) for name, hit in named},
        "alone": {name: int((hit & (times == 1)).sum()) for name, hit in named},
    }


def _pair(
    start_correct: ArrayLike, fooled: ArrayLike, name: str = "start_correct"
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    start, fell = verdicts(start_correct, name), verdicts(fooled, "fooled")
    if len(start) != len(fell):
        raise DataError(
            f"expected {name} and fooled of one length, got {len(start)} and {len(fell)}"
        )
    return start, fell
