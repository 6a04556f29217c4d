"""The largest features of each image, and by how much less they sum to than all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["how_much_more", "largest_features"]


def largest_features(features: Tensor, share: float, name: str) -> tuple[Tensor, Tensor]:
    """Return where the largest features of each row are, and these, both `[N, D - round(D share)]`.

    Args:
        features: `[N, D]`.
        share: Of the features that are left out, half rounded to even; of equal ones the last.
        name: Of the detector, for the message.

    Raises:
        DataError: None would be left.
    """
    width = features.shape[1]
    left = width - round(width * share)
    if left < 1:
        raise DataError(
            f"{name} expects a share that leaves one of the {width} features or more, got "
            f"{share}: take a smaller share"
        )
    order = features.argsort(dim=1, descending=True, stable=True)[:, :left]
    return order, features.gather(1, order)


def how_much_more(features: Tensor, kept: Tensor, advice: str, name: str) -> Tensor:
    """Return the sum of all features over that of the largest, `[N, 1]`; 0 for a row of zeros.

    Args:
        features: `[N, D]`.
        kept: The largest of them, `[N, d]`.
        advice: What else could be done, for the message.
        name: Of the detector, for the message.

    Raises:
        DataError: The largest of a row that is not 0 do not sum to more than 0.
    """
    before, after = features.sum(1, keepdim=True), kept.sum(1, keepdim=True)
    faulty = (after[:, 0] <= 0) & (features != 0).any(1)
    if bool(faulty.any()):
        least = float(after[faulty].min())
        raise DataError(
            f"{name} expects features of which the largest {kept.shape[1]} sum to more than 0, got "
            f"{least:.3g}: take {advice}a network whose last layer follows a ReLU"
        )
    # Where nothing is active, nothing is left to scale: 0 / 0 would be no number.
    return before / after.where(after > 0, 1)
