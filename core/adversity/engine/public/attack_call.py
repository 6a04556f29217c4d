"""The public call of an attack from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import AttackInRounds
from adversity.contracts.goal import goal_named
from adversity.engine.attack.attack_labels import label_rows, labels_of_objective
from adversity.engine.attack.attacking import AttackResult, attack
from adversity.engine.attack.early_stop import bare_gate
from adversity.engine.attack.hidden_pixels import with_hidden
from adversity.engine.attack.probes import probed
from adversity.engine.attack.rounds import Course
from adversity.engine.calls.networks import as_found
from adversity.engine.calls.set_up import all_ready
from adversity.engine.chain.links import parts_of
from adversity.engine.chain.victim import Victim
from adversity.engine.public.public_call import Call, image_marks, require_images, sample_ids
from adversity.errors import DataError, InputError
from adversity.seeding import preserve_global_rng

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike
    from torch import Tensor

__all__ = ["AttackCall"]


class AttackCall(Call):
    """`result = attack(victim, images, labels, ids=..., seed=...)`."""

    def __call__(
        self,
        victim: Victim,
        images: Tensor,
        labels: ArrayLike | Tensor,
        *,
        ids: Sequence[str] | None = None,
        seed: int = 0,
        probe: int | None = None,
        gate: str | None = None,
    ) -> AttackResult:
        """Attack the whole chain; success and budget are the core's verdict.

        Of a victim with an objective, `look_sure` or `look_unsure`, the result speaks of the
        decision: `before.predicted` and `prediction` are 1 where it is fooled, and only wrong
        answers that are rejected, or right ones that are accepted, are attacked.

        Args:
            victim: From `adversity.target(...)`.
            images: `[N, C, H, W]` float32 in [0, 1].
            labels: `[N]` whole numbers in any array type, the true classes. With an objective -1
                stands for a class that the victim lacks: any answer to such a sample is wrong.
            ids: N sample ids; positions if not given.
            seed: Keys every sample's random stream.
            probe: Attack so many of the first samples again, with the whole space of images
                as budget and with twice the steps and restarts; `flags` has what came of it.
            gate: For an attack in rounds, such as `lower robust_accuracy >= 0.60`: it stops as
                soon as this is decided, and `stopped` says where.

        Raises:
            InputError: If `victim` is none, the attack cannot be probed, or no gate stops it.
            DataError: If images are attacked that fitted the victim.
        """
        course = self._course(gate, len(images))
        if not isinstance(victim, Victim):
            raise InputError(
                f"expected a victim from adversity.target(...), got {type(victim).__name__}"
            )
        self.ready.require_fitted()
        require_images(images, self.ready)
        names = sample_ids(ids, len(images))
        self._keep_apart(victim, images, names)
        if victim.objective is not None:
            true = labels_of_objective(labels, len(images))
            return self._on_the_score(victim, images, true, names, seed, probe, gate)
        labels = label_rows(labels, len(images))
        with as_found(victim.modules):
            bound = victim.bind(names, seed=seed)
            step = self.ready.plugin.name
            result = attack(self.ready, bound, images, labels, seed=seed, step=step, course=course)
            result = with_hidden(self.ready, bound, images, labels, result, seed=seed)
            if probe is None:
                return result
            given = (self.ready, bound, images, labels, result)
            return probed(*given, first=probe, seed=seed, step=step)

    def _on_the_score(
        self,
        victim: Victim,
        images: Tensor,
        labels: Tensor,
        ids: Sequence[str],
        seed: int,
        probe: int | None,
        gate: str | None,
    ) -> AttackResult:
        """Attack the decision whether to accept an answer; the verdict is that of its own method.

        Raises:
            InputError: If the attack has targets, cannot be probed, or is to be stopped by a gate.
        """
        plugin = self.ready.plugin
        if plugin.is_targeted or gate is not None:
            what = "a targeted one" if plugin.is_targeted else f"gate {gate!r}"
            raise InputError(
                f"{self.ready.label}: expected an untargeted attack, without gate, for "
                f"objective {victim.objective}, got {what}: an answer is accepted or rejected, and "
                "there is nothing else to aim at"
            )
        with as_found(victim.modules), preserve_global_rng():
            bound = victim.bind(ids, seed=seed, labels=labels)
            open_ = bound.attackable(images)
            result = attack(self.ready, bound, images, open_, seed=seed, step=plugin.name)
            result = with_hidden(self.ready, bound, images, open_, result, seed=seed)
            if probe is None:
                return result
            given, goal = (self.ready, bound, images, open_, result), goal_named(victim.objective)
            return probed(*given, first=probe, seed=seed, step=plugin.name, goal=goal)

    def _keep_apart(self, victim: Victim, images: Tensor, ids: Sequence[str]) -> None:
        """Refuse images that fitted a part of the victim, or of the attack, from Python."""
        parts = [self.ready, *(part.ready for part in parts_of(victim.links))]
        seen = frozenset[str]().union(*(part.seen for part in all_ready(parts)))
        if not seen:
            return
        marks = [image_marks(images[row : row + 1]) for row in range(len(images))]
        shared = [name for name, mark in zip(ids, marks, strict=True) if mark & seen]
        if shared:
            raise DataError(
                f"{self.ready.label}: {len(shared)} of the {len(ids)} images are among those that "
                f"fitted the victim or the attack, such as {', '.join(shared[:3])}; attack others, "
                "or the numbers flatter"
            )

    def _course(self, gate: str | None, total: int) -> Course | None:
        if gate is None:
            return None
        plugin = self.ready.plugin
        if not isinstance(plugin, AttackInRounds) or not plugin.stops:
            raise InputError(
                f"{self.ready.label} always runs to its end: expected no gate, got {gate!r}; "
                "`cascade` stops when a gate is decided"
            )
        return Course((bare_gate(gate),), total)
