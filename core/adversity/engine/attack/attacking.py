"""The final call of an attack: the core decides success and checks the budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adversity.contracts import AttackInRounds
from adversity.engine.attack.attack_labels import goal_labels, label_rows
from adversity.engine.attack.perturbing import perturb
from adversity.engine.attack.rounds import Course, perturb_in_rounds
from adversity.engine.chain.budget import fits_space, sizes
from adversity.engine.chain.watching import Watch
from adversity.seeding import preserve_global_rng
from adversity.shapes import probability_rows

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.contracts import Perturbed
    from adversity.engine.attack.early_stop import Stopped
    from adversity.engine.calls.ready import Ready
    from adversity.engine.chain.answer import Answer
    from adversity.engine.chain.target import ChainTarget

__all__ = ["AttackResult", "attack", "perturbed"]


@dataclass(frozen=True, slots=True)
class AttackResult:
    """What an attack did to N samples.

    Attributes:
        images: `[N, C, H, W]` float32: the worst the attack found, also where that does not
            change the answer; untouched where the answer was wrong from the start.
        clean: `[N, C, H, W]` float32, what it started from.
        before: The answer before.
        prediction: `[N]` int64, the answer after, on the stored images.
        success: `[N]` bool: right before, wrong after (targeted: the target class after), and
            within the budget.
        norms: `[N]` float64, the perturbation's size in the attack's norm, or by its own distance.
        queries, gradients: `[N]` int64, what each sample cost.
        solved_at: `[N]` int64, the query with which a black-box attack first had it; 0 where
            it never queried such an image, or where gradients were used.
        zero_gradient: `[N]` bool: attacked, and no gradient was finite and not zero.
        nan_gradient: `[N]` bool: attacked, and a gradient held NaN or infinity.
        blind: `[N]` float64: at which share of the values the first gradient felt was 0.
        probability_output: `[N]` bool: the classifier says that it gives logits, and gave what
            has no value below 0 and sums to 1.
        parameters: Named `[N]` float64: those of a parametric attack, and what others return of
            each sample (`exact`: whether it is proved); NaN where nothing was attacked.
        flags: Shares that show a masked gradient, of the attacked samples: `zero_gradient`,
            `nan_gradient`, `never_moved`, `probability_output`, `hidden_pixels` (of the first,
            by gradients); and what a probe found.
        stopped: Where an attack in rounds stopped because its gate was decided: the robust
            accuracy is an upper bound then. None if it ran to its end.
    """

    images: Tensor
    clean: Tensor
    before: Answer
    prediction: Tensor
    success: Tensor
    norms: Tensor
    queries: Tensor
    gradients: Tensor
    solved_at: Tensor
    zero_gradient: Tensor
    nan_gradient: Tensor
    blind: Tensor
    probability_output: Tensor
    parameters: dict[str, Tensor] = field(default_factory=dict)
    flags: dict[str, float] = field(default_factory=dict)
    stopped: Stopped | None = None

    @property
    def start(self) -> Tensor:
        """`[N]` int64, the predicted classes before."""
        return self.before.predicted

    @property
    def success_or_clean(self) -> Tensor:
        """`[N, C, H, W]`: adversarial where the attack succeeded, else what it started from."""
        import torch

        return torch.where(self.success[:, None, None, None], self.images, self.clean)


def attack(
    ready: Ready,
    victim: ChainTarget,
    images: Tensor,
    labels: Tensor,
    *,
    seed: int = 0,
    step: str = "attack",
    judge: ChainTarget | None = None,
    before: Answer | None = None,
    final: bool = True,
    stream: str | None = None,
    course: Course | None = None,
) -> AttackResult:
    """Attack the samples whose answer is right; judge on the real answer.

    Args:
        ready: The attack.
        victim: What the attack computes on, bound to these samples.
        images: `[N, C, H, W]` float32 in [0, 1].
        labels: `[N]` int64, the true classes; a sample whose label is negative has none, and is
            not attacked: nothing can be its misclassification.
        seed: The pipeline's seed.
        step: The attack's step id.
        judge: The whole chain, where the attack sees only a part of it (grey-box).
        before: What it says of these images, where that is known.
        final: Whether to judge the new images here; a step of a pipeline judges them itself,
            after they are stored, and takes neither `prediction` nor `success` from here.
        stream: The name of a round, which has random streams of its own.
        course: For an attack in rounds, when it stops.
    """
    import torch

    images = images.contiguous()  # as in a block: one layout in memory, one rounding
    judge, plugin, count = judge or victim, ready.plugin, len(images)
    threat = plugin.threat_model
    fits_space(ready, images)
    with preserve_global_rng():
        before = judge.answer(images) if before is None else before
        start = before.predicted
        probable = probability_rows(before.values) & (before.gives == "logits")
        label_rows(labels[labels >= 0], int((labels >= 0).sum()), judge.classes)
        goals = goal_labels(ready, judge, before, labels, seed)
        active = (start == labels) & (goals != start if ready.plugin.is_targeted else True)
        index = active.nonzero().flatten()
        watch = _watch(ready, images, goals)
        adversarial, after = images.clone(), start.clone()
        named = (*threat.bounds, *plugin.tells)
        parameters = {name: torch.full((count,), torch.nan, dtype=torch.float64) for name in named}
        if len(index):
            part = victim.watched(watch).rows(index)
            answer = perturbed(
                ready,
                part,
                images[index],
                goals[index],
                seed=seed,
                step=step,
                stream=stream,
                judge=judge.rows(index),
                course=course,
            )
            adversarial[index] = answer.images
            for name, values in answer.parameters.items():
                parameters[name][index] = values
            if final:
                after[index] = judge.rows(index).answer(answer.images).predicted
    costs, norms = victim.counts, sizes(ready, adversarial, images, victim.ids)
    hit = (after == goals if ready.plugin.is_targeted else after != labels) & threat.admits(norms)
    share = max(int(active.sum()), 1)
    zero = active & (costs.gradients[:count] > 0) & ~costs.felt[:count]
    return AttackResult(
        adversarial,
        images,
        before,
        after,
        active & hit,
        norms,
        costs.queries[:count].clone(),
        costs.gradients[:count].clone(),
        watch.solved_at,
        zero,
        active & costs.broken[:count],
        costs.blind[:count].clone(),
        probable,
        parameters,
        {
            "zero_gradient": float(zero.sum()) / share,
            "nan_gradient": float((active & costs.broken[:count]).sum()) / share,
            "never_moved": float((active & (norms == 0)).sum()) / share,
            "probability_output": float((active & probable).sum()) / share,
        },
        None if course is None else course.stopped,
    )


def perturbed(
    ready: Ready,
    victim: ChainTarget,
    images: Tensor,
    labels: Tensor,
    *,
    seed: int,
    step: str,
    stream: str | None = None,
    judge: ChainTarget | None = None,
    course: Course | None = None,
) -> Perturbed:
    """Let an attack change all the images, in rounds where it has some, and check the answer.

    Args:
        ready: The attack.
        victim: Bound to exactly these samples.
        images: `[N, C, H, W]` float32 in [0, 1].
        labels: `[N]` int64, what the attack is given.
        seed: The pipeline's seed.
        step: The attack's step id.
        stream: The name of a round, which has random streams of its own.
        judge: For an attack in rounds, what says who stands; the victim if not given.
        course: For an attack in rounds, when it stops; at its end if not given.

    Raises:
        PluginError: If the answer breaks the contract; the message gives the figure.
    """
    if not isinstance(ready.plugin, AttackInRounds):
        return perturb(ready, victim, images, labels, seed=seed, step=step, stream=stream)
    course, judge = course or Course((), len(images)), judge or victim
    return perturb_in_rounds(
        ready, victim, images, labels, seed=seed, step=step, judge=judge, course=course
    )


def _watch(ready: Ready, images: Tensor, goals: Tensor) -> Watch:
    """Return what notes the query that solves each sample, within the budget where it has one."""
    import torch

    threat = ready.plugin.threat_model

    def admits(queried: Tensor, start: Tensor) -> Tensor:
        inside: Tensor = threat.admits(sizes(ready, queried, start, [""] * len(queried)))
        return inside

    none = torch.zeros(len(images), dtype=torch.int64)
    limited = None if threat.eps is None else admits
    return Watch(images, goals, ready.plugin.is_targeted, none, limited)
