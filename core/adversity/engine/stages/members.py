"""The members of an ensemble: which stored predictions they are, and that no two are one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity.engine.stages.answer_columns import answer_of
from adversity.engine.stages.fitting import stored_rows
from adversity.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.data.stored import StoredRows
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.stages.columns import Rows
    from adversity.engine.stages.stage import StageRun
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["Member", "distinct_members", "members_of", "stacked"]


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an ensemble: a step's predictions in one of its cells."""

    step: str
    cell: Cell

    def __str__(self) -> str:
        """Return `predictions[seed=0]`."""
        return f"{self.step}[{self.cell.key}]" if self.cell.key else self.step

    def rows(self, toolbox: Toolbox) -> StoredRows:
        """Return its stored predictions."""
        return stored_rows(toolbox, self.step, self.cell)

    def classes(self, toolbox: Toolbox) -> tuple[str, ...]:
        """Return the classes that its answers index."""
        return toolbox.table(self.step).classes[self.cell.key]


def members_of(toolbox: Toolbox, planned: PlannedStep, cell: Cell) -> tuple[Member, ...]:
    """Return what is folded into a cell: sources as written, of each its cells as in the matrix."""
    steps = toolbox.plan.steps
    return tuple(
        Member(name, each) for name in planned.source for each in planned.folds(steps[name], cell)
    )


def distinct_members(run: StageRun, planned: PlannedStep, cell: Cell) -> tuple[Member, ...]:
    """Return the members of a cell, once it is known that they can be combined.

    Raises:
        DataError: If two are the same network on the same images, or answer with other classes.
    """
    members = members_of(run.toolbox, planned, cell)
    first, *others = members
    classes = first.classes(run.toolbox)
    known = {_what_answers(run, first): first}
    for member in others:
        if (theirs := member.classes(run.toolbox)) != classes:
            raise DataError(
                f"{planned.line}: the members of {planned.id} must answer with the same classes in "
                f"the same order; {first} has {_shown(classes)}, {member} has {_shown(theirs)}"
            )
        twin = known.setdefault(_what_answers(run, member), member)
        if twin is not member:
            raise DataError(
                f"{planned.line}: {twin} and {member} are one network, with the same state, on the "
                f"same images: in {planned.id} its answer would count twice. Give them other seeds, "
                "data or parameters, or drop one"
            )
    return members


def stacked(rows: list[Rows], labels: list[str]) -> Tensor:
    """Return what members say of the same samples, probabilities `[M, N, K]` float64.

    Args:
        rows: Of each member, in one order of samples.
        labels: What each is, for messages.

    Raises:
        InputError: If one has neither logits nor probabilities.
    """
    import torch

    pairs = zip(rows, labels, strict=True)
    return torch.stack([answer_of(each, label).probabilities for each, label in pairs])


def _what_answers(run: StageRun, member: Member) -> tuple[str, ...]:
    """Return what a member's answers hang on: what was learnt, and what the images go through.

    What was learnt is compared, not the parameters that it was learnt with: a seed that a method
    does not use makes no second member.
    """
    plan, toolbox = run.plan, run.toolbox
    chain = plan.chain(member.step)
    parts = [chain.start]
    for link in chain.links:
        plugin = toolbox.plugin(link.id, member.cell)
        definition = toolbox.definition_of(link.id)
        name = definition.entry_of(member.cell).qualified
        if definition.fit_on is None:
            files = sorted(run.files_of(plugin).items())
            parts.append(f"{name} {plugin.fingerprint} {files}")
        else:
            state = toolbox.state(definition.id, definition.own(member.cell))
            digest = hashlib.sha256()
            for array, values in sorted(state.arrays.items()):
                digest.update(f"{array} {values.dtype} {values.shape} ".encode())
                digest.update(values.tobytes())
            info = "" if state.arrays else repr(sorted(state.info.items()))
            parts.append(f"{name} {digest.hexdigest()} {info}")
        if link.role in ("view", "attack"):
            parts.append(link.id)  # its random numbers are drawn by its name
    return tuple(parts)


def _shown(names: tuple[str, ...]) -> str:
    few = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} ({few})"
