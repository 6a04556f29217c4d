"""Accept answers of which a promised share is right, proved on held-out ones: learn then test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NoReturn

from pydantic import Field

from adversity import State
from adversity.errors import DataError
from adversity_plugins.uncertainty.decision._risk_tests import (
    Proved,
    candidates,
    first_count,
    last_proved,
)
from adversity_plugins.uncertainty.decision._score_threshold import ScoreThreshold

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from adversity import FitData

__all__ = ["RiskControl"]

_STEPS = 50
"""How many thresholds are tried. Each is tried only if all below it were proved, so more of them
cost no certainty; they cost chances to stop early."""
_PART = 5
"""One held-out answer of so many says where thresholds may lie; the others test them."""
_LEAST = 0.1
"""The strictest threshold accepts at least so many: the first test should not fail by a chance error."""


class RiskControl(ScoreThreshold):
    """Accept answers of which at most a share of `risk` is wrong, proved with certainty 1 - delta.

    Thresholds are tried from strict to lax, and the last one is taken before one cannot be proved:
    before the wrong ones among the accepted held-out answers are more than chance allows where the
    risk is too large (an exact binomial test). The strictest accepts a tenth of all, or as many as a
    proof takes where half of the risk is wrong. Where the thresholds lie, a fifth of the held-out
    answers says, drawn at random, and the rest tests them. So of all fits on held-out answers a
    share of at most `delta` gives a threshold under which further answers, drawn as these were, are
    wrong more often than `risk`: whatever the score, and whether it goes with errors or not. Where
    no threshold can be proved, the fit is refused. Nothing is promised of other images.

    A threshold with as many errors as promised among the held-out answers, without a test, breaks
    its promise about every second time.
    """

    name = "risk_control"
    reference = (
        "A. Angelopoulos, S. Bates, E. Candes, M. I. Jordan, L. Lei, Learn then test: calibrating "
        "predictive algorithms to achieve risk control, 2021, section 2 (fixed-sequence testing); Y. "
        "Geifman, R. El-Yaniv, Selective classification for deep neural networks, 2017 (the aim); the "
        "exact binomial p-value in place of theirs, and thresholds from rows that test none"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"score": {"uses": "max_softmax"}, "risk": 0.3},
        {"score": {"uses": "entropy"}, "risk": 0.4, "delta": 0.2},
    )

    risk: Annotated[
        float, Field(gt=0, lt=1, description="the share of accepted answers that may be wrong")
    ] = 0.05
    delta: Annotated[
        float,
        Field(gt=0, lt=1, description="how likely a fit may break that promise, over its rows"),
    ] = 0.05

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the last threshold that is proved.

        Args:
            data: Blocks with `probs` `[N, K]`, `logits` and `targets` `[N]`.
            rng: Deals the rows into those that say where thresholds lie and those that test.

        Returns:
            The array `threshold`. As information `n` rows, `n_tested` of which test, `accepted` of
            these, of which `wrong` are, and `p`, the test's; and `note`, which says it.

        Raises:
            DataError: There are no rows, no probabilities or no targets, or no threshold is proved.
        """
        import numpy as np

        scores, wrong = self._rows(data)
        order = rng.permutation(len(scores))
        place, test = order[: len(order) // _PART], order[len(order) // _PART :]
        count = first_count(self.risk, self.delta)
        share = max(count / len(test), _LEAST)
        found = candidates(scores[place], share, _STEPS) if len(place) else [np.inf]
        proved, last = last_proved(
            found, scores[test], wrong[test], risk=self.risk, delta=self.delta
        )
        if proved is None:
            self._refuse(last, len(test), count)
        return State(
            arrays={"threshold": np.array([proved.threshold])},
            info={
                "n": len(scores),
                "n_tested": len(test),
                "accepted": proved.accepted,
                "wrong": proved.wrong,
                "p": proved.p,
                "note": (
                    f"accepts {proved.accepted:,} of {len(test):,} held-out answers that test it, "
                    f"{proved.wrong:,} of them wrong: at most {self.risk:g} of such answers are, with "
                    f"certainty {1 - self.delta:g}"
                ),
            },
        )

    def _refuse(self, last: Proved, tested: int, count: int) -> NoReturn:
        raise DataError(
            f"risk_control expects a threshold that proves a risk of at most {self.risk:g} with "
            f"certainty {1 - self.delta:g}, got none: of {tested:,} held-out answers that test, "
            f"{last.wrong:,} of the {last.accepted:,} surest are wrong, where {count:,} would be proof "
            f"enough with {int(count * self.risk / 2):,} wrong; give a larger risk or delta, more "
            "held-out answers, or another score"
        )

    def _rows(self, data: FitData) -> tuple[Any, Any]:
        """Return scores `[n]` float64 and which answers are wrong, `[n]` bool."""
        import numpy as np

        scores, wrong = [], []
        for block in data:
            if block.probs is None or block.targets is None:
                missing = "probabilities" if block.probs is None else "targets"
                raise DataError(
                    f"risk_control expects probabilities and targets to fit on, got no {missing}: fit "
                    "it on the predictions of a classifier for labelled images"
                )
            scores.append(self._scored(block).cpu().numpy())
            wrong.append((block.probs.argmax(1) != block.targets).cpu().numpy())
        if not sum(map(len, scores)):
            raise DataError("risk_control expects answers to fit on, got none of them")
        return np.concatenate(scores).astype(np.float64), np.concatenate(wrong)
