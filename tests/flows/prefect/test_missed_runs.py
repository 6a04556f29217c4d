"""Times of a schedule that went by while nobody could start a run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from adversity.pipeline.read.spec import ScheduleSpec
from adversity_flows.prefect_flows.missed_runs import drop_missed, missed_since
from adversity_flows.prefect_flows.run_names import name_of

if TYPE_CHECKING:
    from pathlib import Path

HOURLY = ScheduleSpec(interval="1h")


class Server:
    """A client that knows the runs of one deployment."""

    def __init__(self, *runs: SimpleNamespace) -> None:
        self.runs = runs
        self.dropped: list[object] = []

    def read_flow_runs(self, flow_run_filter, sort):
        kinds = {kind.value for kind in flow_run_filter.state.type.any_}
        return [run for run in self.runs if run.kind in kinds]

    def set_flow_run_state(self, run, state):
        assert state.name == "Missed"
        self.dropped.append(run)


def _run(
    kind: str,
    ago: timedelta,
    *,
    took: timedelta | None = None,
    began: bool = True,
    auto: bool = True,
) -> SimpleNamespace:
    at = datetime.now(UTC) - ago
    return SimpleNamespace(
        id=kind + str(ago),
        kind=kind,
        state_name=kind.title(),
        run_count=int(began),
        end_time=None if took is None else at + took,
        expected_start_time=at,
        next_scheduled_start_time=at,
        auto_scheduled=auto,
    )


def test_what_was_due_since_the_last_run_is_counted() -> None:
    """Three days of an hourly schedule are 72 times, or what a thousand of them come to."""
    three_days = Server(_run("FAILED", timedelta(hours=72)), _run("COMPLETED", timedelta(hours=90)))
    assert missed_since(three_days, uuid4(), HOURLY) == 72
    assert missed_since(Server(_run("COMPLETED", timedelta(days=400))), uuid4(), HOURLY) == 1000


def test_nothing_is_missed_by_a_pipeline_that_never_ran_or_ran_just_now() -> None:
    """The first `serve` orders no run; a run that was left out, or dropped as missed, is none."""
    assert missed_since(Server(), uuid4(), HOURLY) == 0
    assert missed_since(Server(_run("SCHEDULED", timedelta(hours=5))), uuid4(), HOURLY) == 0
    now = Server(_run("RUNNING", timedelta(0)), _run("CANCELLED", timedelta(hours=9)))
    assert missed_since(now, uuid4(), HOURLY) == 0
    dropped = _run("CANCELLED", timedelta(minutes=1), began=False)
    old = Server(dropped, _run("COMPLETED", timedelta(hours=3)))
    assert missed_since(old, uuid4(), HOURLY) == 3


def test_what_was_due_while_a_run_worked_was_not_missed() -> None:
    """It was left out; a run that was killed did what it was for, at most, when that was seen."""
    hours = {"took": timedelta(hours=8)}
    assert missed_since(Server(_run("FAILED", timedelta(hours=9), **hours)), uuid4(), HOURLY) == 1
    assert missed_since(Server(_run("CRASHED", timedelta(hours=9), **hours)), uuid4(), HOURLY) == 9


def test_late_runs_of_the_schedule_are_dropped_and_ordered_ones_stay() -> None:
    """What is due in future stays, too."""
    server = Server(
        _run("SCHEDULED", timedelta(hours=2)),
        _run("SCHEDULED", timedelta(hours=1)),
        _run("SCHEDULED", timedelta(hours=1, minutes=5), auto=False),
        _run("SCHEDULED", timedelta(hours=-1)),
    )
    assert drop_missed(server, uuid4(), instead="nightly") == 2
    assert server.dropped == [server.runs[0].id, server.runs[1].id]


@pytest.mark.parametrize(
    ("schedule", "name"),
    [
        ('schedule: {cron: "0 2 * * *", timezone: Asia/Tokyo}\n', "nightly 2026-12-01 02:00"),
        ("", "nightly 2026-11-30 17:00"),
        ("steps: 5\n", "file 2026-11-30 17:00 UTC"),
    ],
)
def test_a_run_is_named_after_its_pipeline_and_when_it_was_due(
    tmp_path: Path, schedule: str, name: str
) -> None:
    """In the schedule's time zone; a file that cannot be read gives its own name."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/file.yaml").write_text(
        "name: nightly\ndata: {photos: {uses: dataset/folder}}\n"
        f"steps: {{net: {{uses: classifier/small_cnn, from: photos}}}}\n{schedule}"
    )
    at = datetime(2026, 11, 30, 17, tzinfo=UTC)
    assert name_of(tmp_path, "pipelines/file.yaml", at) == name
