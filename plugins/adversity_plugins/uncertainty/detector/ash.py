"""The energy of what the last layer says of features of which only the largest are left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from adversity import Detector

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["ASH"]


class ASH(Detector):
    """Energy of the logits of shaped activations: of each image the smallest features are set to 0.

    What is left stays as it is (`p`); or is set to one number, so that the sum of all is what it was
    (`b`); or is multiplied by exp of the sum of all over the sum of what is left (`s`). The score is
    minus the log of the sum of exp over the logits of that. Of D features D - round(D share) are
    left, half rounded to even; of equal ones the first.

    Nothing is fitted. The features are those before the last layer, after any pooling, which is one
    of the places that the paper tries; `b` and `s` are for features that are not negative, as those
    of a ReLU.
    """

    name = "ash"
    reference = (
        "A. Djurisic, N. Bozanic, A. Ashok, R. Liu, Extremely simple activation shaping for "
        "out-of-distribution detection, 2023, algorithms 1 to 3; W. Liu, X. Wang, J. Owens, Y. Li, "
        "Energy-based out-of-distribution detection, 2020, equation 4"
    )
    needs_head: ClassVar[bool] = True

    variant: Literal["s", "b", "p"] = Field(
        "s",
        description="What becomes of the features that are left: scaled, binary, or as they are.",
    )
    share: float = Field(
        0.65, ge=0, lt=1, description="Share of the features of an image that are set to 0."
    )

    _head: Any = PrivateAttr(default=None)

    def take_head(self, head: Callable[[Tensor], Tensor]) -> None:
        """Take the last layer, from features to logits."""
        self._head = head

    def score(self, features: Tensor, logits: Tensor) -> Tensor:
        """Return the energy of the logits of shaped features, `[N]` float64.

        Args:
            features: `[N, D]`.
            logits: Those of the features as they were; not used.

        Raises:
            DataError: What is left of a row does not sum to more than 0, which the variants s and b
                divide by or spread; or nothing would be left.
        """
        shaped = self._shaped(features.double()).float()
        answer: Tensor = self._head(shaped)
        return -answer.double().logsumexp(1)

    def _shaped(self, features: Tensor) -> Tensor:
        from adversity_plugins.uncertainty.detector._largest_features import (
            how_much_more,
            largest_features,
        )

        order, kept = largest_features(features, self.share, self.name)
        if self.variant != "p":
            more = how_much_more(features, kept, "variant p, or ", self.name)
            spread = (features.sum(1, keepdim=True) / kept.shape[1]).expand_as(kept)
            kept = spread if self.variant == "b" else kept * more.exp()
        return features.new_zeros(features.shape).scatter(1, order, kept)
