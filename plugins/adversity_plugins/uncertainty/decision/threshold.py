"""Accept an answer or reject it: a threshold on a score, for a promised share of held-out answers."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from adversity import State
from adversity.errors import DataError
from adversity_plugins.uncertainty.decision._score_threshold import ScoreThreshold

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from adversity import FitData

__all__ = ["Threshold"]


class Threshold(ScoreThreshold):
    """Accept answers whose score is low enough, for a share of 1 - rejects of held-out ones.

    The threshold is the score of rank ceil((n + 1)(1 - rejects)) among n held-out answers, all or
    those that are right, and an answer with that score or a lower one is accepted. A further answer
    that is drawn as these were is then rejected with a chance of at most `rejects`, over both draws;
    nothing is promised of other images. With too few held-out answers all are accepted, and
    `State.info["note"]` says so.
    """

    name = "threshold"
    reference = (
        "C. K. Chow, On optimum recognition error and reject tradeoff, 1970 (the rule); "
        "R. El-Yaniv, Y. Wiener, On the foundations of noise-free selective classification, 2010 "
        "(coverage and risk); the rank is that of split conformal prediction"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"score": {"uses": "max_softmax"}, "rejects": 0.1},
        {"score": {"uses": "entropy"}, "rejects": 0.2, "of": "right"},
    )

    rejects: Annotated[
        float, Field(gt=0, lt=1, description="the share of held-out answers that is rejected")
    ] = 0.05
    of: Annotated[
        Literal["all", "right"],
        Field(description="of which: all of them, or those that are right (false rejections)"),
    ] = "all"

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the threshold.

        Args:
            data: Blocks with `probs` `[N, K]`, `logits`, and `targets` `[N]` where `of` is `right`.
            rng: Not used; the fit has no randomness.

        Returns:
            The array `threshold`; infinite where the rank exceeds n. As information `n`, `rank`,
            and `note` (empty if all went well).

        Raises:
            DataError: There are no rows, or no targets where they are needed.
        """
        import numpy as np

        scores = sorted(score for block in data for score in self._scores(block))
        if not scores:
            raise DataError("threshold expects answers to fit on, got none of them")
        share = 1 - Fraction(str(self.rejects))
        rank = math.ceil((len(scores) + 1) * share)
        enough = rank <= len(scores)
        needed = math.ceil(share / (1 - share))
        note = (
            f"only {len(scores)} answers to fit on, rejects = {self.rejects:g} needs at least "
            f"{needed}: every answer is accepted"
        )
        return State(
            arrays={"threshold": np.array([scores[rank - 1] if enough else math.inf])},
            info={"n": len(scores), "rank": rank, "note": "" if enough else note},
        )

    def _scores(self, block: Any) -> list[float]:
        """Return the scores of the answers of a block that count."""
        if block.probs is None or (self.of == "right" and block.targets is None):
            missing = "probabilities" if block.probs is None else "targets"
            raise DataError(
                f"threshold expects probabilities, and targets for of: right, got no {missing}: fit "
                "it on the predictions of a classifier for labelled images"
            )
        scores = self._scored(block)
        if self.of == "right":
            scores = scores[block.probs.argmax(1) == block.targets]
        listed: list[float] = scores.tolist()
        return listed
