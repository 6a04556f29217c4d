"""The energy of what the last layer says of features that are scaled by how few of them count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import Detector

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["Scale"]


class Scale(Detector):
    """Energy of the logits of scaled features: all are multiplied by the same number, none is cut.

    That number is exp of the sum of all features over the sum of the largest ones, D - round(D share)
    of D, half rounded to even. The score is minus the log of the sum of exp over the logits of that.
    It is the variant `s` of `ash` without the cut.

    Features most of which are alike are multiplied by more than those of which few stand out: where
    known images have the latter, a smaller share tells them better.

    Nothing is fitted. The features are those before the last layer, after any pooling, as in the
    paper; they must not be negative, as those of a ReLU.
    """

    name = "scale"
    reference = (
        "K. Xu, R. Chen, G. Franchi, A. Yao, Scaling for training time and post-hoc "
        "out-of-distribution detection enhancement, 2024; W. Liu, X. Wang, "
        "J. Owens, Y. Li, Energy-based out-of-distribution detection, 2020, equation 4"
    )
    needs_head: ClassVar[bool] = True
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"share": 0.65},)

    share: float = Field(
        0.85,
        ge=0,
        lt=1,
        description="Share of the features of an image that are not among the largest.",
    )

    _head: Any = PrivateAttr(default=None)

    def take_head(self, head: Callable[[Tensor], Tensor]) -> None:
        """Take the last layer, from features to logits."""
        self._head = head

    def score(self, features: Tensor, logits: Tensor) -> Tensor:
        """Return the energy of the logits of scaled features, `[N]` float64.

        Args:
            features: `[N, D]`.
            logits: Those of the features as they were; not used.

        Raises:
            DataError: The largest features of a row do not sum to more than 0; or none would be left.
        """
        from adversity_plugins.uncertainty.detector._largest_features import (
            how_much_more,
            largest_features,
        )

        rows = features.double()
        _, kept = largest_features(rows, self.share, self.name)
        factor = how_much_more(rows, kept, "react or ", self.name).exp()
        answer: Tensor = self._head((rows * factor).float())
        return -answer.double().logsumexp(1)
