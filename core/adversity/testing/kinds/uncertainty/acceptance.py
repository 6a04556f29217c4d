"""What accepts and rejects answers promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Fitted
from adversity.testing.bench.checks import NotApplicable, check, require
from adversity.testing.common.gradients import AGREEMENT, disagreement
from adversity.testing.kinds.uncertainty.decisions import GROUPED, DecisionBench, kit_ids
from adversity.testing.kinds.uncertainty.logits import logit_case, logit_rows, overconfident

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.engine.calls.ready import Ready
    from adversity.testing.bench.bench import Answer, Case

__all__ = ["AcceptBench"]

SURER = (1.5, 2.0, 4.0, 8.0)
"""What logits are multiplied by, in turn."""


@check("What is accepted stays accepted when the model gets surer.")
def surer_stays(bench: AcceptBench) -> str:
    """Sharpen logits, which leaves the predicted class as it is."""
    logits = logit_rows(40, bench.classes, first=700)
    accepted = bench.accepted(logits)
    for sharp in SURER:
        left = int((accepted & ~bench.accepted(logits * sharp)).sum())
        require(
            left == 0,
            f"expected every accepted answer to be accepted when its logits are multiplied by "
            f"{sharp}, {left} of {int(accepted.sum())} are rejected",
        )
    return f"{int(accepted.sum())} of {len(logits)} accepted answers stay"


@check("The order in which the classes are written does not matter to what is accepted.")
def class_order_of_accepted(bench: AcceptBench) -> str:
    """Write the classes backwards."""
    logits = logit_rows(200, bench.classes, first=900)
    changed = int((bench.accepted(logits) != bench.accepted(logits.flip(-1))).sum())
    require(changed == 0, f"expected the same answers accepted, {changed} of 200 change")
    return "nothing changes in 200 rows"


@check("Fitted, it rejects some answers, and those it accepts are right more often.")
def rejects_the_worse(bench: AcceptBench) -> str:
    """Fit, decide on other rows of the same kind, and compare accuracies."""
    if not issubclass(bench.cls, Fitted):
        raise NotApplicable("the method is not fitted")
    logits, labels = overconfident(400, first=5000)
    accepted, right = bench.accepted(logits), logits.argmax(1) == labels
    count = int(accepted.sum())
    require(
        0 < count < 400, f"expected some of 400 answers accepted and some rejected, got {count}"
    )
    kept, left = (float(right[rows].double().mean()) for rows in (accepted, ~accepted))
    require(
        kept > left,
        f"expected accepted answers to be right more often than rejected ones, they are in "
        f"{kept:.1%}, rejected ones in {left:.1%}",
    )
    return f"{kept:.1%} of {count} accepted answers are right, {left:.1%} of those rejected"


@check("The margin, where it gives one, is not below 0 exactly where an answer is accepted.")
def margin_decides(bench: AcceptBench) -> str:
    """Compare signs on rows of which some are accepted and some are not."""
    logits, _ = overconfident(400, first=7000)
    margin = bench.margin(logits)
    if margin is None:
        raise NotApplicable("it gives no margin, and its decision cannot be attacked")
    accepted = bench.accepted(logits)
    wrong = int(((margin >= 0) != accepted).sum())
    require(
        wrong == 0,
        f"expected a margin that is not below 0 exactly where the answer is accepted, it is "
        f"otherwise in {wrong} of 400 rows",
    )
    return f"in 400 rows, {int(accepted.sum())} of them accepted"


@check("The margin's gradient is that of finite differences, where `differentiable` is claimed.")
def margin_gradient(bench: AcceptBench) -> str:
    """Compare slopes on rows that are neither equal nor all but certain, where a score is flat."""
    if not bench.cls.differentiable:
        raise NotApplicable("no gradient is claimed; attacks that need one are refused")
    gap, exact, tried = disagreement(bench.traced, logit_rows(3, bench.classes, first=300))
    require(
        gap <= AGREEMENT,
        f"expected a gradient within {AGREEMENT:.0%} of finite differences, they are {gap:.1%} apart "
        f"(by the gradient {exact:.4g}, by differences {tried:.4g})",
    )
    return f"{gap:.2%} from finite differences"


class AcceptBench(DecisionBench):
    """Feed a method that accepts answers with predictions."""

    checks = (
        surer_stays,
        class_order_of_accepted,
        rejects_the_worse,
        margin_decides,
        margin_gradient,
        *GROUPED,
    )

    @property
    def classes(self) -> int:
        """How many classes the method may be asked about."""
        return int(self.answered[0].rows["logits"].shape[1])

    def accepted(self, logits: Tensor) -> Tensor:
        """Return which answers are accepted, `[N]` bool, for logits."""
        return self.answer(self.ready, logit_case("rows", logits))["accept"]

    def margin(self, logits: Tensor) -> Tensor | None:
        """Return by how much answers are accepted, `[N]`; None where the method does not say."""
        given = self.predictive(logits, kit_ids(len(logits)))
        margin: Tensor | None = self.ready.plugin.margin(given)
        return margin

    def traced(self, values: Tensor) -> Tensor:
        """Return the margin as an attack differentiates it."""
        margin: Tensor = self.ready.call.margin(self.predictive(values, kit_ids(len(values))))
        return margin

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Decide."""
        return {"accept": ready.call(self.predictive(case.rows["logits"], case.ids), case.ids)}
