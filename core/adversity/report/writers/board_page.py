"""A board as one self-contained page, with the look of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from adversity.report.words.board_words import (
    data_title,
    distinct_titles,
    rank_text,
    setting_text,
)
from adversity.report.words.wording import (
    NOTHING,
    capital,
    cell_text,
    measure_name,
    plural,
    written,
)
from adversity.report.writers.board_marks import forest
from adversity.report.writers.board_parts import alone_groups, both, history_rows
from adversity.report.writers.page_parts import asset, environment, policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.values.board import Board, Boards, Entry, Ranked

__all__ = ["board_html"]

_OPEN, _WALL = 8, 24
"""So many boards are open; more would be a wall, and are opened by a click. Beyond the second number
the lists of boards are closed, too."""
_ROWS = 60
"""So many entries of a board are on the page, the best ones: of no more the pairs are tested."""


def board_html(boards: Boards, links: Mapping[str, str]) -> str:
    """Return the page.

    Args:
        boards: What it says.
        links: To the report of each run, by its id; as URLs relative to the page.
    """
    style = asset("style.css") + asset("board.css")
    script = asset("script.js")
    titles = distinct_titles(boards.boards)
    shown = [
        {**_board(board, links), "title": titles[board.id], "open": at < _OPEN}
        for at, board in enumerate(boards.boards)
    ]
    groups: dict[str, list[dict[str, Any]]] = {}
    for board, own in zip(boards.boards, shown, strict=True):
        groups.setdefault(data_title(board), []).append(own)
    page: str = (
        environment()
        .get_template("board.html.j2")
        .render(
            boards=boards,
            summary=_summary(boards),
            finding=_finding(shown),
            groups=groups,
            alone=alone_groups(boards.alone, links) if boards.alone else {},
            many=len(boards.boards) > _WALL,
            histories=[history_rows(one, links) for one in boards.history],
            style=style,
            script=script,
            policy=policy(style, [script]),
        )
    )
    return page


def _summary(boards: Boards) -> str:
    runs = sum(len(one.runs) for one in boards.history)
    return ", ".join(
        (
            plural(len(boards.history), "pipeline"),
            plural(runs, "run"),
            plural(len(boards.boards), "board"),
        )
    )


def _finding(shown: Sequence[Mapping[str, Any]]) -> str:
    """Say on how many boards one entry leads: the best of several that are tied does not."""
    judged = [board for board in shown if board["judged"]]
    leads = sum(not board["tied"] for board in judged)
    if not judged:
        return ""
    ties = len(judged) - leads
    return f"One entry leads on {leads} of {plural(len(judged), 'board')}, {ties} {_are(ties)} tied"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


class _Row(NamedTuple):
    """An entry as the page has it."""

    rank: str
    note: str
    tied: bool
    method: str
    settings: tuple[str, ...]
    where: str
    run: str
    started: str
    link: str
    value: str
    marks: Any
    others: tuple[tuple[str, str], ...]


def _board(board: Board, links: Mapping[str, str]) -> dict[str, Any]:
    """Return a board in the order of its first measure, with the others beside it."""
    main, *others = board.rankings
    first = _of(board, main.order[0], main.measure)
    ends = _ends([_of(board, item, main.measure) for item in main.order])
    places = [{item.entry: item for item in one.order} for one in others]
    rows = []
    for item in main.order[:_ROWS]:
        entry = board.entries[item.entry]
        measure = entry.measures[main.measure]
        beside = tuple(
            (
                both(entry.measures[one.measure]) if one.measure in entry.measures else NOTHING,
                rank_text(own[item.entry]) if item.entry in own else "",
            )
            for one, own in zip(others, places, strict=True)
        )
        rows.append(_row(entry, item, measure, ends, links, beside))
    leader, tied = rows[0], sum(item.tied for item in main.order)
    return {
        "id": board.id,
        "fields": board.fields,
        "measure": capital(measure_name(main.measure, first)),
        "heads": [
            capital(measure_name(one.measure, _of(board, one.order[0], one.measure)))
            for one in others
        ],
        "rows": rows,
        "count": len(main.order),
        "n": board.n,
        "leader": leader,
        "tied": tied,
        "judged": main.order[0].best is not None,
        "caption": f"{_directions(board)} Value with its 95 % interval, drawn from {ends[0]:.3g} to "
        f"{ends[1]:.3g}. Ranks: all that paired tests on the same images leave open, with Holm's "
        f"correction for {plural(main.tests, 'pair')} at 5 %; entries that are not told apart from "
        f"the first are shaded, and tied. {_untested(board)}".strip(),
    }


def _directions(board: Board) -> str:
    """Say of each measure which direction is good."""
    names: dict[str, list[str]] = {}
    for one in board.rankings:
        first = _of(board, one.order[0], one.measure)
        names.setdefault(first.better or "", []).append(capital(measure_name(one.measure, first)))
    return " ".join(
        f"{', '.join(own)}: {better} is better." for better, own in names.items() if better
    )


def _untested(board: Board) -> str:
    """Name the measures that have no ranks, and why."""
    whys: dict[str, list[str]] = {}
    for one in board.rankings:
        if all(item.why for item in one.order):
            name = measure_name(one.measure, _of(board, one.order[0], one.measure))
            whys.setdefault(one.order[0].why, []).append(capital(name))
    return " ".join(f"{' and '.join(names)}: {why}." for why, names in whys.items())


def _row(
    entry: Entry,
    item: Ranked,
    measure: Measure,
    ends: tuple[float, float],
    links: Mapping[str, str],
    others: tuple[tuple[str, str], ...],
) -> _Row:
    where = f"{entry.step}[{cell_text(entry.cell)}]" if entry.cell else entry.step
    return _Row(
        rank=rank_text(item) or NOTHING,
        note=capital(item.why) or ("tied with the first" if item.tied else ""),
        tied=item.tied,
        method=entry.method,
        settings=tuple(setting_text(path, value) for path, value in entry.settings.items()),
        where=f"{entry.pipeline}, {where}",
        run=entry.run,
        started=_started(entry.run),
        link=links.get(entry.run, ""),
        value=both(measure),
        marks=forest(written(measure), ends),
        others=others,
    )


def _started(run: str) -> str:
    """Return when a run began, as its id says: `20261130 20:28`."""
    day, _, rest = run.partition("-")
    clock = rest.partition("-")[0]
    return f"{day} {clock[:2]}:{clock[2:4]}" if clock.isdigit() else run


def _of(board: Board, item: Ranked, measure: str) -> Measure:
    return board.entries[item.entry].measures[measure]


def _ends(measures: list[Measure]) -> tuple[float, float]:
    """Return what the row of points spans: all of a share's range, else that of the intervals."""
    shown = [written(measure) for measure in measures]
    info = measures[0].info
    if info.scale in ("share", "percent") and info.top is not None:
        return 0.0, 100.0 * info.top if info.scale == "percent" else info.top
    every = [end for one in shown for end in (one.value, one.low, one.high) if end is not None]
    low, high = min(every), max(every)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
