"""What a change of the clocks does to a schedule is said where a schedule is checked and served.

Which days those are follows from the law of the European Union, by hand: the last Sundays of
March and of October.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from adversity_flows.prefect_flows import schedule

FILE = "pipelines/tiny.yaml"
ZONE = "Europe/Warsaw"
SAID = {3: "has no 02:30 in", 10: "has 02:30 twice in"}


def _changes() -> list[str]:
    """Return what is to be said from today on, for 366 days."""
    today = datetime.now(ZoneInfo(ZONE)).date()
    days = [today + timedelta(number) for number in range(366)]
    sundays = [day for day in days if day.month in SAID and day.day > 24 and day.weekday() == 6]
    return [f"{day} {SAID[day.month]} {ZONE}" for day in sundays]


@pytest.fixture
def scheduled(project):
    """Return a function that gives the pipeline an hour, and a zone."""
    file = project / FILE
    text = file.read_text(encoding="utf-8")

    def write(hour, zone=ZONE):
        line = f'schedule: {{cron: "30 {hour} * * *", timezone: {zone}}}\n'
        file.write_text(text + line, encoding="utf-8")

    return write


def _days(lines):
    return [line.split(" (")[0] for line in lines]


def test_validate_says_on_which_days_the_clocks_change(scheduled, call):
    """With the file's name, for people and as JSON; an hour that no clock skips is no warning."""
    expected = [f"{FILE}: schedule: {change}" for change in _changes()]
    assert len(expected) >= 2
    scheduled(2)
    answer = call("validate", FILE)
    assert answer.code == 0
    warned = [line for line in answer.out.splitlines() if line.startswith("  ! ")]
    assert _days(warned) == [f"  ! {line}" for line in expected]
    (found,) = json.loads(call("validate", "--json").out)["pipelines"]
    assert _days(found["warnings"]) == expected
    for sound in ((4,), (2, "UTC")):
        scheduled(*sound)
        assert "!" not in call("validate", FILE).out


@pytest.mark.parametrize(("hour", "warned"), [(2, True), (4, False)])
def test_serve_says_it_before_it_waits(scheduled, call, monkeypatch, hour, warned):
    """Under the pipeline's line; Prefect's server and the wait for what is due are left out."""

    class NotAtAll:
        def __init__(self, root, deployments, *_):
            assert len(deployments) == 1

        async def serve(self):
            pass

    for name in ("project_server", "prefect_context"):
        monkeypatch.setattr(schedule, name, lambda *_, **__: nullcontext("http://localhost:1"))
    monkeypatch.setattr(schedule, "refuse_silent", lambda _url: None)
    monkeypatch.setattr(schedule, "_before", lambda *_: {FILE: schedule._Before()})
    monkeypatch.setattr(schedule, "ServingLoop", NotAtAll)
    scheduled(hour)
    answer = call("schedule", "serve", FILE)
    assert answer.code == 0, answer.err
    first, *lines, last = answer.out.splitlines()
    assert first == f"{FILE}: 30 {hour} * * * ({ZONE})"
    assert _days(lines) == [f"  ! {change}" for change in _changes()] * warned
    assert last.startswith("runs are listed at http://localhost:1")
