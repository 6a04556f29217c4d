"""Following a run: lines in a log, a block on a terminal."""

from __future__ import annotations

import io
import time
from dataclasses import replace

import pytest

from adversity.engine.stages.stage import Progress, Shard, StageResult
from adversity.pipeline.plan.model import Cell, Stage
from adversity.report.values.model import Outcome
from adversity.report.words.wording import seconds_text
from adversity_flows.cli.live import Live
from adversity_flows.cli.progress import Lines, Running
from adversity_flows.cli.terminal import Terminal
from adversity_flows.cli.watching import watching
from adversity_flows.steps.watch import Silent

STAGE = Stage("attacked", "p-attacked", "adversity step p attacked", (), {}, "artifacts/p/attacked")
SHARDS = [Shard(i, Cell(), 10, f"{i + 1}/3") for i in range(3)]


@pytest.fixture
def terminal():
    """Return a terminal that shows signs and no colour."""
    return Terminal(io.StringIO(), colour=False, tty=False, live=False, width=80, unicode=True)


def go_through(watcher):
    """Tell a watcher of one step with three shards, one of them kept from before."""
    watcher.stage_started(STAGE, 3, 2, "eps 2/255 -> 4/255")
    for shard in SHARDS[1:]:
        watcher.shard_finished(STAGE, shard)
    result = StageResult("attacked", {}, ("a note",), 30)
    watcher.stage_finished(STAGE, Outcome("attacked", "ran", "eps", 12.0), result)


def test_a_line_at_start_and_end(terminal):
    """A log gets why the step starts, what is kept, how it ended, and its notes."""
    with Lines(terminal, ["attacked", "report"]) as lines:
        go_through(lines)
    assert terminal.stream.getvalue().splitlines() == [
        " ▸ attacked  eps 2/255 -> 4/255 (1 of 3 shards kept)",
        " ✓ attacked      12 s  30 rows",
        "     ! a note",
    ]


def test_verbose_says_every_shard(terminal):
    """With -v every shard has its line with the count of this run."""
    with Lines(terminal, ["attacked"], verbose=1) as lines:
        go_through(lines)
    _, first, *_ = terminal.stream.getvalue().splitlines()
    assert first.startswith("   attacked  2/3 · about ")
    assert " left · shard 1/2 · 1 kept" in first


def test_a_long_step_gives_signs_of_life(terminal):
    """While a step works, a heartbeat says so; not before it starts."""
    with Lines(terminal, ["attacked"], heartbeat=0.02) as lines:
        time.sleep(0.05)
        assert terminal.stream.getvalue() == ""
        lines.stage_started(STAGE, 1, 1, "never ran")
        until = time.monotonic() + 5
        while "at work" not in terminal.stream.getvalue() and time.monotonic() < until:
            time.sleep(0.01)
    assert "attacked  at work, 0." in terminal.stream.getvalue()


def test_unchanged_steps_say_why_they_did_not_run(terminal):
    """A step that did not run shows DVC's reason instead of a time."""
    with Lines(terminal, ["attacked"]) as lines:
        outcome = Outcome("attacked", "cached", "unchanged")
        lines.stage_finished(STAGE, outcome, StageResult("attacked", {}, ("old note",)))
    assert terminal.stream.getvalue() == " ✓ attacked  unchanged\n"


def test_the_live_block_goes_and_the_finished_steps_stay(terminal):
    """What finished stays readable; the block's last state is taken away."""
    with Live(replace(terminal, live=True, tty=True), ["attacked", "report"]) as live:
        go_through(live)
        assert "judging" not in live._drawn().plain
        assert live._waiting == ["report"]
    assert " ✓ attacked      12 s  30 rows" in terminal.stream.getvalue()


def test_the_live_block_shows_the_step_at_work(terminal):
    """The block names the step, a bar that is half full, and what waits; two lines, no more."""
    with Live(replace(terminal, live=True, tty=True), ["attacked", "report"]) as live:
        live.stage_started(STAGE, 3, 2, "never ran")
        live.shard_finished(STAGE, SHARDS[1])
        lines = live._drawn().plain.splitlines()
    assert lines[0].startswith(" ▸ attacked  ━━━━━━━━━━  about ")
    assert "shard 1/2 · 1 kept" in lines[0]
    assert "left" in lines[0]
    assert lines[1:] == [" · waiting: report"]


def test_a_long_shard_says_its_epoch_and_the_time_left(terminal, monkeypatch):
    """The bar and the estimate go by the part that this run did, not by what was kept of it."""
    now = [100.0]
    monkeypatch.setattr("adversity_flows.cli.progress.time.monotonic", lambda: now[0])
    with Live(replace(terminal, live=True, tty=True), ["attacked"]) as live:
        live.stage_started(STAGE, 1, 1, "never ran")
        live.shard_went_on(STAGE, SHARDS[0], Progress("epoch 5/20 · loss 0.9", 0.25, 0.25))
        assert "left" not in live._drawn().plain  # a quarter was there: nothing was done yet
        now[0] += 60
        live.shard_went_on(STAGE, SHARDS[0], Progress("epoch 10/20 · loss 0.4", 0.5, 0.25))
        line = live._drawn().plain
        assert live._drawn().spans[1].end - live._drawn().spans[1].start == 5  # cyan, of 10
    assert "about 2 min 00 s left · 1 min 00 s · epoch 10/20 · loss 0.4" in line


def test_eighty_columns_cut_off_anything_but_the_time_left(terminal, monkeypatch):
    """With a name of the widest column and a long note the time left is whole, the note is cut."""
    now = [0.0]
    monkeypatch.setattr("adversity_flows.cli.progress.time.monotonic", lambda: now[0])
    stage = replace(STAGE, step="a" * 32)
    narrow = replace(terminal, live=True, tty=True, width=80)
    with Live(narrow, [stage.step]) as live:
        live.stage_started(stage, 20, 20, "never ran")
        now[0] = 600
        live.shard_went_on(stage, SHARDS[0], Progress("epoch 5/20 · loss 0.9 · " * 4, 0.5))
        line = live._drawn().plain.splitlines()[0]
    assert line.index(" left") + len(" left") <= 80 < len(line)


def test_of_several_at_work_the_first_is_named(terminal, monkeypatch):
    """Two fits side by side: the estimate knows both, and one that ended stands no more."""
    now = [0.0]
    monkeypatch.setattr("adversity_flows.cli.progress.time.monotonic", lambda: now[0])
    running = Running("net", 3, 3)
    running.went_on(SHARDS[1], Progress("epoch 1/2", 0.5))
    running.went_on(SHARDS[0], Progress("epoch 2/8", 0.25))
    now[0] = 30
    assert running.facts == ["about 1 min 30 s left", "shard 0/3", "1/3: epoch 2/8"]
    running.advance(SHARDS[0])
    assert running.facts[0] == "about 30 s left"
    assert running.facts[2:] == ["0 img/s", "2/3: epoch 1/2"]


def test_who_does_not_say_how_many_gets_no_estimate():
    """An epoch of nobody knows how many says nothing of the time."""
    running = Running("net", 1, 1)
    running.went_on(SHARDS[0], Progress("epoch 7 · loss 0.4"))
    assert running.facts == ["epoch 7 · loss 0.4"]


def test_verbose_says_every_epoch(terminal):
    """With -v what is told of a shard is a line."""
    with Lines(terminal, ["attacked"], verbose=1) as lines:
        lines.stage_started(STAGE, 1, 1, "never ran")
        lines.shard_went_on(STAGE, SHARDS[0], Progress("epoch 1/2 · loss 0.4", 0.5))
    assert terminal.stream.getvalue().splitlines()[1] == ("   attacked  1/3 · epoch 1/2 · loss 0.4")


def test_quiet_shows_nothing(terminal):
    """With -q nobody is told of progress."""
    with watching(terminal, steps=["attacked"], quiet=True) as watcher:
        assert isinstance(watcher, Silent)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (12.3, "12 s"), (59.6, "1 min 00 s"), (192, "3 min 12 s")],
)
def test_durations(seconds, text):
    """Durations are short and never say 60 s."""
    assert seconds_text(seconds) == text
