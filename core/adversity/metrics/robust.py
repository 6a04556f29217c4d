"""What an attack left standing, point by point.

An image counts as robust only if the model was right on it from the start and the attack
did not change that. Success is counted among the images that were right at first, because
an attack deserves no credit for the model's own mistakes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.errors import DataError
from adversity.metrics.intervals import share
from adversity.metrics.predictions import verdicts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from adversity.contracts.values import Measure

__all__ = ["attack_success", "robust_accuracy", "worst_case_robust_accuracy"]


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
    pairs = {name: _pair(start, fell) for name, (start, fell) in attacks.items()}
    lengths = {name: len(start) for name, (start, _) in pairs.items()}
    if not pairs or len(set(lengths.values())) > 1:
        raise DataError(f"expected attacks on the same images, got these numbers: {lengths}")
    right = np.logical_and.reduce([start for start, _ in pairs.values()])
    hits = np.stack([fell & right for _, fell in pairs.values()])
    times = hits.sum(axis=0)
    return share(
        int((right & (times == 0)).sum()),
        len(right),
        level=level,
        better="higher",
        convention={"wrong from the start": "not robust", "verdict": "the worst for each image"},
        details={
            "wrong_from_start": int((~right).sum()),
            "fooled": int((times > 0).sum()),
            "attacks": len(pairs),
            "by": {name: int(hit.sum()) for name, hit in zip(pairs, hits, strict=True)},
            "alone": {
                name: int((hit & (times == 1)).sum()) for name, hit in zip(pairs, hits, strict=True)
            },
        },
    )


def _pair(
    start_correct: ArrayLike, fooled: ArrayLike
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    start, fell = verdicts(start_correct, "start_correct"), verdicts(fooled, "fooled")
    if len(start) != len(fell):
        raise DataError(
            f"expected start_correct and fooled of one length, got {len(start)} and {len(fell)}"
        )
    return start, fell
