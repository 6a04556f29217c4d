"""The cells whose samples a report draws one by one: two of a step say where it begins and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.data.stored import TABLE
from adversity.engine.stages.fit_streams import stored_rows

if TYPE_CHECKING:
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell

__all__ = ["ends_of_steps"]


def ends_of_steps(toolbox: Toolbox, column: str) -> list[tuple[str, Cell]]:
    """Return step and cell of the first and the last cell of each table with a column.

    Args:
        toolbox: Of a finished run.
        column: That the table of a step has.

    Raises:
        StorageError: If a table is missing or damaged.
    """
    plan = toolbox.plan
    tables = {stage.step for stage in plan.stages}
    found = []
    for name in plan.spec.steps:
        if name not in tables or not (toolbox.artifact(name) / TABLE).is_file():
            continue
        cells = plan.steps[name].cells
        found += [
            (name, cell)
            for cell in (cells[0], *cells[1:][-1:])
            if column in stored_rows(toolbox, name, cell)
        ]
    return found
