"""The final call of an attack: the core decides success and checks the budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from adversity.contracts import Perturbed
from adversity.engine.blocks import spans
from adversity.engine.calls import BREAKS
from adversity.errors import DataError
from adversity.seeding import SampleRng, preserve_global_rng
from adversity.shapes import image_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.engine.calls import Ready
    from adversity.engine.target import ChainTarget

__all__ = ["AttackResult", "attack", "distances", "perturb", "within_budget"]

SLACK = 1e-6
"""Relative slack of the budget: what a float32 norm may round over a float64 one."""
HALF_SPACING = 2.0**-25
"""Absolute slack in linf: a float32 value below 1 may lie so far from the sum it stands for."""


@dataclass(frozen=True, slots=True)
class AttackResult:
    """What an attack did to N samples.

    Attributes:
        images: `[N, C, H, W]` float32: adversarial, or untouched where the answer was wrong
            from the start.
        start: `[N]` int64, the answer before.
        prediction: `[N]` int64, the answer after, on the stored images.
        success: `[N]` bool: right before, wrong after (targeted: the wanted answer after).
        norms: `[N]` float64, the perturbation's size in the attack's norm.
        queries, gradients: `[N]` int64, what each sample cost.
        zero_gradient: `[N]` bool: attacked, and its gradient was zero every time.
        flags: Shares that tell a masked gradient: `zero_gradient`, `never_moved`.
    """

    images: Tensor
    start: Tensor
    prediction: Tensor
    success: Tensor
    norms: Tensor
    queries: Tensor
    gradients: Tensor
    zero_gradient: Tensor
    flags: dict[str, float] = field(default_factory=dict)


def distances(images: Tensor, start: Tensor, norm: str) -> Tensor:
    """Return `[N]` float64 sizes of `images - start` in `linf`, `l2` or `l1`."""
    delta = (images.double() - start.double()).flatten(1)
    if norm == "linf":
        return delta.abs().amax(1)
    return delta.norm(dim=1) if norm == "l2" else delta.abs().sum(1)


def perturb(
    ready: Ready, victim: ChainTarget, images: Tensor, labels: Tensor, *, seed: int, step: str
) -> Tensor:
    """Let the attack change all the images, `block_rows` at most at once, and check the answer.

    Args:
        ready: The attack.
        victim: Bound to exactly these samples.
        images: `[N, C, H, W]` float32 in [0, 1].
        labels: `[N]` int64, what the attack is given.
        seed: The pipeline's seed.
        step: The attack's step id.

    Raises:
        PluginError: If the answer breaks the contract; the message gives the figure.
    """
    import torch

    plugin = ready.plugin
    ids = victim.ids
    parts = []
    for span in spans(len(images), plugin.block_rows):
        index = list(span)
        block, here = images[index], list(ids[span.start : span.stop])
        given = block.clone()
        rng = SampleRng(seed=seed, step=step, ids=here)
        try:
            answer = plugin.perturb(victim.rows(index), given, labels[index], rng)
        except BREAKS as error:
            ready.guard(error, here)
        changed = answer.images if isinstance(answer, Perturbed) else answer
        _check(ready, changed, block, given, here)
        parts.append(changed.detach().cpu())
    return torch.cat(parts) if parts else images.clone()


def _check(ready: Ready, changed: Any, block: Tensor, given: Tensor, ids: Sequence[str]) -> None:
    """Distrust everything: type, shape, range, the input and the budget."""
    import torch

    fault = image_fault(changed, rows=len(block))
    if fault is None and changed.shape != block.shape:
        fault = f"expected shape {list(block.shape)}, got {list(changed.shape)}"
    if fault is None and not torch.equal(given.detach(), block):
        fault = "it changed its input in place; expected the input to be left alone"
    if fault is not None:
        ready.broke(fault, ids)
    within_budget(ready, changed.detach(), block, ids)


def within_budget(ready: Ready, changed: Tensor, start: Tensor, ids: Sequence[str]) -> None:
    """Check a norm attack's budget in float64.

    Raises:
        PluginError: If it is overstepped; the message gives the figure and the sample.
    """
    if ready.plugin.threat != "norm":
        return
    sizes, eps = distances(changed, start, ready.plugin.norm), float(ready.plugin.eps)
    worst = int(sizes.argmax())
    rounding = HALF_SPACING if ready.plugin.norm == "linf" else 0.0
    if float(sizes[worst]) > eps * (1 + SLACK) + rounding:
        ready.broke(
            f"it overstepped its budget: expected {ready.plugin.norm} <= {eps:.9g}, got "
            f"{float(sizes[worst]):.9g}",
            [ids[worst]],
        )


def attack(
    ready: Ready,
    victim: ChainTarget,
    images: Tensor,
    labels: Tensor,
    *,
    seed: int = 0,
    step: str = "attack",
    judge: ChainTarget | None = None,
    final: bool = True,
) -> AttackResult:
    """Attack the samples whose answer is right; judge on the real answer.

    Args:
        ready: The attack.
        victim: What the attack computes on, bound to these samples.
        images: `[N, C, H, W]` float32 in [0, 1].
        labels: `[N]` int64, the true classes.
        seed: The pipeline's seed.
        step: The attack's step id.
        judge: The whole chain, where the attack sees only a part of it (grey-box).
        final: Whether to judge the new images here; a step of a pipeline judges them itself,
            after they are stored, and takes neither `prediction` nor `success` from here.
    """
    judge = judge or victim
    with preserve_global_rng():
        start = judge.verdicts(images)
        _labels_fit(labels, len(images), judge.classes)
        wanted = _wanted(ready, judge, images, labels, seed)
        active = (start == labels) & (wanted != start if _targeted(ready) else True)
        index = active.nonzero().flatten()
        adversarial = images.clone()
        after = start.clone()
        if len(index):
            part = victim.rows(index)
            changed = perturb(ready, part, images[index], wanted[index], seed=seed, step=step)
            adversarial[index] = changed
            if final:
                after[index] = judge.rows(index).verdicts(changed)
    hit = after == wanted if _targeted(ready) else after != labels
    count = len(images)
    zero = active & (victim.counts.gradients[:count] > 0) & ~victim.counts.felt[:count]
    norm = getattr(ready.plugin, "norm", "l2")
    norms = distances(adversarial, images, norm)
    share = max(int(active.sum()), 1)
    return AttackResult(
        adversarial,
        start,
        after,
        active & hit,
        norms,
        victim.counts.queries[:count].clone(),
        victim.counts.gradients[:count].clone(),
        zero,
        {
            "zero_gradient": float(zero.sum()) / share,
            "never_moved": float((active & (norms == 0)).sum()) / share,
        },
    )


def _labels_fit(labels: Tensor, rows: int, classes: int) -> None:
    if labels.shape != (rows,) or labels.is_floating_point():
        raise DataError(f"expected labels [{rows}] int64, got {list(labels.shape)} {labels.dtype}")
    if rows and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise DataError(
            f"expected labels in 0 .. {classes - 1}, got {int(labels.min())} .. {int(labels.max())}"
        )


def _targeted(ready: Ready) -> bool:
    return bool(getattr(ready.plugin, "targeted", False))


def _wanted(ready: Ready, judge: ChainTarget, images: Tensor, labels: Tensor, seed: int) -> Tensor:
    """Return the labels an attack is given: the true ones, or a targeted attack's wish."""
    import torch

    if not _targeted(ready):
        return labels
    wish, classes = ready.plugin.target, judge.classes
    if wish == "next":
        return (labels + 1) % classes
    if wish == "least_likely":
        values, probs = judge.answer(images)
        return (values if probs is None else probs).argmin(1)
    if wish == "random":
        rng = SampleRng(seed=seed, step="target", ids=judge.ids)
        return (labels + 1 + rng.integers(0, classes - 1)) % classes
    if not 0 <= int(wish) < classes:
        raise DataError(f"expected target in 0 .. {classes - 1}, got {wish}")
    return torch.full_like(labels, int(wish))
