"""How good the answers are that are left where a share of the least sure is refused."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity import MeasureInfo, metrics
from adversity_plugins.metric._refusing import Refusing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adversity import Measure

__all__ = ["SelectiveAccuracy"]


class SelectiveAccuracy(Refusing):
    """Accuracy of the answers that are left where a share of the least sure is refused.

    A point of the curve whose area `selective` gives, with the share as a parameter that a matrix
    can vary. Which answers are refused is read off the table itself: the share is refused exactly,
    under every condition, where a threshold that was fitted elsewhere refuses as it happens.
    """

    name = "selective_accuracy"
    reference = "Y. Geifman, R. El-Yaniv, Selective classification for deep neural networks, 2017"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"refused": 0.2},)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "selective_accuracy": MeasureInfo(
            0.0, 1.0, better="higher", scale="share", group="uncertainty", headline=1
        ),
    }

    refused: float = Field(
        ge=0, lt=1, description="The share of answers that is refused; 0 for the accuracy of all."
    )

    def _functions(self) -> Mapping[str, Callable[..., Measure]]:
        return {self.name: partial(metrics.selective_accuracy, refused=self.refused)}
