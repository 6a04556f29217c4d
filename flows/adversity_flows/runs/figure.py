"""A number of a report by its name, `predictions[severity=3].accuracy`, or a suggestion of one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.contracts import Measure
from adversity.did_you_mean import did_you_mean
from adversity.errors import InputError
from adversity.pipeline.plan.engine_measures import WORST_CASE, WORST_SUCCESS
from adversity.report.tables.read_back import known_then
from adversity.report.values.paired import cell_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.engine.summary.recorded_run import RecordedRun

__all__ = ["Figure", "figure_named"]

_CELL = r"\[([^\[\]]*)\]"
_NAME = re.compile(rf"(?P<step>[^.\[\]]+)(?:{_CELL})?\.(?P<measure>[^.\[\]]+?)(?:{_CELL})?")
_FORM = "STEP.MEASURE, or STEP.MEASURE[variable=value]"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a report.

    Attributes:
        step, name: The step and the measure.
        cell: Its values of the matrix's variables, and its group.
        measure: The number as the run reported it.
        uses: The step's plugin.
        parameters: The plugin's, in that cell.
    """

    step: str
    name: str
    cell: Mapping[str, str]
    measure: Measure
    uses: str
    parameters: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Its cell as tables write it."""
        return cell_key(self.cell)

    def __str__(self) -> str:
        """Write its name as the command line takes it."""
        return f"{self.step}.{self.name}" + (f"[{self.key}]" if self.key else "")


def figure_named(run: RecordedRun, text: str) -> Figure:
    """Find a number.

    Args:
        run: The run whose report has it.
        text: `STEP.MEASURE`, with `[variable=value]` behind it or, as gates write it, behind the
            step where that has several cells.

    Raises:
        InputError: If the report has no such number, or several, with what could be meant.
    """
    match = _NAME.fullmatch(text.strip())
    if match is None or None not in match.group(2, 4):
        raise InputError(f"expected {_FORM}, got {text!r}; `adversity table` lists the numbers")
    step = _step(run, match["step"].strip())
    cells = [cell for cell in step["cells"] if cell["measures"]]
    name = _measure(step, cells, match["measure"].strip())
    having = [cell for cell in cells if name in cell["measures"]]
    cell = _cell(step, having, match[2] or match[4] or "")
    measure = Measure.from_json(cell["measures"][name])
    known = known_then(run.result)
    measure = measure.known_as(known[name]) if name in known else measure
    return Figure(step["id"], name, cell["cell"], measure, step["uses"], cell["parameters"])


def _step(run: RecordedRun, name: str) -> Mapping[str, Any]:
    measured = {
        id_: step
        for id_, step in run.steps.items()
        if any(cell["measures"] for cell in step["cells"])
    }
    if name not in measured:
        hint = did_you_mean(name, measured, f"there are {', '.join(measured)}.")
        raise InputError(
            f"expected a step of {run.name} that something is measured of, got {name!r}; {hint}"
        )
    return measured[name]


def _measure(step: Mapping[str, Any], cells: list[Mapping[str, Any]], name: str) -> str:
    known = dict.fromkeys(one for cell in cells for one in cell["measures"])
    if name not in known:
        if name in (WORST_CASE, WORST_SUCCESS):
            raise InputError(
                f"expected a measure of {step['id']}, got {name}, which it has not here: it is of "
                "white-box attacks with a budget, and rests on the ledger of the machine that ran; "
                "name a run of `runs/`, since what DVC has of a commit is without it"
            )
        hint = did_you_mean(name, known, f"there are {', '.join(known)}.")
        raise InputError(f"expected a measure of {step['id']}, got {name!r}; {hint}")
    return name


def _cell(step: Mapping[str, Any], cells: list[Mapping[str, Any]], text: str) -> Mapping[str, Any]:
    pairs = [part.strip() for part in text.split(",") if part.strip()]
    wanted = {tuple(piece.strip() for piece in pair.split("=", 1)) for pair in pairs}
    found = [cell for cell in cells if wanted <= set(cell["cell"].items())]
    if len(found) == 1:
        return found[0]
    known = [cell_key(cell["cell"]) for cell in found or cells]
    listed = ", ".join(f"[{key}]" for key in known[:8]) + (", ..." if len(known) > 8 else "")
    if found:
        raise InputError(
            f"expected one cell of {step['id']}, got {text or 'none'}, which {len(found)} have; "
            f"name one: {listed}"
        )
    if not any(known):
        raise InputError(f"expected no cell, since {step['id']} has one only, got [{text}]")
    hint = did_you_mean(text, known, f"there are {listed}")
    raise InputError(f"expected a cell of {step['id']}, got [{text}]; {hint}")
