"""The members of an ensemble: which stored predictions they are, and that no two are the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts import Combine
from adversity.engine.stages.answer_columns import answer_of
from adversity.engine.stages.fit_streams import stored_rows
from adversity.errors import DataError
from adversity.registry.entry import class_of

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


def distinct_members(
    run: StageRun, planned: PlannedStep, cell: Cell, learnt: dict[Member, str]
) -> tuple[Member, ...]:
    """Return the members of a cell, once it is known that they can be combined.

    Args:
        run: The stage.
        planned: Its step.
        cell: Its cell.
        learnt: What each network is, as far as it was looked at; filled in here.

    Raises:
        DataError: If two are the same network with the same answers, or answer with other classes.
    """
    members = members_of(run.toolbox, planned, cell)
    first, *others = members
    classes = first.classes(run.toolbox)
    known = {_learnt(run, first, learnt): [first]}
    for member in others:
        if (theirs := member.classes(run.toolbox)) != classes:
            raise DataError(
                f"{planned.line}: the members of {planned.id} must answer with the same classes in "
                f"the same order; {first} has {_shown(classes)}, {member} has {_shown(theirs)}"
            )
        alike = known.setdefault(_learnt(run, member, learnt), [])
        for twin in alike:
            if _same_answers(run.toolbox, twin, member):
                raise DataError(
                    f"{planned.line}: {twin} and {member} are one network, with the same state and "
                    f"the same answers: in {planned.id} these would count twice. Give them other "
                    "seeds, data or parameters, or drop one"
                )
        alike.append(member)
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


def _learnt(run: StageRun, member: Member, known: dict[Member, str]) -> str:
    """Return what a member's network is: its plugin, and its state or the content of its files.

    The parameters that it was fitted with do not count: a seed that a method does not use makes no
    second member. Of an ensemble it is what its members are.
    """
    plan, toolbox = run.plan, run.toolbox
    planned, cell = plan.steps[member.step], member.cell
    if issubclass(class_of(planned.entry), Combine):
        members = members_of(toolbox, planned, cell)
        return str(sorted(_learnt(run, one, known) for one in members))
    if planned.role != "predict":
        upstream = plan.steps[planned.upstream]
        return _learnt(run, Member(upstream.id, upstream.own(cell)), known)
    definition = toolbox.definition_of(planned.id)
    network = Member(definition.id, definition.own(cell))
    if network not in known:
        known[network] = _network(run, planned, cell)
    return known[network]


def _network(run: StageRun, planned: PlannedStep, cell: Cell) -> str:
    """Return what the network of a step in a cell is; its state is read once for all its steps."""
    toolbox = run.toolbox
    plugin, name = toolbox.plugin(planned.id, cell), planned.entry_of(cell).qualified
    definition = toolbox.definition_of(planned.id)
    if definition.fit_on is None:
        files = sorted(run.files_of(plugin).values())
        return f"{name} {files or plugin.fingerprint}"
    state = toolbox.state(definition.id, definition.own(cell))
    digest = hashlib.sha256()
    for array, values in sorted(state.arrays.items()):
        digest.update(f"{array} {values.dtype} {values.shape} ".encode())
        digest.update(values.tobytes())
    info = "" if state.arrays else repr(sorted(state.info.items()))
    return f"{name} {digest.hexdigest()} {info}"


def _same_answers(toolbox: Toolbox, first: Member, second: Member) -> bool:
    """Say whether two members answer alike in every row, to the bit."""
    ours, theirs = first.rows(toolbox), second.rows(toolbox)
    names = [name for name in ("logits", "probs") if name in ours and name in theirs]
    return bool(names) and all(
        np.array_equal(here[name], there[name])
        for here, there in zip(ours.parts(), theirs.parts(), strict=True)
        for name in names
    )


def _shown(names: tuple[str, ...]) -> str:
    few = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} ({few})"
