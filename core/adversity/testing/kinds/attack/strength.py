"""What an attack promises of its strength: noise beaten, nothing lost with more of anything.

The parameters that a class has (`steps`, `restarts`, `targeted`) say what can be tried; one
that says `control = True` promises no strength.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from adversity.testing.bench.bench import Case
from adversity.testing.bench.checks import NotApplicable, check, require
from adversity.testing.common.row_by_row import ROUNDING

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.contracts import Norm
    from adversity.testing.kinds.attack import AttackBench

__all__ = ["CHECKS"]

ONE_OF_SIXTEEN = 1
"""Samples that may stand against the rule: where a loss bends, a longer step may miss."""
ALMOST_NONE = 2
"""Samples of sixteen that may be right with half the box as budget. A good attack leaves none;
the best of ten random corners leaves one."""


@check("It beats random noise of the same size: less accuracy is left, and a higher loss.")
def beats_noise(bench: AttackBench) -> str:
    """Compare with noise on the kit's network: in a norm of eps, else as long as its own steps.

    A parametric attack has no size and is compared with the images as they were.
    """
    bench.must_be_strong()
    case = bench.crowd
    images = case.rows["images"]
    ours = bench.ordinary
    if bench.norm is not None:
        other = noise(images, bench.norm, bench.eps)
    elif bench.threat.bounds:
        other = images
    else:
        other = noise(images, "l2", (ours.images - images).flatten(1).norm(dim=1))
    theirs = bench.judged(other, case)
    summary = (
        f"{int(ours.fooled.sum())} of {len(case)} fooled, noise {int(theirs.fooled.sum())}; mean "
        f"log-odds {float(ours.odds.mean()):.3g}, noise {float(theirs.odds.mean()):.3g}"
    )
    require(
        int(ours.fooled.sum()) >= int(theirs.fooled.sum())
        and float(ours.odds.mean()) > float(theirs.odds.mean()),
        f"expected more than noise, got {summary}; if it is meant as a control, say `control = True`",
    )
    return summary


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
    bench.must_be_strong()
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

    Either loss may be what a class keeps its best by: the log-odds or the margin. If it does so
    in float32, two that are apart by rounding are one to it.
    """
    bench.must_be_strong()
    if not bench.has("restarts"):
        raise NotApplicable("it has no parameter `restarts`")
    quick = {"steps": 2, "random_start": True}
    one = bench.attempt(bench.with_(restarts=1, **quick), bench.crowd)
    three = bench.attempt(bench.with_(restarts=3, **quick), bench.crowd)
    higher = (three.odds >= one.odds - ROUNDING) | (three.margin >= one.margin - ROUNDING)
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
    """Try eps, twice and four times as much, and one to which every image is near."""
    bench.must_be_strong()
    norm = bench.norm
    if norm is None:
        raise NotApplicable(f"its threat is {bench.threat.word}: it has no radius in a norm")
    case = bench.crowd
    half = _half_the_box(norm, case.rows["images"][0].numel())
    radii = sorted({half, *(factor * bench.eps for factor in (1, 2, 4))})
    radii = [eps for eps in radii if bench.takes(eps=eps)]
    if len(radii) < 2:
        raise NotApplicable(f"it takes no larger eps than {bench.eps:.3g}")
    tried = [
        bench.ordinary if eps == bench.eps else bench.attempt(bench.with_(eps=eps), case)
        for eps in radii
    ]
    left = [int((~attempt.fooled).sum()) for attempt in tried]
    summary = ", ".join(f"{n} at {eps:.3g}" for n, eps in zip(left, radii, strict=True))
    require(
        all(b <= a + ONE_OF_SIXTEEN for a, b in itertools.pairwise(left)),
        f"expected no more accuracy at a larger eps, of {len(case)} samples are right: {summary}",
    )
    require(
        all(n <= ALMOST_NONE for n, eps in zip(left, radii, strict=True) if eps >= half),
        f"expected at most {ALMOST_NONE} of {len(case)} samples to be right from eps = {half:.3g} "
        f"on, which is half the box, {summary}: is eps used?",
    )
    return f"of {len(case)} samples are right: {summary}"


def _half_the_box(norm: Norm, size: int) -> float:
    """Return the radius within which every image of so many values can be made grey."""
    return {"linf": 0.5, "l2": 0.5 * math.sqrt(size), "l1": 0.5 * size}[norm]


@check("A targeted attack raises the target class.")
def targeted(bench: AttackBench) -> str:
    """Ask for the next class; the log-odds of all but one sample must rise."""
    bench.must_be_strong()
    if not bench.has("targeted"):
        raise NotApplicable("it has no parameter `targeted`")
    case = bench.crowd
    from adversity.testing.kinds.attack.victims import CLASSES

    images, labels = case.rows["images"], (case.rows["labels"] + 1) % CLASSES
    aimed = Case(case.name, {"images": images, "labels": labels}, case.ids)
    after = bench.attempt(bench.with_(targeted=True), case)
    # The odds against the target class: they must fall.
    gains = bench.judged(images, aimed).odds - bench.judged(after.images, aimed).odds
    fell = int((gains <= 0).sum())
    require(
        fell <= ONE_OF_SIXTEEN,
        f"expected the target class to rise for every sample, it does not for {fell} of "
        f"{len(case)} (mean gain of its log-odds {float(gains.mean()):.3g})",
    )
    return f"the target class's log-odds rise by {float(gains.mean()):.3g} on average"


CHECKS = (beats_noise, more_steps, more_restarts, larger_eps, targeted)
