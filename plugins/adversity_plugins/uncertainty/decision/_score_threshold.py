"""What methods share that accept the answers whose score is not above a fitted threshold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from adversity import Decide, Fitted, Plugin, Predictive, Score, Uncertainty
from adversity.errors import DataError, InputError, NotFittedError

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import State

__all__ = ["ScoreThreshold"]


class ScoreThreshold(Decide, Fitted):
    """Accept what is at most a threshold, the array `threshold` of the state."""

    fits_on: ClassVar[Literal["images", "logits"]] = "logits"
    decides: ClassVar[Literal["sets", "accept"]] = "accept"
    differentiable: ClassVar[bool] = True

    score: Annotated[
        Plugin[Uncertainty], Field(description="what says how sure an answer is: {uses, with}")
    ]

    _threshold: float | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _goes_by_one_answer(self) -> Self:
        inner: Any = self.score.plugin
        if not isinstance(inner, Score) or inner.needs_members or isinstance(inner, Fitted):
            raise ValueError(
                f"score: expected a score of one answer that is not fitted, such as max_softmax or "
                f"entropy, got {inner.name}"
            )
        return self

    def load(self, state: State) -> None:
        """Take the threshold.

        Raises:
            DataError: The stored threshold is no number.
        """
        stored = state.arrays.get("threshold")
        threshold = float(stored.reshape(-1)[0]) if stored is not None and stored.size else math.nan
        if math.isnan(threshold):
            raise DataError(f"{self.name} expects a stored number, got {stored}: fit it again")
        self._threshold = threshold

    def decide(self, predictive: Predictive) -> Predictive:
        """Return `accept` `[N]` bool: the score is not above the threshold.

        Raises:
            NotFittedError: There is no threshold yet.
        """
        return Predictive(accept=self.score(predictive) <= self._fitted)

    def margin(self, predictive: Predictive) -> Tensor:
        """Return the threshold less the score, `[N]` float64.

        Raises:
            InputError: Everything is accepted, whatever its score.
            NotFittedError: There is no threshold yet.
        """
        if math.isinf(self._fitted):
            raise InputError(
                f"{self.name} accepts every answer, so none can be made to look sure or unsure: fit "
                "it on more answers, or let it reject more"
            )
        score: Tensor = self.score(predictive)
        return self._fitted - score

    @property
    def _fitted(self) -> float:
        if self._threshold is None:
            raise NotFittedError(
                f"{self.name} expects to be fitted first, it is not: add fit_on: to the step, or call "
                ".fit(logits, labels)"
            )
        return self._threshold

    def _scored(self, block: Any) -> Tensor:
        """Return the scores `[N]` of a block's answers, as `decide` computes them: ties stay ties."""
        scores: Tensor = self.score(Predictive(block.probs.double(), block.logits))
        return scores
