"""What prediction sets promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Fitted
from adversity.testing.bench.checks import NotApplicable, check, require
from adversity.testing.kinds.uncertainty.decisions import GROUPED, DecisionBench
from adversity.testing.kinds.uncertainty.logits import logit_case, logit_rows, overconfident

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.engine.calls.ready import Ready
    from adversity.testing.bench.bench import Answer, Case

__all__ = ["DecideBench"]

RAISED = (0.5, 2.0, 8.0)
"""By what the logit of a class is raised, in turn."""
BETTER = 0.1
"""By how much sets must hold the truth more often than as many classes by chance."""


@check("A class does not leave the set when it gets likelier.")
def likelier_stays(bench: DecideBench) -> str:
    """Raise the logit of each class in turn, and see whether it is still in the set."""
    logits = logit_rows(12, bench.classes, first=700)
    sets = bench.sets(logits)
    left = 0
    for k in range(bench.classes):
        for by in RAISED:
            raised = logits.clone()
            raised[:, k] += by
            left += int((sets[:, k] & ~bench.sets(raised)[:, k]).sum())
    held = int(sets.sum())
    require(
        left == 0,
        f"expected every class to stay in its set when its logit is raised by {RAISED}, "
        f"{left} of {held * len(RAISED)} left it",
    )
    require(held > 0, "expected sets that hold classes, all of 12 rows are empty")
    return f"{held} classes in the sets of {len(logits)} rows stay"


@check("Fitted sets hold the true class more often than as many classes by chance.")
def truth_is_held(bench: DecideBench) -> str:
    """Fit, decide on other rows of the same kind, and compare with the mean size of the sets."""
    if not issubclass(bench.cls, Fitted):
        raise NotApplicable("the method is not fitted")
    logits, labels = overconfident(400, first=5000)
    sets = bench.sets(logits)
    held = float(sets.gather(1, labels[:, None]).double().mean())
    chance = float(sets.double().mean())
    require(
        chance < 1,
        "expected sets that leave a class out once the method was fitted on 600 rows, all are full",
    )
    require(
        held > chance + BETTER,
        f"expected sets that hold the true class more often than the {chance:.1%} that sets of "
        f"their size hold by chance, got {held:.1%}",
    )
    return f"{held:.1%} of 400 rows, {chance:.1%} by chance"


class DecideBench(DecisionBench):
    """Feed a method that makes sets with predictions."""

    checks = (likelier_stays, truth_is_held, *GROUPED)

    @property
    def classes(self) -> int:
        """How many classes the method may be asked about."""
        return int(self.answered[0].rows["logits"].shape[1])

    def sets(self, logits: Tensor) -> Tensor:
        """Return the sets `[N, K]` bool for logits."""
        return self.answer(self.ready, logit_case("rows", logits))["sets"]

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Decide."""
        logits = case.rows["logits"]
        return {"sets": ready.call(self.predictive(logits, case.ids), case.ids)}
