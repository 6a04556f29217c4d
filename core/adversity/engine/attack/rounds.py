"""Attacks in rounds: each round gets what the last ones left, and the worst image is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from adversity.contracts import Attack, AttackInRounds, Perturbed
from adversity.engine.attack.early_stop import Stopped, decided
from adversity.engine.attack.perturbing import perturb
from adversity.engine.calls.set_up import set_up_alike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.engine.calls.ready import Ready
    from adversity.engine.chain.target import ChainTarget
    from adversity.pipeline.gates.gate_text import Gate

__all__ = ["Course", "Judged", "Round", "judged", "perturb_in_rounds", "rounds_of", "worst_of"]


class Judged(NamedTuple):
    """Images, and what the whole chain says of them.

    Attributes:
        images: `[N, C, H, W]` float32.
        fooled: `[N]` bool.
        lead: `[N]` float64, by how much the best other class leads the true one.
    """

    images: Tensor
    fooled: Tensor
    lead: Tensor


@dataclass(slots=True)
class Course:
    """When to stop, and where it came to that.

    Attributes:
        gates: Those that must be decided; none: run every round.
        total: Samples over which they count.
        stopped: Filled in by the run.
    """

    gates: Sequence[Gate]
    total: int
    stopped: Stopped | None = None

    def look(self, names: Sequence[str], done: int, *, right: int, standing: int) -> None:
        """Look at the gates after a round; note that the rest is left out if it is.

        Args:
            names: Of all rounds.
            done: Rounds that were run.
            right: Samples that were right at the start.
            standing: Those that still are.
        """
        if standing and done < len(names):
            verdicts = decided(self.gates, total=self.total, right=right, standing=standing)
            if verdicts is not None:
                self.stopped = Stopped(done, len(names), names[done - 1], verdicts)


class Round(NamedTuple):
    """One of the attacks of an attack in rounds.

    Attributes:
        name: Keys its random streams.
        attack: With its parameters, not set up.
        label: What messages call it.
        whole: The attack that it is a round of.
    """

    name: str
    attack: Attack
    label: str
    whole: Ready

    def set_up(self) -> Ready:
        """Return it ready to run, with the plugins of the whole."""
        return set_up_alike(self.whole, self.attack, self.label)


def rounds_of(ready: Ready) -> tuple[Round, ...]:
    """Return the rounds of an attack, in order; none is set up.

    Raises:
        PluginError: If the rounds are not what the contract promises.
    """
    whole: Any = ready.plugin
    parts = []
    for number, (name, attack) in enumerate(whole.rounds().items(), 1):
        fault = _fault(whole, attack)
        if fault is not None:
            ready.broke(f"round {number} ({name}): {fault}", ())
        label = f"{ready.label}, round {number} ({name})"
        parts.append(Round(name, attack, label, ready))
    if not parts:
        ready.broke("expected at least one round, got none", ())
    return tuple(parts)


def _fault(whole: Any, part: Any) -> str | None:
    """Return what keeps an attack from being a round."""
    if not isinstance(part, Attack) or isinstance(part, AttackInRounds):
        return f"expected an attack that is not itself in rounds, got {type(part).__name__}"
    threat = part.threat_model
    if threat.nearest or threat.bounds or part.tells:
        return f"expected an attack within a budget that tells nothing else, got {part.name}"
    if threat != whole.threat_model:
        return f"expected the threat of the whole, {whole.threat_model}, got {threat}"
    if part.is_targeted or whole.is_targeted:
        return "expected an untargeted attack: samples leave when their answer is wrong"
    return None


def judged(judge: ChainTarget, labels: Tensor, images: Tensor) -> Judged:
    """Ask the whole chain, bound to these samples, who falls; `labels` are the true classes."""
    answer = judge.answer(images)
    return Judged(images, answer.predicted != labels, answer.lead(labels))


def worst_of(new: Judged, before: Judged) -> Judged:
    """Keep, of each sample, the image of one more attack or that of those before.

    It is the new one where that fools, or comes nearer to it: the best other class leads more.

    Args:
        new: What the attack made.
        before: The worst so far, none of which fools.
    """
    import torch

    worse = new.fooled | (new.lead > before.lead)
    return Judged(
        torch.where(worse[:, None, None, None], new.images, before.images),
        new.fooled,
        torch.where(worse, new.lead, before.lead),
    )


def perturb_in_rounds(
    ready: Ready,
    victim: ChainTarget,
    images: Tensor,
    labels: Tensor,
    *,
    seed: int,
    step: str,
    judge: ChainTarget,
    course: Course,
) -> Perturbed:
    """Run the rounds on samples that are all right at the start.

    Args:
        ready: The attack.
        victim: Bound to exactly these samples; its counts go on from round to round.
        images: `[N, C, H, W]` float32 in [0, 1].
        labels: `[N]` int64, the true classes.
        seed: The pipeline's seed.
        step: The attack's step id.
        judge: The whole chain, which says who stands.
        course: When to stop; where it did is written into it.

    Returns:
        The worst images, and `solved_by`.
    """
    import torch

    worst, left = images.clone(), torch.arange(len(images))
    before: Judged | None = None
    solved_by = torch.zeros(len(images), dtype=torch.float64)
    rounds = rounds_of(ready)
    names = [each.name for each in rounds]
    for number, each in enumerate(rounds, 1):
        answer = perturb(
            each.set_up(),
            victim.rows(left),
            images[left],
            labels[left],
            seed=seed,
            step=step,
            stream=each.name,
        ).images
        best = judged(judge.rows(left), labels[left], answer)
        if before is not None:
            best = worst_of(best, before)
        worst[left] = best.images
        solved_by[left[best.fooled]] = number
        stands = ~best.fooled
        left = left[stands]
        before = Judged(*(part[stands] for part in best))
        course.look(names, number, right=len(images), standing=len(left))
        if not len(left) or course.stopped is not None:
            break
    return Perturbed(worst, {"solved_by": solved_by})
