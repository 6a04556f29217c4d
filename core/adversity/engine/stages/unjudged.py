"""What a step says of samples that have no class of its classifier: how many, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts.targets import NO_LABEL, UNKNOWN_CLASS

if TYPE_CHECKING:
    from adversity.contracts.goal import Goal
    from adversity.engine.stages.table_stage import TableRun

__all__ = ["unjudged_notes", "without_class"]

_NAMED = 8


def unjudged_notes(run: TableRun, so: str) -> tuple[str, ...]:
    """Return a note for each count of samples without a class that a cell has, none for no such.

    Args:
        run: Of predictions or of an attack.
        so: What follows for these samples: `they count in no accuracy`.
    """
    notes = dict[str, None]()
    for cell in run.planned.cells:
        source, targets = run.source(cell), run.targets(cell)
        if targets is None or (targets >= 0).all():
            continue
        parts = []
        unknown = targets == UNKNOWN_CLASS
        if unknown.any():
            names = [source.class_names[i] for i in sorted(set(source.targets[unknown].tolist()))]
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            listed = ", ".join(map(repr, names[:_NAMED])) + more
            parts.append(
                f"{int(unknown.sum())} of {len(targets)} samples are kept as unknown, of classes "
                f"that {run.classifier} lacks ({listed})"
            )
        if count := int((targets == NO_LABEL).sum()):
            parts.append(f"{count} of {len(targets)} samples have no label")
        notes[f"{run.toolbox.data(run.data, cell).id}: {'; '.join(parts)}; {so}"] = None
    return tuple(notes)


def without_class(goal: Goal) -> str:
    """Say what becomes of samples without a class in an attack."""
    if goal.of_answer:
        return "they are not attacked, and count in no robust accuracy"
    if goal.name == "look_sure":
        return (
            "every answer to one of an unknown class is wrong, so it is attacked where it is rejected; "
            "one without a label is not"
        )
    return "no answer to them is right, so they are not attacked"
