"""A batch before an attack and after it, and the columns that say what came of each sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adversity.engine.stages.answer_columns import answer_columns

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.contracts.goal import Goal
    from adversity.engine.attack.attacking import AttackResult
    from adversity.engine.calls.ready import Ready
    from adversity.engine.chain.alarm import Decided
    from adversity.engine.chain.image_batch import ImageBatch
    from adversity.engine.chain.target import ChainTarget
    from adversity.engine.stages.columns import Columns
    from adversity.pipeline.plan.model import Cell

__all__ = ["Attacked", "Scene", "verdict_columns"]


@dataclass(frozen=True, slots=True)
class Scene:
    """A batch before the attack, with what it computes on and what judges it.

    Attributes:
        ready: The attack.
        current: The images.
        labels: `[N]` int64, the true classes.
        victim, judge: What it computes on, and the whole chain.
        matter: What start and victim depend on in the matrix: cells that share it share both.
        decided: Of an attack on a decision, what the chain says of the batch.
    """

    ready: Ready
    current: ImageBatch
    labels: Tensor
    victim: ChainTarget
    judge: ChainTarget
    matter: Cell
    decided: Decided | None = None

    @property
    def goals(self) -> Tensor:
        """`[N]` int64, the labels by which the attack goes: who is open has what is said of it."""
        return self.labels if self.decided is None else self.decided.goals


@dataclass(frozen=True, slots=True)
class Attacked:
    """A batch after the attack, before it is judged."""

    scene: Scene
    result: AttackResult
    random: Tensor
    probed: Columns = field(default_factory=dict)


def verdict_columns(goal: Goal, part: Attacked, stored: Tensor) -> Columns:
    """Return what the chain says before and after, and who was open and of whom the aim was reached.

    Args:
        goal: Of the attack.
        part: The batch.
        stored: `[N, C, H, W]`, its images as they were read back.
    """
    scene, result = part.scene, part.result
    target = scene.labels.numpy()
    inside = scene.ready.plugin.threat_model.admits(result.norms).numpy()
    if scene.decided is None:
        start = result.start.numpy()
        right, answers = start == target, answer_columns(scene.judge.answer(stored), target)
        return {
            "start_prediction": start,
            goal.open: right,
            **answers,
            goal.reached: right & ~answers["correct"] & inside,
        }
    before, after = scene.decided, scene.judge.decided(stored)
    start, open_ = before.answer.predicted.numpy(), before.open.numpy()
    return {
        "start_prediction": start,
        "start_correct": start == target,
        "start_accepted": before.accepted.numpy(),
        goal.open: open_,
        **answer_columns(after.answer, target),
        "accepted": after.accepted.numpy(),
        goal.reached: open_ & (after.verdict.predicted == 1).numpy() & inside,
    }
