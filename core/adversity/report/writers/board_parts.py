"""Rows of a board's page: who is compared with nothing, and the history of each pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.report.doubts.judgement import SIGNS
from adversity.report.words.board_words import board_title, data_title, differences_in_words
from adversity.report.words.wording import NOTHING, interval_text, measure_name, value_text
from adversity.report.writers.board_marks import trend

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.board import Alone, History, Trend

__all__ = ["alone_groups", "both", "history_rows"]

_MOST_ALONE = 3
"""So many conditions of one step stand in the table of all; more of them are folded."""


def both(measure: Measure) -> str:
    """Write a value with its interval."""
    return f"{value_text(measure)} {interval_text(measure)}"


def alone_groups(alone: Iterable[Alone], links: Mapping[str, str]) -> dict[str, Any]:
    """Return who is compared with nothing: the few in one table, each step with many in its own.

    A study of 15 corruptions at 5 severities is alone in 75 conditions, for one and the same reason.
    """
    steps: dict[tuple[str, ...], list[Alone]] = {}
    for one in alone:
        entry, main = one.board.entries[0], one.board.rankings[0]
        key = (entry.run, entry.step, entry.method, main.measure)
        steps.setdefault(key, []).append(one)
    few = [one for own in steps.values() if len(own) <= _MOST_ALONE for one in own]
    return {
        "few": [_alone_row(one, links) for one in few],
        "many": [_alone_step(own, links) for own in steps.values() if len(own) > _MOST_ALONE],
    }


def _alone_step(own: Sequence[Alone], links: Mapping[str, str]) -> dict[str, Any]:
    """Return a step that is alone in many conditions: the range of its values, and why."""
    first = own[0].board.entries[0]
    name = own[0].board.rankings[0].measure
    measures = sorted(
        (one.board.entries[0].measures[name] for one in own), key=lambda measure: measure.value
    )
    ends = (value_text(measures[at]) for at in (0, -1))
    differ = dict.fromkeys(field for one in own for field in one.differs)
    return {
        "step": f"{first.pipeline}, {first.step}",
        "method": first.method,
        "count": len(own),
        "span": f"{measure_name(name, measures[0])} {' to '.join(ends)}",
        "differ": ", ".join(differ),
        "rows": [_alone_row(one, links) for one in own],
    }


def _alone_row(one: Alone, links: Mapping[str, str]) -> dict[str, Any]:
    """Return an entry that is compared with nothing, as the page has it."""
    board = one.board
    entry, main = board.entries[0], board.rankings[0]
    return {
        "id": board.id,
        "title": f"{data_title(board)}; {board_title(board)}",
        "method": entry.method,
        "measure": measure_name(main.measure, entry.measures[main.measure]),
        "value": both(entry.measures[main.measure]),
        "why": differences_in_words(one.differs),
        "nearest": one.nearest,
        "run": entry.run,
        "link": links.get(entry.run, ""),
    }


def history_rows(history: History, links: Mapping[str, str]) -> dict[str, Any]:
    """Return the runs of a pipeline, the last one first, and what became of its figures."""
    return {
        "pipeline": history.pipeline,
        "runs": [
            {
                "id": run.id,
                "started": run.started.replace("T", " ").rstrip("Z"),
                "verdict": run.verdict,
                "line": run.line,
                "link": links.get(run.id, ""),
            }
            for run in reversed(history.runs)
        ],
        "trends": [_trend(one) for one in history.trends],
    }


def _trend(one: Trend) -> dict[str, Any]:
    last = next((point for point in reversed(one.points) if point[0] is not None), (None, ""))
    return {
        "text": one.text,
        "last": NOTHING if last[0] is None else both(last[0]),
        "marks": trend(one),
        "verdicts": "".join(SIGNS.get(verdict, "·") for _, verdict in one.points),
        "state": last[1],
        "told": ", ".join(_told(one.points)),
    }


def _told(points: Iterable[tuple[Measure | None, str]]) -> Iterator[str]:
    """Yield each value with its verdict, for those who do not see the drawing."""
    for measure, verdict in points:
        if measure is not None:
            yield f"{value_text(measure)}{f' {verdict}' if verdict else ''}"
