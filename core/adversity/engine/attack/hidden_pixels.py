"""Whether pixels that no gradient feels change the answer: the attacker never learns of them.

A network that crops, or whose ReLUs are at rest, has pixels without a gradient too, and moving
them changes nothing. So they are moved: one step of a quarter of a grey level, all of them at
once, and all the others for comparison.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from adversity.engine.attack.looks import look_once
from adversity.seeding import SampleRng, preserve_global_rng

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.engine.attack.attacking import AttackResult
    from adversity.engine.attack.looks import Seen
    from adversity.engine.calls.ready import Ready
    from adversity.engine.chain.target import ChainTarget

__all__ = ["CHECKED", "hidden_pixels", "with_hidden"]

CHECKED = 16
"""So many of the first samples are looked at: one block of a network."""
BLIND = 0.05
"""A sample is looked at if the first gradient that was felt was 0 at such a share of its values."""
STEP = 1 / 1024
"""How far pixels are moved at most: a quarter of a grey level, far above what float32 rounds."""
DRAWS = 3
"""Ways in which they are moved: along one, what the pixels do may cancel out."""
AS_MUCH = 0.1
"""Hidden pixels change the answer at least so much, for each, as those that are felt. On digits it
was 0.7 to 4 of what clamps and rounding hide, and at most 0.007 where features of an honest network
(an RBF kernel in float32, ReLUs at rest) woke up."""


def hidden_pixels(
    ready: Ready,
    victim: ChainTarget,
    images: Tensor,
    result: AttackResult,
    checked: Tensor,
    *,
    seed: int,
    seen: Seen | None = None,
) -> Tensor | None:
    """Say of which samples a large share of the pixels is hidden from every gradient.

    Args:
        ready: The attack.
        victim: What it computes on, bound to these N samples.
        images: `[N, C, H, W]`, what it starts from.
        result: What it did.
        checked: `[N]` bool, of which samples to say it.
        seed: The pipeline's seed.
        seen: What was found of this start and these links before.

    Returns:
        `[N]` float64, 1 or 0, NaN where nothing was checked; None for an attack without gradients.
    """
    import torch

    if ready.plugin.access != "gradients":
        return None
    column = torch.full((len(checked),), torch.nan, dtype=torch.float64)
    column[checked] = 0.0
    index = (checked & (result.blind >= BLIND)).nonzero().flatten()
    if len(index):
        with preserve_global_rng():
            look = partial(_hidden, victim, images, seed)
            hidden = look_once(victim.ids, index, {} if seen is None else seen, look)
        column[index] = hidden.double()
    return column


def with_hidden(
    ready: Ready,
    victim: ChainTarget,
    images: Tensor,
    labels: Tensor,
    result: AttackResult,
    *,
    seed: int,
) -> AttackResult:
    """Return a result from Python with the share of its first samples that have hidden pixels.

    Args:
        ready: The attack.
        victim: What it attacked.
        images: `[N, C, H, W]`, what it started from.
        labels: `[N]` int64, the true classes, or those of an objective.
        result: What it did.
        seed: The attack's seed.
    """
    import torch

    checked = (torch.arange(len(images)) < CHECKED) & (result.start == labels)
    hidden = hidden_pixels(ready, victim, images, result, checked, seed=seed)
    if hidden is None:
        return result
    share = float(hidden[checked].sum()) / max(int(checked.sum()), 1)
    return replace(result, flags={**result.flags, "hidden_pixels": share})


def _hidden(whole: ChainTarget, every: Tensor, seed: int, index: Tensor) -> Tensor:
    """Return `[M]` bool for the samples of an index."""
    import torch

    images = every[index]

    def logits(points: Tensor) -> Tensor:
        # A victim of its own for each question, so that a stochastic one draws the same again.
        return whole.anew().rows(index).logits(points)

    point = images.clone().requires_grad_()
    answer = logits(point)
    draw = torch.Generator().manual_seed(0)
    # A gradient of all classes together: what one alone does not feel may come in by another.
    weights = torch.rand(answer.shape[1], generator=draw)
    (gradient,) = torch.autograd.grad((answer * weights).sum(), point)
    blind = gradient == 0
    rng = SampleRng(seed=seed, step="hidden pixels", ids=[whole.ids[row] for row in index.tolist()])
    hidden, felt = torch.zeros(2, len(index), dtype=torch.float64)
    for number in range(DRAWS):
        # Each by its own amount: at a bound all have one sign, and their mean may do nothing.
        way = STEP * (2 * rng.child(number).uniform(images.shape[1:]).to(images) - 1)
        # Into the box, where that leads out of it.
        way = torch.where((images + way < 0) | (images + way > 1), -way, way)
        with torch.no_grad():
            for pixels, changed in ((blind, hidden), (~blind, felt)):
                change = (logits(images + way * pixels) - answer.detach()).double()
                changed += change.square().sum(1) / pixels.flatten(1).sum(1).clamp_min(1)
    enough = blind.flatten(1).double().mean(1) >= BLIND
    enough_hidden: Tensor = enough & (hidden > 0) & (hidden.sqrt() >= AS_MUCH * felt.sqrt())
    return enough_hidden
