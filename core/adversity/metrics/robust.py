"""What an attack left standing, point by point.

An image counts as robust only if the model was right on it from the start and the attack
did not change that. Success is counted among the images that were right at first, because
an attack deserves no credit for the model's own mistakes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.errors import DataError
from adversity.metrics.intervals import share
from adversity.metrics.predictions import verdicts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from adversity.contracts.values import Measure

__all__ = ["attack_success", "robust_accuracy"]


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


def _pair(
    start_correct: ArrayLike, fooled: ArrayLike
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    start, fell = verdicts(start_correct, "start_correct"), verdicts(fooled, "fooled")
    if len(start) != len(fell):
        raise DataError(
            f"expected start_correct and fooled of one length, got {len(start)} and {len(fell)}"
        )
    return start, fell
