"""A board over the runs of a project: who stands where, under which threat, and since when."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adversity.contracts import Measure
from adversity.engine.summary.board_entries import placed
from adversity.engine.summary.board_ranks import Samples, ranking
from adversity.errors import InputError
from adversity.report.values.board import Alone, Board, Boards, History, RunLine, Trend
from adversity.report.values.paired import cell_key
from adversity.report.words.reading import slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adversity.contracts import MetricBase
    from adversity.engine.summary.board_entries import Placed
    from adversity.engine.summary.recorded_run import RecordedRun
    from adversity.report.values.board import Entry

__all__ = ["boards_of"]


def boards_of(
    project: str,
    runs: Sequence[RecordedRun],
    metrics: Mapping[str, Sequence[MetricBase]],
    *,
    left_out: Sequence[str] = (),
) -> Boards:
    """Rank what was judged on the same images under the same threat, and tell each pipeline's history.

    Of runs of one pipeline with the same settings the last one stands on a board; the others are its
    history.

    Args:
        project: What it is called.
        runs: That came to their end, the earliest first.
        metrics: Those that measured each run by its id, not set up.
        left_out: Runs that could not be read, and why.
    """
    said, lost = [], list(left_out)
    for run in runs:
        try:
            said += list(placed(run))
        except InputError as error:
            lost.append(str(error))
    samples = Samples({run.name: run for run in runs}, metrics)
    every = [_ranked(board, samples) for board in _together(said)]
    several = tuple(board for board in every if len(board.entries) > 1)
    single = [board for board in every if len(board.entries) == 1]
    return Boards(
        project=project,
        boards=several,
        alone=tuple(_alone(board, every) for board in single),
        history=tuple(_histories(runs)),
        left_out=tuple(lost),
    )


def _together(said: Iterable[Placed]) -> list[Board]:
    """Lay what has the same fields together; of equal settings the last one stands."""
    groups: dict[tuple[tuple[str, str], ...], dict[object, Placed]] = {}
    for one in said:
        own = groups.setdefault(tuple(one.fields.items()), {})
        entry = one.entry
        key = (entry.pipeline, entry.step, cell_key(entry.cell), tuple(entry.settings.items()))
        own.pop(key, None)
        own[key] = one
    boards = []
    for at, (fields, own) in enumerate(groups.items()):
        entries = _told_apart([one.entry for one in own.values()])
        n = next(iter(own.values())).n
        boards.append(Board(slug(f"board-{at + 1}"), dict(fields), n, entries))
    return boards


def _told_apart(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Leave of the settings those that tell an entry from others of its step and its method."""
    told = []
    for entry in entries:
        alike = [
            one.settings for one in entries if one is not entry and _called(one) == _called(entry)
        ]
        differ = {
            path: value
            for path, value in entry.settings.items()
            if any(settings.get(path) != value for settings in alike)
        }
        told.append(replace(entry, settings=differ))
    return tuple(told)


def _called(entry: Entry) -> tuple[str, str, str]:
    return entry.pipeline, entry.step, entry.method


def _ranked(board: Board, samples: Samples) -> Board:
    """Add a ranking for each measure, that of the lowest headline number first."""
    known: dict[str, int] = {}
    for entry in board.entries:
        for name, measure in entry.measures.items():
            known.setdefault(name, measure.info.headline or 0)
    names = sorted(known, key=lambda name: known[name])
    return replace(board, rankings=tuple(ranking(name, board.entries, samples) for name in names))


def _alone(board: Board, every: Sequence[Board]) -> Alone:
    """Say which board of another run a lone entry is nearest to, and what is not the same there."""
    measures, own = {one.measure for one in board.rankings}, board.entries[0].run
    others = [
        (other, _differences(board, other))
        for other in every
        if measures & {one.measure for one in other.rankings}
        and any(entry.run != own for entry in other.entries)
    ]
    if not others:
        return Alone(board)
    nearest, differs = min(others, key=lambda pair: (len(pair[1]), -len(pair[0].entries)))
    return Alone(board, nearest.id, differs)


def _differences(board: Board, other: Board) -> dict[str, tuple[str, str]]:
    return {
        name: (value, other.fields[name])
        for name, value in board.fields.items()
        if other.fields[name] != value
    }


def _histories(runs: Sequence[RecordedRun]) -> list[History]:
    """Return each pipeline's runs with its gates, or its first headline measures without gates."""
    by_pipeline: dict[str, list[RecordedRun]] = {}
    for run in runs:
        by_pipeline.setdefault(str(run.result["pipeline"]), []).append(run)
    return [
        History(
            name,
            tuple(
                RunLine(
                    run.name,
                    str(run.facts.get("started", "")),
                    str(run.result.get("verdict", "")),
                    str(run.result.get("verdict_line", "")),
                )
                for run in own
            ),
            tuple(_trends(own)),
        )
        for name, own in by_pipeline.items()
    ]


def _trends(runs: Sequence[RecordedRun]) -> list[Trend]:
    """Follow each gate by what it says; a pipeline without gates by its headline measures."""
    points: dict[str, dict[str, tuple[Measure | None, str]]] = {}
    limits: dict[str, float | None] = {}
    gated = any(run.result.get("gates") for run in runs)
    for run in runs:
        for text, limit, measure, verdict in _gates(run) if gated else _headlines(run):
            points.setdefault(text, {})[run.name] = (measure, verdict)
            limits[text] = limit
    nothing = (None, "")
    return [
        Trend(text, limits[text], tuple(own.get(run.name, nothing) for run in runs))
        for text, own in points.items()
    ]


def _gates(run: RecordedRun) -> list[tuple[str, float | None, Measure | None, str]]:
    """Return the gates; of one that compares with an earlier run the change, which is held against 0."""
    found = []
    for gate in run.result.get("gates", ()):
        compares = gate["op"] is None
        # Without an earlier run a gate shows the figure of its own, which is no change.
        measure = None if compares and not gate["change"] else _measure(gate["measure"])
        found.append((gate["text"], 0.0 if compares else gate["limit"], measure, gate["verdict"]))
    return found


def _headlines(run: RecordedRun) -> list[tuple[str, float | None, Measure | None, str]]:
    """Return the first headline measures of every step, in its first cell."""
    known = run.result.get("measures", {})
    ranks = {name: one["headline"] for name, one in known.items() if one.get("headline")}
    found: list[tuple[str, float | None, Measure | None, str]] = []
    for step in run.result["steps"]:
        own = (
            [name for name in step["cells"][0]["measures"] if name in ranks]
            if step["cells"]
            else []
        )
        if own:
            name = min(own, key=lambda one: ranks[one])
            measure = _measure(step["cells"][0]["measures"][name])
            found.append((f"{step['id']}.{name}", None, measure, ""))
    return found


def _measure(record: Mapping[str, Any] | None) -> Measure | None:
    """Read a measure; infinite numbers stand as text, since JSON has none."""
    if record is None:
        return None
    numbers = {
        name: float(record[name])
        for name in ("value", "low", "high")
        if isinstance(record.get(name), str)
    }
    return Measure.from_json({**record, **numbers})
