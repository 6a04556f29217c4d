"""What scores and calibrators promise: fed with logits, as tables hold them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from adversity.contracts import Fitted, Predictive
from adversity.engine.public.in_memory import TensorRows
from adversity.metrics import nll
from adversity.testing.bench.bench import Answer, Bench, Case
from adversity.testing.bench.checks import NotApplicable, apart, check, require
from adversity.testing.common.gradients import gradient_is_right

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.engine.calls.ready import Ready

__all__ = ["LogitsBench", "PostHocBench", "ScoreBench", "class_order", "logit_case", "logit_rows"]

SHARPNESS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
"""What logits are multiplied by on the way from not sure at all to very sure."""
ROUNDS = 1e-9
"""By how much a score may change, as a share of values above 1, where nothing has: a thousand
terms of float64 in another order, or probabilities that are all but 0 or 1, round to 1e-13."""


def logit_rows(count: int, classes: int, *, first: int = 0) -> Tensor:
    """Draw logits as a classifier gives them: one class ahead, by more or less.

    Args:
        count: How many rows.
        classes: K.
        first: The number of the first; each number is another row.

    Returns:
        `[count, K]` float32.
    """
    import numpy as np
    import torch

    rows = []
    for number in range(first, first + count):
        draw = np.random.Generator(np.random.Philox(key=number))
        row = draw.normal(0, 1, classes)
        row[draw.integers(classes)] += draw.uniform(0, 4)
        rows.append(row)
    return torch.from_numpy(np.stack(rows).astype(np.float32))


def logit_case(name: str, logits: Tensor) -> Case:
    """Return a case of logits, rows first."""
    return Case(name, {"logits": logits}, tuple(f"kit/{k}" for k in range(len(logits))))


def logit_cases() -> tuple[Case, ...]:
    """Return logits of several widths, and extremes: equal, very sure, far from zero."""
    import torch

    extremes = torch.tensor(
        [[0.0, 0.0, 0.0, 0.0], [300.0, 0.0, 0.0, 0.0], [-80.0, -80.0, -79.0, -80.0]]
    )
    return (
        logit_case("7 rows of 10 classes", logit_rows(7, 10)),
        logit_case("5 rows of 2 classes", logit_rows(5, 2, first=50)),
        logit_case("3 rows of 1000 classes", logit_rows(3, 1000, first=90)),
        logit_case("3 extreme rows of 4 classes (equal, sure, far from zero)", extremes),
    )


def fitted_cases() -> tuple[Case, ...]:
    """Return logits of five classes, as `overconfident` draws them to fit on, and extremes."""
    import torch

    extremes = [[0.0] * 5, [300.0, 0.0, 0.0, 0.0, 0.0], [-80.0, -80.0, -79.0, -80.0, -80.0]]
    return (
        logit_case("7 rows of 5 classes", logit_rows(7, 5)),
        logit_case("3 extreme rows (equal, sure, far from zero)", torch.tensor(extremes)),
    )


@check("A score is higher where the model is less sure.")
def easy_below_hard(bench: ScoreBench) -> str:
    """Sharpen logits step by step: the score must not rise, and must fall from end to end."""
    classes = bench.answered[0].rows["logits"].shape[1]
    rows = logit_rows(6, classes, first=200)
    scores = [
        bench.answer(bench.ready, logit_case(f"logits times {sharp}", rows * sharp))["score"]
        for sharp in SHARPNESS
    ]
    for (sharp, before), (sharper, after) in pairwise(zip(SHARPNESS, scores, strict=True)):
        worst = float(((after - before) / before.abs().clamp_min(1)).max())
        require(
            worst <= ROUNDS,
            f"expected no higher score when logits are multiplied by {sharper} in place of {sharp}, "
            f"it rises by {worst:.3g}: a score is higher where the model is less sure",
        )
    fall = float((scores[0] - scores[-1]).min())
    require(fall > 0, "expected a lower score where the model is surer, it stays the same")
    return f"falls by at least {fall:.3g} from equal logits to sure ones"


@check("The order in which the classes are written does not matter.")
def class_order(bench: ScoreBench) -> str:
    """Write the classes backwards."""
    worst = 0.0
    for case in bench.answered:
        other = Case(case.name, {"logits": case.rows["logits"].flip(-1)}, case.ids)
        first, second = bench.answer(bench.ready, case), bench.answer(bench.ready, other)
        worst = max(worst, apart(first["score"], second["score"], relative=True))
    require(worst <= ROUNDS, f"expected the same score, it changes by up to {worst:.3g}")
    return f"changes by at most {worst:.1g}"


@check("A calibrator that is fitted fixes overconfidence: the loss on other rows is lower.")
def calibrates(bench: PostHocBench) -> str:
    """Fit on logits that are twice as sure as the truth; compare the likelihood loss."""
    if not issubclass(bench.cls, Fitted):
        raise NotApplicable("the calibrator is not fitted")
    logits, labels = overconfident(400, first=5000)
    probs = bench.answer(bench.ready, logit_case("400 other rows", logits))["probs"]
    before, best = (nll(logits=given, labels=labels).value for given in (logits, logits / 2))
    after = nll(probs, labels).value
    require(
        after < before,
        f"expected a lower likelihood loss than without it ({before:.4f} nats), got {after:.4f}",
    )
    return f"{before:.4f} nats without it, {after:.4f} with it, {best:.4f} with the true model"


def overconfident(count: int, *, first: int = 0) -> tuple[Tensor, Tensor]:
    """Draw logits and labels where the truth is softmax(logits / 2).

    Args:
        count: How many rows.
        first: The number of the first.

    Returns:
        Logits `[count, 5]` float32 and labels `[count]` int64.
    """
    import numpy as np
    import torch

    logits = logit_rows(count, 5, first=first) * 2
    truth = (logits.double() / 2).softmax(1).numpy()
    draw = np.random.Generator(np.random.Philox(key=first))
    return logits, torch.tensor([int(draw.choice(5, p=row / row.sum())) for row in truth])


class LogitsBench(Bench):
    """Feed a method with logits, as tables hold them."""

    seeded = False

    def cases(self) -> Sequence[Case]:
        """Return logits; what is fitted keeps the number of classes it was fitted on."""
        return fitted_cases() if issubclass(self.cls, Fitted) else logit_cases()

    def stream(self) -> TensorRows:
        """Return logits that are twice as sure as the truth, with labels."""
        logits, labels = overconfident(600)
        return TensorRows(labels, tuple("abcde"), logits=logits)


class ScoreBench(LogitsBench):
    """Feed a score with predictions."""

    checks = (easy_below_hard, class_order)

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Score the probabilities of the logits."""
        logits = case.rows["logits"]
        predictive = Predictive(logits.double().softmax(1), logits)
        return {"score": ready.call(predictive, case.ids)}


class PostHocBench(LogitsBench):
    """Feed a calibrator with logits."""

    checks = (calibrates, gradient_is_right)

    def traced(self, values: Tensor) -> Tensor:
        """Calibrate as an attack differentiates it."""
        return self.ready.call.probs(values)  # type: ignore[no-any-return]

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Calibrate."""
        return {"probs": ready.call(case.rows["logits"], case.ids)}
