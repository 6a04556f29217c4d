"""What combinations of members promise, and scores that go by members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Fitted, Predictive
from adversity.engine.public.in_memory import TensorRows
from adversity.metrics import nll
from adversity.testing.bench.bench import Answer, Case
from adversity.testing.bench.checks import NotApplicable, apart, check, require
from adversity.testing.kinds.uncertainty.logits import (
    ROUNDS,
    LogitsBench,
    class_order,
    logit_case,
    logit_rows,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.engine.calls.ready import Ready

__all__ = ["CombineBench", "MembersBench"]

MEMBERS = 3
MOST_CLASSES = 10
KNOWN = (0.6, 0.25, 0.15)
"""How much of the truth each member knows, where a combination is fitted."""
BETTER = 0.5
"""What share of the way from the members' mean to the true weights a fit must go at least."""
ROUNDED = 1e-6
"""By how much a probability in float32 may change where the order of a sum has: 2**-24 is 6e-8."""


def member_logits(count: int, classes: int, *, first: int = 0) -> Tensor:
    """Draw logits of three members that agree more or less, one row beside the other.

    Args:
        count: How many rows.
        classes: K.
        first: The number of the first; each number is another row.

    Returns:
        `[count, 3, K]` float32.
    """
    import torch

    common = logit_rows(count, classes, first=first)
    own = [logit_rows(count, classes, first=first + 10_000 * (1 + m)) for m in range(MEMBERS)]
    return torch.stack([common + one for one in own], 1)


def member_cases() -> tuple[Case, ...]:
    """Return members' logits of several widths, and extremes: equal members, sure of other classes."""
    import torch

    sure = 300 * torch.eye(4)
    extremes = torch.stack(
        [torch.zeros(MEMBERS, 4), sure[[1, 1, 1]], sure[[0, 1, 2]], sure[[3, 3, 0]] / 100]
    )
    return (
        logit_case("7 rows of 10 classes", member_logits(7, 10)),
        logit_case("5 rows of 2 classes", member_logits(5, 2, first=50)),
        logit_case("3 rows of 1000 classes", member_logits(3, 1000, first=90)),
        logit_case("4 extreme rows of 4 classes (equal, sure, each of another)", extremes),
    )


def fitted_member_cases() -> tuple[Case, ...]:
    """Return logits of three members and five classes, as `unlike_members` draws them, and extremes."""
    import torch

    sure = 300 * torch.eye(5)
    extremes = torch.stack([torch.zeros(MEMBERS, 5), sure[[1, 1, 1]], sure[[0, 1, 2]]])
    return (
        logit_case("7 rows of 5 classes", member_logits(7, 5)),
        logit_case("3 extreme rows (equal, sure, each of another)", extremes),
    )


@check("Members that are sure of one class leave less doubt than others.")
def agreement_below_doubt(bench: MembersBench) -> str:
    """Compare with members that know nothing, and with members that are sure of other classes."""
    import torch

    classes = bench.answered[0].rows["logits"].shape[2]
    sure = 50 * torch.eye(classes)
    of_one, of_others = sure[[0] * MEMBERS], sure[[m % classes for m in range(MEMBERS)]]
    rows = torch.stack([of_one, torch.zeros(MEMBERS, classes), of_others])
    least, unsure, apart_ = bench.answer(bench.ready, logit_case("three rows", rows))[
        "score"
    ].tolist()
    for name, doubt in (("know nothing", unsure), ("are sure of other classes", apart_)):
        require(
            doubt >= least - ROUNDS,
            f"expected no higher score where members are sure of one class ({least:.3g}) than where "
            f"they {name} ({doubt:.3g}): a score is higher where the model is less sure",
        )
    require(
        max(unsure, apart_) > least,
        "expected a lower score where members are sure of one class than where they know nothing "
        "or are sure of other classes; it is the same",
    )
    return f"{least:.3g}, {unsure:.3g} where they know nothing, {apart_:.3g} where they disagree"


@check("Where all members are for a class, the answer is that class.")
def unanimous(bench: CombineBench) -> str:
    """Ask for rows in which the members prefer the same class, more or less."""
    import torch

    classes = bench.answered[0].rows["logits"].shape[2]
    logits = member_logits(2 * classes, classes, first=400)
    chosen = torch.arange(2 * classes) % classes
    ahead = logits.amax(2, keepdim=True) + 0.25
    logits = logits.scatter(2, chosen[:, None, None].expand(-1, MEMBERS, 1), ahead)
    found = bench.answer(bench.ready, logit_case("members of one opinion", logits))["probs"].argmax(
        1
    )
    missed = int((found != chosen).sum())
    require(
        missed == 0,
        f"expected the class that all {MEMBERS} members prefer, it is another in {missed} of "
        f"{len(chosen)} rows",
    )
    return f"so in all {len(chosen)} rows"


@check("A score that goes by members tells members from their mean.")
def goes_by_members(bench: MembersBench) -> str:
    """Put the mean of all members in the place of each."""
    logits = member_logits(12, bench.answered[0].rows["logits"].shape[2], first=800)
    mean = logits.double().softmax(2).mean(1, keepdim=True).log().expand_as(logits)
    first, second = (
        bench.answer(bench.ready, logit_case("12 rows", rows))["score"] for rows in (logits, mean)
    )
    change = apart(first, second)
    require(
        change > ROUNDED,
        "expected another score where all members say their mean, it is the same: a score that "
        "needs no members must not say so (needs_members)",
    )
    return f"changes by up to {change:.3g}"


@check("Every member counts in the answer.")
def every_member_counts(bench: CombineBench) -> str:
    """Let each member in turn be sure of each class in turn: some answer must change."""
    import torch

    classes = min(bench.answered[0].rows["logits"].shape[2], MOST_CLASSES)
    logits = member_logits(12, classes, first=900)
    before = bench.answer(bench.ready, logit_case("12 rows", logits))["probs"]
    changes = []
    for m in range(MEMBERS):
        found = []
        for k in range(classes):
            other = logits.clone()
            other[:, m] = 20 * torch.eye(classes)[k]
            answer = bench.answer(bench.ready, logit_case("12 rows", other))["probs"]
            found.append(apart(before, answer))
        changes.append(max(found))
    idle = [m for m, change in enumerate(changes) if change <= ROUNDED]
    require(
        not idle, f"expected the answer to go by every member, member {idle[:1]} changes nothing"
    )
    return f"changes by at least {min(changes):.3g}"


@check("The order in which the classes are written does not matter to a combination.")
def class_order_of_answers(bench: CombineBench) -> str:
    """Write the members' classes backwards: the answer's are written backwards, too."""
    worst = 0.0
    for case in bench.answered:
        other = Case(case.name, {"logits": case.rows["logits"].flip(2)}, case.ids)
        first, second = bench.answer(bench.ready, case), bench.answer(bench.ready, other)
        worst = max(worst, apart(first["probs"], second["probs"].flip(1)))
    require(worst <= ROUNDED, f"expected the same probabilities, they change by up to {worst:.3g}")
    return f"changes by at most {worst:.1g}"


@check("A combination that is fitted does better on other rows than members counted alike.")
def weighs(bench: CombineBench) -> str:
    """Fit where members know unlike much of the truth; compare with their mean."""
    import torch

    if not issubclass(bench.cls, Fitted):
        raise NotApplicable("the combination is not fitted")
    logits, labels = unlike_members(2000, first=5000)
    said = logits.double().softmax(2)
    answer = bench.answer(bench.ready, logit_case("2000 other rows", logits))["probs"]
    truth = (said * torch.tensor(KNOWN)[:, None]).sum(1)
    after, alike, best = (nll(p, labels).value for p in (answer, said.mean(1), truth))
    require(
        after < alike - BETTER * (alike - best),
        f"expected a likelihood loss nearer to that of the true weights ({best:.4f} nats) than to "
        f"that of the members' mean ({alike:.4f}), got {after:.4f}",
    )
    return f"{alike:.4f} nats for the mean, {after:.4f} fitted, {best:.4f} with the true weights"


def unlike_members(count: int, *, first: int = 0) -> tuple[Tensor, Tensor]:
    """Draw logits of three members, and labels from the mixture of their answers by `KNOWN`.

    Args:
        count: How many rows.
        first: The number of the first.

    Returns:
        Logits `[count, 3, 5]` float32 and labels `[count]` int64.
    """
    import numpy as np
    import torch

    logits = 2 * member_logits(count, 5, first=first)
    weights = torch.tensor(KNOWN, dtype=torch.float64)[:, None]
    truth = (logits.double().softmax(2) * weights).sum(1).numpy()
    draw = np.random.Generator(np.random.Philox(key=first))
    return logits, torch.tensor([int(draw.choice(5, p=row / row.sum())) for row in truth])


class MembersBench(LogitsBench):
    """Feed a score that goes by members with what they say."""

    checks = (agreement_below_doubt, goes_by_members, class_order)

    def cases(self) -> Sequence[Case]:
        """Return members' logits."""
        return member_cases()

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Score what the members say, and their mean."""
        members = _said(case)
        return {"score": ready.call(Predictive(members.mean(0), members=members), case.ids)}


class CombineBench(LogitsBench):
    """Feed a combination with what members say."""

    checks = (unanimous, every_member_counts, class_order_of_answers, weighs)

    def cases(self) -> Sequence[Case]:
        """Return members' logits; what is fitted keeps the number of classes it was fitted on."""
        return fitted_member_cases() if issubclass(self.cls, Fitted) else member_cases()

    def stream(self) -> TensorRows:
        """Return what members say that know unlike much of the truth, with labels."""
        logits, labels = unlike_members(1200)
        return TensorRows(labels, tuple("abcde"), members=logits.transpose(0, 1))

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Combine."""
        return {"probs": ready.call(_said(case), case.ids)}


def _said(case: Case) -> Tensor:
    """Return the probabilities `[M, N, K]` float64 of members."""
    return case.rows["logits"].double().softmax(2).transpose(0, 1)
