"""What an attack that follows gradients promises: the optimum where it is known.

Nothing here goes by an attack's name. An attack that uses gradients follows them, so it
must reach the optimum of a linear victim; a class that says `control = True` promises no
strength.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.testing.bench.bench import Case
from adversity.testing.bench.checks import NotApplicable, apart, check, require
from adversity.testing.kinds.attack.strength import ONE_OF_SIXTEEN

if TYPE_CHECKING:
    from adversity.contracts import Norm
    from adversity.testing.kinds.attack import AttackBench
    from adversity.testing.kinds.attack.linear_victims import LinearCase

__all__ = ["CHECKS"]

ENOUGH = 40
"""Steps that are enough for a linear victim: together 2.5 times as long as eps."""
QUERIES = 1000
"""Queries in which a search by decisions comes within `OVER` of the smallest distance."""
RANDOM_START = 0.03
"""What may be missing of an optimum where a random start cannot be switched off. In l2, over a
way of 2.5 eps, the angle to the optimum falls from 90 degrees to 10, whose cosine is 0.986."""
CLIPPED = 0.02
"""What may be missing of the optimum in the box. Steps that are cut by the ball first and by the
box afterwards, as most write them, lose the part that the box cut: 0.995 of the optimum is left
in l2 over forty steps (torchattacks 3.5.1, Foolbox 3.3.4, ART 1.20.1 on these victims)."""
OVER = 0.1
"""How much further than the smallest distance a search for it may end."""


def _follows(bench: AttackBench) -> Norm:
    """Return the norm of an attack that follows gradients within a budget."""
    bench.must_be_strong()
    if bench.norm is None:
        raise NotApplicable(
            f"its threat is {bench.threat.word}: there is no radius in a norm to use up"
        )
    if not bench.follows_gradients:
        raise NotApplicable("it uses no gradient of the victim")
    return bench.norm


def _lowest_share(bench: AttackBench, *, box: bool, one: bool = False) -> float:
    """Return the lowest share of the optimum that it reaches on linear victims.

    Args:
        bench: Of the attack.
        box: Whether the box is in the way.
        one: Whether it may take one step only, as long as eps. From a random start that cannot
            be switched off it is twice as long: so it reaches the other side.
    """
    from adversity.testing.kinds.attack.linear_victims import linear_cases

    norm = _follows(bench)
    key = box, one
    if key not in bench.shares:
        cases = linear_cases(norm, box=box)
        bench.shares[key] = min(_share(bench, linear, one=one) for linear in cases)
    return bench.shares[key]


def _share(bench: AttackBench, linear: LinearCase, *, one: bool) -> float:
    """Return the share that it reaches of one linear victim."""
    import torch

    from adversity.testing.kinds.attack.victims import KitTarget

    whole = linear.eps * (2 if bench.starts_anywhere else 1)
    given = bench.stepping(1 if one else ENOUGH, linear.eps, size=whole if one else None)
    ready = bench.with_(**given, targeted=False)
    rows = {"images": linear.image, "labels": torch.tensor([linear.own])}
    victim = KitTarget(linear.module, ("kit/linear",), classes=linear.classes)
    after = bench.attempt(ready, Case("linear", rows, victim.ids), victim=victim)
    return linear.reached(after.images)


def _missing(bench: AttackBench, exact: float) -> float:
    return max(exact, RANDOM_START) if bench.starts_anywhere else exact


@check("An attack that follows gradients reaches the optimum of linear victims.")
def linear_optimum(bench: AttackBench) -> str:
    """Compare with eps times the dual norm; rounding to float32 may take 1e-5 of it.

    Two classes and four, the others out of reach; in the middle of the box. It is given
    enough steps and no random start where it has such parameters.
    """
    from adversity.testing.kinds.attack.linear_victims import TOLERANCE

    norm = _follows(bench)
    lowest, missing = _lowest_share(bench, box=False), _missing(bench, TOLERANCE)
    require(
        lowest >= 1 - missing,
        f"expected at least {1 - missing:.6g} of the optimum in {norm}, got {lowest:.6g} (0: the "
        "image came back as it was): the best step is the sign of the gradient in linf, the "
        "gradient over its length in l2, and the steepest value alone in l1",
    )
    return f"{lowest:.7g} of the optimum in {norm}"


@check("With the box in the way it still comes close to the optimum of linear victims.")
def linear_optimum_in_the_box(bench: AttackBench) -> str:
    """Compare with the closed forms, a third of the values being at 0 or 1.

    Where the optimum is missed without the box, `linear_optimum` says so and this is not
    tried.
    """
    from adversity.testing.kinds.attack.linear_victims import TOLERANCE

    norm = _follows(bench)
    if _lowest_share(bench, box=False) < 1 - _missing(bench, TOLERANCE):
        raise NotApplicable("it misses the optimum without the box already")
    lowest = _lowest_share(bench, box=True)
    require(
        lowest >= 1 - CLIPPED,
        f"expected at least {1 - CLIPPED:.6g} of the optimum in {norm} and the box, got "
        f"{lowest:.6g} (0: the image came back as it was): values at 0 and 1 cannot move on, the "
        "others must take what they leave",
    )
    return f"{lowest:.7g} of the optimum in {norm} and the box"


@check("An attack that looks for the nearest failure comes near the exact distance.")
def nearest(bench: AttackBench) -> str:
    """Compare with the distance at which linear victims fall, within a tenth.

    A tenth is what a last step over the edge and a search by halving leave. It is given enough
    queries where it has such a parameter.
    """
    import torch

    from adversity.contracts.threat import distances
    from adversity.testing.kinds.attack.linear_victims import linear_cases
    from adversity.testing.kinds.attack.victims import KitTarget

    norm = bench.threat.in_norm
    if not bench.threat.nearest or norm is None:
        raise NotApplicable(f"its threat is {bench.threat.word}, not the nearest in a norm")
    bench.must_be_strong()
    worst = 0.0
    for linear in linear_cases(norm, box=False):
        rows = {"images": linear.image, "labels": torch.tensor([linear.own])}
        victim = KitTarget(linear.module, ("kit/linear",), classes=linear.classes)
        after = bench.attempt(
            bench.with_(targeted=False, queries=QUERIES),
            Case("one", rows, victim.ids),
            victim=victim,
        )
        require(after.fooled.all(), "expected every linear victim to be fooled, one was not")
        worst = max(worst, float(distances(after.images, linear.image, norm)) / linear.eps)
    require(
        worst <= 1 + OVER,
        f"expected at most {1 + OVER:.3g} of the smallest distance in {norm}, got {worst:.4g}",
    )
    return f"at most {worst:.4g} of the smallest distance in {norm}"


@check("The first step counts: one step of length eps is worth as much as many, if all is linear.")
def first_step(bench: AttackBench) -> str:
    """Take one step from the image itself: an attack that judges before it moves returns it.

    From a random start that cannot be switched off a step of 2 eps must come half as far.
    """
    from adversity.testing.kinds.attack.linear_victims import TOLERANCE

    _follows(bench)
    if not bench.has("steps"):
        raise NotApplicable("it has no parameter `steps`")
    case = bench.crowd
    ready = bench.with_(**bench.stepping(1, bench.eps, size=bench.eps))
    after = bench.attempt(ready, case)
    still = sum(apart(after.images[row], case.rows["images"][row]) == 0 for row in range(len(case)))
    require(
        still == 0,
        f"expected one step to move every image, {still} of {len(case)} came back as they were: "
        "the point after the last step is the one that counts, also where it does not fool",
    )
    summary = "every image moved"
    if bench.has("step_size"):
        many, one = (
            min(_lowest_share(bench, box=False), 1),
            _lowest_share(bench, box=False, one=True),
        )
        least = many / 2 if bench.starts_anywhere else many - TOLERANCE
        require(
            one >= least,
            f"expected one step of eps to reach {least:.6g} of the optimum of linear victims, as "
            f"{ENOUGH} steps reach {many:.6g}, got {one:.6g}",
        )
        summary = f"{one:.7g} of a linear optimum"
    each = ", ".join(
        f"{float(count.double().mean()):.3g} {what}"
        for what, count in (("gradients", after.gradients), ("queries", after.queries))
    )
    return f"{summary}; a step costs {each} a sample"


@check("A victim that is very sure is attacked as well: a gap of 300 in logits stops no gradient.")
def sure_victim(bench: AttackBench) -> str:
    """Lift the right class by 300, where the softmax is exactly 0 and 1 in float32."""
    import torch

    from adversity.testing.kinds.attack.victims import KitTarget, Sure, network

    _follows(bench)
    images = bench.crowd.rows["images"]
    module = Sure(network(3), own=1)
    labels = torch.ones(len(images), dtype=torch.int64)
    case = Case("sure", {"images": images, "labels": labels}, bench.crowd.ids)
    before = bench.judged(images, case, victim=KitTarget(module, case.ids))
    after = bench.attempt(bench.with_(targeted=False), case, victim=KitTarget(module, case.ids))
    stuck = int((after.odds <= before.odds).sum())
    require(
        stuck <= ONE_OF_SIXTEEN,
        f"expected the loss of every sample to rise, {stuck} of {len(case)} did not: the gradient "
        "of cross-entropy is zero in float32 here; take a loss of the logits themselves",
    )
    return f"the log-odds rise by {float((after.odds - before.odds).mean()):.3g} on average"


CHECKS = (linear_optimum, linear_optimum_in_the_box, nearest, first_step, sure_victim)
