"""A board as JSON for programs: who stands where, and in which file of which run the rest lies.

Bins of calibration, conventions and values by class are not repeated here. They would be nine tenths
of the document, and stand in the `result` of each run under the step and the cell of an entry.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from adversity.report.writers.record import json_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adversity.contracts.values import Measure
    from adversity.report.values.board import Alone, Board, Boards, Entry, History, Ranking

__all__ = ["BOARD_SCHEMA", "board_json", "board_text"]

BOARD_SCHEMA = "adversity-board/2"
"""Changes when a reader of the JSON would have to change."""
_DIGITS = 6


def board_json(boards: Boards, files: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return all boards as JSON values.

    Args:
        boards: What it says.
        files: The `report` and the `result` of each run, by its id; as URLs relative to the document.

    Raises:
        PluginError: If a number is NaN.
    """
    return {
        "schema": BOARD_SCHEMA,
        "project": boards.project,
        "runs": _runs(boards.history, files),
        "boards": [_board(board) for board in boards.boards],
        "alone": [_alone(one) for one in boards.alone],
        "history": [_history(one) for one in boards.history],
        "left_out": list(boards.left_out),
    }


def board_text(document: Mapping[str, Any]) -> str:
    """Write the JSON with a line for each run, board and history, which `diff` and `grep` can read."""
    parts = []
    for name, value in document.items():
        if isinstance(value, list):
            lines = [_line(item) for item in value]
        elif isinstance(value, dict):
            lines = [f"{_line(key)}:{_line(item)}" for key, item in value.items()]
        else:
            parts.append(f"{_line(name)}:{_line(value)}")
            continue
        first, last = "[]" if isinstance(value, list) else "{}"
        body = "\n".join(("", ",\n".join(lines), "")) if lines else ""
        parts.append(f"{_line(name)}:{first}{body}{last}")
    return "{" + ",\n".join(parts) + "}"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _runs(
    histories: Iterable[History], files: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    return {
        run.id: {
            "pipeline": history.pipeline,
            "started": run.started,
            "verdict": run.verdict,
            "line": run.line,
            **files.get(run.id, {}),
        }
        for history in histories
        for run in history.runs
    }


def _board(board: Board) -> dict[str, Any]:
    return {
        "id": board.id,
        "fields": dict(board.fields),
        "n": board.n,
        "entries": [_entry(entry) for entry in board.entries],
        "rankings": [_ranking(one, board) for one in board.rankings],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "run": entry.run,
        "step": entry.step,
        "cell": dict(entry.cell),
        "method": entry.method,
        "settings": dict(entry.settings),
        "measures": {name: _measure(one) for name, one in entry.measures.items()},
    }


def _measure(measure: Measure) -> dict[str, Any]:
    """Return the value with its interval in six digits; exact ones stand in the run's result."""
    ends = {"low": measure.low, "high": measure.high}
    numbers = {"value": measure.value} | {key: end for key, end in ends.items() if end is not None}
    return {key: _short(number) for key, number in numbers.items()} | {"n": measure.n}


def _short(number: float) -> Any:
    return json_values(float(f"{number:.{_DIGITS}g}") if math.isfinite(number) else number)


def _ranking(one: Ranking, board: Board) -> dict[str, Any]:
    """Return the order of a measure as columns, of which those without ranks have `order` alone."""
    first = board.entries[one.order[0].entry].measures[one.measure]
    judged = any(item.best is not None for item in one.order)
    ranks = {name: [getattr(item, name) for item in one.order] for name in ("best", "worst")}
    whys: dict[str, list[int]] = {}
    for item in one.order:
        if item.why:
            whys.setdefault(item.why, []).append(item.entry)
    return {
        "measure": one.measure,
        "better": first.better,
        "unit": first.unit,
        "tests": one.tests,
        "order": [item.entry for item in one.order],
        **(ranks if judged else {}),
        "tied": [item.entry for item in one.order if item.tied],
        "untested": [{"why": why, "entries": entries} for why, entries in whys.items()],
    }


def _alone(one: Alone) -> dict[str, Any]:
    return {
        "board": _board(one.board),
        "nearest": one.nearest,
        "differs": json_values(one.differs),
    }


def _history(one: History) -> dict[str, Any]:
    return {
        "pipeline": one.pipeline,
        "runs": [run.id for run in one.runs],
        "trends": [
            {
                "text": trend.text,
                "limit": json_values(trend.limit),
                "points": [
                    [None if measure is None else _measure(measure), verdict]
                    for measure, verdict in trend.points
                ],
            }
            for trend in one.trends
        ],
    }
