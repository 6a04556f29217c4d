"""What an attack promises of its strength: linear optima, noise beaten, nothing lost with more.

Nothing here goes by an attack's name. An attack that asks for gradients follows them, so it
must reach the optimum of a linear victim; a class that says `control = True` promises no
strength; the parameters that a class has (`steps`, `restarts`, `targeted`) say what else can
be tried.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from adversity.testing.bench import Case
from adversity.testing.checks import NotApplicable, apart, check, require

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from adversity.contracts.attack import Norm
    from adversity.testing.attack import AttackBench

__all__ = ["CHECKS"]

ENOUGH = 40
"""Steps that are enough for a linear victim: together 2.5 times as long as eps."""
RANDOM_START = 0.01
"""What may be missing of an optimum where a random start cannot be switched off: in l2 the
angle to the optimum falls to a twelfth over 2.5 eps, in l1 the spread of the start remains."""
CLIPPED = 0.02
"""What may be missing of the optimum in the box. Steps that are cut by the ball first and by the
box afterwards, as most write them, end where the part of the step that the box cut is lost."""
ONE_OF_SIXTEEN = 1
"""Samples that may stand against the rule: where a loss bends, a longer step may miss."""


def _is_strong(bench: AttackBench) -> None:
    if bench.claims.control:
        raise NotApplicable("the class is a control: no strength is promised")


def _follows(bench: AttackBench) -> Norm:
    """Return the norm of an attack that follows gradients within a budget."""
    _is_strong(bench)
    if bench.norm is None:
        raise NotApplicable(f"its threat is {bench.claims.threat}: there is no eps to use up")
    if not bench.follows_gradients:
        raise NotApplicable("it asks the victim for no gradient")
    return bench.norm


def _lowest_share(
    bench: AttackBench, *, box: bool, steps: int = ENOUGH, whole: bool = False
) -> float:
    """Return the lowest share of the optimum that it reaches on linear victims.

    Args:
        bench: Of the attack.
        box: Whether the box is in the way.
        steps: How many it may take, where it has steps.
        whole: Whether each of them is as long as eps.
    """
    import torch

    from adversity.testing.attack_victims import KitTarget
    from adversity.testing.linear_victims import linear_cases

    lowest = float("inf")
    for linear in linear_cases(_follows(bench), box=box):
        wanted = bench.stepping(steps, linear.eps, size=linear.eps if whole else None)
        ready = bench.with_(**wanted, targeted=False)
        rows = {"images": linear.image, "labels": torch.tensor([linear.own])}
        victim = KitTarget(linear.module, ("kit/linear",), classes=linear.classes)
        after = bench.attempt(ready, Case("linear", rows, victim.ids), victim=victim)
        lowest = min(lowest, linear.reached(after.images))
    return lowest


def _missing(bench: AttackBench, exact: float) -> float:
    return max(exact, RANDOM_START) if bench.starts_anywhere else exact


@check("An attack that follows gradients reaches the optimum of linear victims.")
def linear_optimum(bench: AttackBench) -> str:
    """Compare with eps times the dual norm; rounding to float32 may take 1e-5 of it.

    Two classes and four, the others out of reach; in the middle of the box. It is given
    enough steps and no random start where it has such parameters.
    """
    from adversity.testing.linear_victims import TOLERANCE

    norm = _follows(bench)
    lowest, missing = _lowest_share(bench, box=False), _missing(bench, TOLERANCE)
    require(
        lowest >= 1 - missing,
        f"expected at least {1 - missing:.6g} of the optimum in {norm}, got {lowest:.6g}: the best "
        "step is the sign of the gradient in linf, the gradient over its length in l2, and the "
        "steepest value alone in l1",
    )
    return f"{lowest:.7g} of the optimum in {norm}"


@check("With the box in the way it still comes close to the optimum of linear victims.")
def linear_optimum_in_the_box(bench: AttackBench) -> str:
    """Compare with the closed forms, a third of the values being at 0 or 1.

    Where the optimum is missed without the box, `linear_optimum` says so and this is not
    tried.
    """
    from adversity.testing.linear_victims import TOLERANCE

    norm = _follows(bench)
    if _lowest_share(bench, box=False) < 1 - _missing(bench, TOLERANCE):
        raise NotApplicable("it misses the optimum without the box already")
    lowest = _lowest_share(bench, box=True)
    require(
        lowest >= 1 - CLIPPED,
        f"expected at least {1 - CLIPPED:.6g} of the optimum in {norm} and the box, got "
        f"{lowest:.6g}: values at 0 and 1 cannot move on, the others must take what they leave",
    )
    return f"{lowest:.7g} of the optimum in {norm} and the box"


@check("The first step counts: one step of length eps is worth as much as many, if all is linear.")
def first_step(bench: AttackBench) -> str:
    """Take one step from the image itself: an attack that judges before it moves returns it."""
    from adversity.testing.linear_victims import TOLERANCE

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
        "the point after the last step is the one that counts",
    )
    one = "moved"
    if bench.has("step_size"):
        many, share = (
            _lowest_share(bench, box=False),
            _lowest_share(bench, box=False, steps=1, whole=True),
        )
        require(
            share >= min(many, 1) - _missing(bench, TOLERANCE),
            f"expected one step of eps to reach {many:.6g} of the optimum of linear victims as "
            f"{ENOUGH} steps do, got {share:.6g}",
        )
        one = f"{share:.7g} of a linear optimum"
    each = ", ".join(
        f"{float(count.double().mean()):.3g} {what}"
        for what, count in (("gradients", after.gradients), ("queries", after.queries))
    )
    return f"{one}; a step costs {each} a sample"


@check("It beats random noise of the same size: less accuracy is left, and a higher loss.")
def beats_noise(bench: AttackBench) -> str:
    """Compare with noise on the kit's network: in a norm of eps, else as long as its own steps.

    A parametric attack has no size and is compared with the images as they were.
    """
    _is_strong(bench)
    case = bench.crowd
    images = case.rows["images"]
    ours = bench.attempt(bench.ready, case)
    if bench.claims.threat == "norm":
        other = noise(images, str(bench.norm), bench.eps)
    elif bench.claims.threat == "minimum":
        other = noise(images, "l2", (ours.images - images).flatten(1).norm(dim=1))
    else:
        other = images
    theirs = bench.judged(other, case)
    told = (
        f"{int(ours.fooled.sum())} of {len(case)} fooled, noise {int(theirs.fooled.sum())}; mean "
        f"log-odds {float(ours.odds.mean()):.3g}, noise {float(theirs.odds.mean()):.3g}"
    )
    require(
        int(ours.fooled.sum()) >= int(theirs.fooled.sum())
        and float(ours.odds.mean()) > float(theirs.odds.mean()),
        f"expected more than noise, got {told}; if it is meant as a control, say `control = True`",
    )
    return told


def noise(images: Tensor, norm: str, eps: float | Tensor) -> Tensor:
    """Return images with noise of size eps, cut by the box: corners in linf, else a direction.

    Args:
        images: `[N, C, H, W]` float32 in [0, 1].
        norm: `linf`, `l2` or `l1`.
        eps: The size, one number or `[N]`.
    """
    import numpy as np
    import torch

    draw = np.random.Generator(np.random.Philox(key=5))
    way = torch.from_numpy(draw.normal(size=tuple(images.shape))).flatten(1)
    if norm == "linf":
        way = way.sign()
    else:
        way = way / way.norm(p=2 if norm == "l2" else 1, dim=1, keepdim=True)
    size = torch.as_tensor(eps, dtype=torch.float64).reshape(-1, 1)
    return (images + (size * way).view_as(images)).clamp(0, 1).float()


@check("More steps lose nothing: ten raise the loss at least as far as five.")
def more_steps(bench: AttackBench) -> str:
    """Compare the mean gain; a twentieth may be lost, where steps of fixed length swing about."""
    _is_strong(bench)
    if not bench.has("steps"):
        raise NotApplicable("it has no parameter `steps`")
    case = bench.crowd
    before = bench.judged(case.rows["images"], case)
    gains = []
    for steps in (5, 10):
        eps = {"eps": bench.eps} if bench.norm else {}
        after = bench.attempt(bench.with_(steps=steps, random_start=False, **eps), case)
        gains.append(float((after.odds - before.odds).mean()))
    require(
        gains[1] >= 0.95 * gains[0],
        f"expected ten steps to raise the log-odds as far as five, got {gains[1]:.4g} after "
        f"{gains[0]:.4g}",
    )
    return f"the log-odds rise by {gains[0]:.4g} in 5 steps and {gains[1]:.4g} in 10"


@check("More restarts lose nothing: each sample keeps its best.")
def more_restarts(bench: AttackBench) -> str:
    """Compare one restart and three, sample by sample: success first, then the loss.

    Either loss may be what a class keeps its best by: the log-odds or the margin.
    """
    _is_strong(bench)
    if not bench.has("restarts"):
        raise NotApplicable("it has no parameter `restarts`")
    quick: dict[str, Any] = {"steps": 2, "random_start": True}
    if bench.norm is not None:
        quick["eps"] = bench.eps / 2
    one = bench.attempt(bench.with_(restarts=1, **quick), bench.crowd)
    three = bench.attempt(bench.with_(restarts=3, **quick), bench.crowd)
    higher = (three.odds >= one.odds - 1e-6) | (three.margin >= one.margin - 1e-6)
    worse = (one.fooled & ~three.fooled) | ((one.fooled == three.fooled) & ~higher)
    require(
        not bool(worse.any()),
        f"expected no sample to be worse off after three restarts than after one, "
        f"{int(worse.sum())} of {len(bench.crowd)} are: keep the best of each sample",
    )
    better = int((three.odds > one.odds).sum())
    return f"none loses, {better} of {len(bench.crowd)} gain"


@check("A larger eps never leaves more accuracy, and half the box leaves almost none.")
def larger_eps(bench: AttackBench) -> str:
    """Try eps from a quarter to twice its value and an eps to which any image is near."""
    _is_strong(bench)
    norm = bench.norm
    if norm is None:
        raise NotApplicable(f"its threat is {bench.claims.threat}: it has no eps")
    case = bench.crowd
    size = case.rows["images"][0].numel()
    half = {"linf": 0.5, "l2": 0.5 * size**0.5, "l1": 0.5 * size}[norm]
    radii = [factor * bench.eps for factor in (0.25, 0.5, 1, 2)] + [half]
    radii = [eps for eps in radii if bench.takes(eps=eps)]
    left = [int((~bench.attempt(bench.with_(eps=eps), case).fooled).sum()) for eps in radii]
    told = ", ".join(f"{n} at {eps:.3g}" for n, eps in zip(left, radii, strict=True))
    require(
        all(b <= a + ONE_OF_SIXTEEN for a, b in itertools.pairwise(left)),
        f"expected no more accuracy at a larger eps, of {len(case)} samples are right: {told}",
    )
    return f"of {len(case)} samples are right: {told}"


@check("A targeted attack raises the wanted class, and fools more of them than noise.")
def targeted(bench: AttackBench) -> str:
    """Ask for the next class; the log-odds of all but one sample must rise."""
    _is_strong(bench)
    if not bench.has("targeted"):
        raise NotApplicable("it has no parameter `targeted`")
    case = bench.crowd
    wanted: Mapping[str, Tensor] = {
        "images": case.rows["images"],
        "labels": (case.rows["labels"] + 1) % 5,
    }
    wish = Case(case.name, wanted, case.ids)
    after = bench.attempt(bench.with_(targeted=True), case)
    # The odds against the wanted class: they must fall.
    gains = bench.judged(wanted["images"], wish).odds - bench.judged(after.images, wish).odds
    fell = int((gains <= 0).sum())
    require(
        fell <= ONE_OF_SIXTEEN,
        f"expected the wanted class to rise for every sample, it does not for {fell} of "
        f"{len(case)} (mean gain of its log-odds {float(gains.mean()):.3g})",
    )
    return f"the wanted class's log-odds rise by {float(gains.mean()):.3g} on average"


@check("A victim that is very sure is attacked as well: a gap of 300 in logits stops no gradient.")
def sure_victim(bench: AttackBench) -> str:
    """Lift the right class by 300, where the softmax is exactly 0 and 1 in float32."""
    import torch

    from adversity.testing.attack_victims import KitTarget, Sure, network

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


CHECKS = (
    linear_optimum,
    linear_optimum_in_the_box,
    first_step,
    beats_noise,
    more_steps,
    more_restarts,
    larger_eps,
    targeted,
    sure_victim,
)
