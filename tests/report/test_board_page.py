"""The page of a board: ranks, ties and links, escaped, and without anything from elsewhere."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

from adversity.contracts.measure_info import MeasureInfo
from adversity.contracts.values import Measure
from adversity.report.values.board import (
    Alone,
    Board,
    Boards,
    Entry,
    History,
    Ranked,
    Ranking,
    RunLine,
    Trend,
)
from adversity.report.writers.board_marks import forest, trend
from adversity.report.writers.board_page import board_html
from adversity.report.writers.board_record import board_json, board_text

_SHARE = MeasureInfo(0.0, 1.0, better="higher", scale="share", headline=1)
_FIELDS = {"data": "dataset/folder, abc", "split": "test", "prepared": "as it is",
           "degraded by": "nothing", "threat": "linf, eps 8/255, white-box",
           "attack": "pgd (steps 10)", "code": "none"}  # fmt: skip
_HOSTILE = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>'


def _entry(run: str, value: float, method: str = "net") -> Entry:
    measure = Measure(value, 50, value - 0.1, value + 0.1, better="higher").known_as(_SHARE)
    return Entry(run, "p", "answers", {"eps": "8/255"}, method, {"net.with.seed": "1"},
                 {"robust_accuracy": measure})  # fmt: skip


def _boards(method: str = "net", project: str = "zoo") -> Boards:
    entries = (_entry("20260101-101500-p", 0.7, method), _entry("r2", 0.65), _entry("r3", 0.2))
    order = (Ranked(0, 1, 2), Ranked(1, 1, 2, tied=True), Ranked(2, why="its table is gone"))
    board = Board("board-1", _FIELDS, 50, entries, (Ranking("robust_accuracy", order, 3),))
    lone = Board(
        "board-2", _FIELDS, 50, entries[:1], (Ranking("robust_accuracy", (Ranked(0, 1, 1),)),)
    )
    measure = entries[0].measures["robust_accuracy"]
    runs = (
        RunLine("r2", "2026-01-01T10:00:00Z", "pass", "PASS"),
        RunLine("r3", "", "fail", "FAIL"),
    )
    trends = (Trend("x.accuracy >= 0.5", 0.5, ((measure, "pass"), (measure, "fail"))),)
    return Boards(
        project, (board,), (Alone(lone, "board-1", {"threat": ("l2", "linf")}),),
        (History("p", runs, trends),), ("r9: damaged",),
    )  # fmt: skip


def test_the_page_says_ranks_ties_and_why_there_are_none() -> None:
    """With a link to each report, relative to the page."""
    page = board_html(_boards(), {"r2": "../runs/r2/report.html"})
    text = re.sub(r"<[^>]+>", " ", page)
    assert "1 to 2" in text
    assert "tied with the first" in text
    assert "Its table is gone" in text
    assert "threat is l2, there linf" in text
    assert "net: seed = 1" in text
    assert "r9: damaged" in text
    assert 'href="../runs/r2/report.html"' in page
    assert "20260101 10:15" in text


def test_a_tie_is_no_lead_and_each_measure_says_what_is_good() -> None:
    """The heading counts boards on which the first is told apart from all others."""
    boards = _boards()
    assert "<h1><bdi>One entry leads on 0 of 1 board, 1 is tied</bdi></h1>" in board_html(
        boards, {}
    )
    assert "Robust accuracy: higher is better." in board_html(boards, {})
    (board,) = boards.boards
    clear = (Ranked(0, 1, 1), Ranked(1, 2, 2), Ranked(2, 3, 3))
    led = replace(board, rankings=(Ranking("robust_accuracy", clear, 3),))
    page = board_html(replace(boards, boards=(led, replace(board, id="b2"))), {})
    assert "<h1><bdi>One entry leads on 1 of 2 boards, 1 is tied</bdi></h1>" in page


def test_nothing_is_fetched_and_names_are_escaped() -> None:
    """A strict policy, no address, and foreign text stands as text."""
    page = board_html(_boards(_HOSTILE, _HOSTILE), {})
    assert "default-src 'none'" in html.unescape(page)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    assert "<img" not in page
    assert page.count("<script>") == 1
    assert "&lt;img src=x" in page


def test_an_empty_project_is_told_what_to_do() -> None:
    """In one sentence; and so is one with nothing to compare."""
    empty = Boards("zoo", (), (), ())
    assert "No run is here yet: run a pipeline" in board_html(empty, {})
    single = Boards("zoo", (), (), (History("p", (), ()),))
    assert "Nothing can be compared yet" in board_html(single, {})


def test_the_json_says_order_ranks_ties_and_where_the_rest_lies() -> None:
    """Under a schema of its own, a line for each run and board; of whom no test ranks, why."""
    files = {"r2": {"report": "runs/r2/report.html", "result": "runs/r2/result.json"}}
    text = board_text(board_json(_boards(), files))
    document = json.loads(text)
    assert document["schema"] == "adversity-board/2"
    assert document["runs"]["r2"]["result"] == "runs/r2/result.json"
    assert document["runs"]["r3"]["verdict"] == "fail"
    (ranking,) = document["boards"][0]["rankings"]
    assert ranking["order"] == [0, 1, 2]
    assert (ranking["best"], ranking["worst"]) == ([1, 1, None], [2, 2, None])
    assert ranking["tied"] == [1]
    assert ranking["untested"] == [{"why": "its table is gone", "entries": [2]}]
    assert document["history"][0]["trends"][0]["points"][1][1] == "fail"
    assert sum(line.startswith('{"id":"board-') for line in text.splitlines()) == 1
    assert board_text({"a": 1, "b": [], "c": {}}) == '{"a":1,\n"b":[],\n"c":{}}'


def test_the_json_repeats_nothing_of_what_charts_are_drawn_from() -> None:
    """Numbers of six digits with their interval; bins and conventions stay in the run's result."""
    boards = _boards()
    (board,) = boards.boards
    bins = {"plot_bins": [{"confidence": 0.5, "n": 3}] * 500}
    heavy = Measure(2 / 3, 50, 1 / 3, float("inf"), details=bins, convention={"bins": 15})
    entries = tuple(
        replace(entry, measures={"robust_accuracy": heavy.known_as(_SHARE)})
        for entry in board.entries
    )
    text = board_text(board_json(replace(boards, boards=(replace(board, entries=entries),)), {}))
    assert "plot_bins" not in text
    assert len(text) < 5_000
    first = json.loads(text)["boards"][0]["entries"][0]["measures"]["robust_accuracy"]
    assert first == {"value": 0.666667, "low": 0.333333, "high": "inf", "n": 50}


def test_of_a_long_board_the_best_sixty_are_on_the_page() -> None:
    """How many there are is said, and where all of them are."""
    boards = _boards()
    (board,) = boards.boards
    entries = tuple(_entry(f"r{at}", 0.9 - at / 200) for at in range(100))
    order = tuple(Ranked(at, 1, 100) for at in range(100))
    long = replace(board, entries=entries, rankings=(Ranking("robust_accuracy", order, 9),))
    page = board_html(replace(boards, boards=(long,), alone=()), {})
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "100 entries" in text
    assert "The 60 best values of 100; all of them are in board.json" in text
    assert page.count('data-label="rank"') == 60


def test_marks_stay_in_their_place() -> None:
    """A value beyond the ends is drawn at the end, an infinite one not at all."""
    drawn = forest(Measure(2.0, 9, 0.5, 3.0), (0.0, 1.0))
    assert 'cx="175"' in drawn
    assert "circle" not in forest(Measure(float("inf"), 9), (0.0, 1.0))
    failing = trend(
        Trend("g", 0.5, ((Measure(0.6, 9), "pass"), (None, ""), (Measure(0.4, 9), "fail")))
    )
    assert "rect" in failing, "colour is not alone"
    assert failing.count("circle") == 1


def test_a_step_that_is_alone_in_many_conditions_is_one_fold() -> None:
    """75 rows with one reason are a wall: one line says how many, between which values, and why."""
    boards = _boards()
    (lone,) = boards.alone
    many = tuple(
        replace(
            lone,
            board=replace(
                lone.board, id=f"lone-{at}", entries=(_entry("r5", at / 100, "alone_net"),)
            ),
            differs={"degraded by": (f"snow (severity {at})", "nothing")},
        )
        for at in range(10, 85)
    )
    page = board_html(replace(boards, alone=(lone, *many)), {})
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "75 conditions · robust accuracy 0.100 to 0.840 · not the same" in text
    assert page.count('id="lone-') == 75, "each is still there"
    assert text.index("p, answers: alone_net 75 conditions") > text.index("Compared with nothing")
    assert 'id="t-alone"' in page, "the single one stands in the table of the few"


def test_beyond_24_boards_the_lists_are_closed() -> None:
    """What 161 boards say is found by what they are of."""
    boards = _boards()
    (board,) = boards.boards
    several = tuple(replace(board, id=f"b{at}") for at in range(25))
    assert '<section id="leaders"' in board_html(boards, {})
    page = board_html(replace(boards, boards=several), {})
    assert '<details id="leaders" class="section">' in page
    assert "25 boards" in re.sub(r"<[^>]+>", " ", page)
    for tag in ("details", "section", "table", "div"):
        assert page.count(f"<{tag}") == page.count(f"</{tag}>")
