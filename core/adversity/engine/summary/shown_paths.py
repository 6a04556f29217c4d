"""The ways through a pipeline whose images a report shows: of each attack and each restoration."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from adversity.pipeline.plan.apart import is_judged

if TYPE_CHECKING:
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import PlannedStep

__all__ = ["ShownPath", "shown_paths"]


class ShownPath(NamedTuple):
    """One way through the pipeline: to an answer, or to an attack on it.

    Attributes:
        attack: The attack, if there is one.
        answer: The step whose answer is shown, or attacked.
        images: The data set and the views on the way.
    """

    attack: str | None
    answer: str
    images: tuple[str, ...]

    @property
    def final(self) -> str:
        """Whose table says what became of each sample."""
        return self.attack or self.answer


def shown_paths(toolbox: Toolbox) -> list[ShownPath]:
    """Return the main way, then those of other attacks on answers, then of other restorations.

    A restoration whose images are shown on the way to something else has no way of its own.
    """
    main = _main_path(toolbox)
    if main is None:
        return []
    steps = toolbox.plan.steps
    attacks = [n for n in steps.values() if n.role == "attack" and n.goal.of_answer]
    attacks = [step for step in attacks if not _is_control(step)]
    paths = [main, *(_path(toolbox, step.id, str(step.against)) for step in attacks)]
    for step in steps.values():
        if step.role != "predict" or not is_judged(step, steps):
            continue
        path = _path(toolbox, None, step.id)
        last = steps.get(path.images[-1])
        restored = last is not None and last.entry.kind == "restoration"
        if restored and not any(_begins(path, other) for other in paths):
            paths.append(path)
    return list(dict.fromkeys(paths))


def _begins(path: ShownPath, other: ShownPath) -> bool:
    """Say whether the images of a way are the first ones of another."""
    return other.images[: len(path.images)] == path.images


def _path(toolbox: Toolbox, attack: str | None, answer: str) -> ShownPath:
    chain = toolbox.plan.chain(answer)
    return ShownPath(attack, answer, (chain.start, *(view.id for view in chain.shared_views)))


def _is_control(planned: PlannedStep) -> bool:
    return bool(getattr(planned.entry.cls, "control", False))


def _main_path(toolbox: Toolbox) -> ShownPath | None:
    """Return the way to the attack that matters most, or else to the answer with most before it."""
    steps = toolbox.plan.steps
    attacks = [n for n in steps.values() if n.role == "attack"]
    attacks.sort(key=lambda n: (_is_control(n), not n.goal.of_answer, n.knowledge == "grey-box"))
    answers = [n for n in steps.values() if n.role in ("predict", "score")]
    answers = [n for n in answers if toolbox.plan.chain(n.id).is_line]
    if attacks:
        return _path(toolbox, attacks[0].id, str(attacks[0].against))
    if answers:
        last = max(answers, key=lambda n: len(toolbox.plan.chain(n.id).links))
        return _path(toolbox, None, last.id)
    return None
