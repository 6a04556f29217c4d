"""A slow plugin is tried on less, and what was left out is said."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from kit_subjects import Fade

from adversity.testing import check_plugin
from adversity.testing.bench import effort
from adversity.testing.bench.effort import Effort


class Counted(Fade):
    """Count the images that it is given."""

    rows: ClassVar[int] = 0

    def degrade(self, images: Any, rng: Any) -> Any:
        type(self).rows += len(images)
        return super().degrade(images, rng)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return seconds that calls of a processor's clock take, from one to the next."""
    steps: list[float] = []
    now = [0.0]

    def read() -> float:
        now[0] += steps.pop(0) if steps else 0.0
        return now[0]

    monkeypatch.setattr(effort.time, "process_time", read)
    return steps


@pytest.mark.parametrize(
    ("steps", "samples", "seconds"),
    [
        ([0, 0.3], 4, 0.075),  # quick: one call
        ([0, 8.0, 0, 0.2], 4, 0.05),  # the first call loaded something
        ([0, 8.0, 0, 9.0], 4, 2.0),  # slow each time: the quicker of two
        ([0, 0.2, 0, 0.2], 0, 0.2),  # what has no samples counts as one
    ],
)
def test_seconds_are_those_of_a_sample(
    steps: list[float], samples: int, seconds: float, clock: list[float]
) -> None:
    """Time of the first case by its samples; of a second call where the first was slow."""
    clock += steps
    found = Effort()
    assert found.timed(lambda: "answer", samples) == "answer"
    assert found.seconds == pytest.approx(seconds, rel=1e-12)
    assert clock == []
    found.timed(lambda: "later calls say nothing", samples)
    assert found.seconds == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(("seconds", "kept"), [(None, 4), (0.1, 4), (0.11, 2)])
def test_only_a_slow_plugin_is_tried_on_less(seconds: float | None, kept: int) -> None:
    """At the limit everything is tried, above it the first ones; then it is said once."""
    found = Effort()
    found.seconds = seconds
    assert found.some(range(4), 2, "cases") == list(range(kept))
    assert found.some(range(2), 2, "rows") == [0, 1]
    found.some(range(4), 2, "cases")
    said = "" if kept == 4 else " (tried on 2 of 4 cases: it is slow, 0.11 s a sample)"
    assert found.words() == said


def test_the_outcome_says_what_was_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same plugin, quick and slow: as many checks pass, on less than half of the images.

    Every case is fed once all the same, and checks that left nothing out say nothing.
    """
    given, messages = {}, {}
    for speed, limit in (("quick", 1e9), ("slow", -1.0)):
        monkeypatch.setattr(effort, "SLOW_SECONDS", limit)
        monkeypatch.setattr(Counted, "rows", 0)
        found = check_plugin(Counted)
        given[speed] = Counted.rows
        messages[speed] = {o.check: o.message for o in found.outcomes if o.status == "passed"}
    assert messages["slow"].keys() == messages["quick"].keys()
    assert given["slow"] < given["quick"] / 2
    assert not any("slow" in message for message in messages["quick"].values())
    assert messages["slow"]["answers"] == messages["quick"]["answers"]
    reduced = {check: m.partition(" (tried on ")[2] for check, m in messages["slow"].items()}
    assert reduced["alone"].startswith("1 of 4 cases and 2 of 5 rows: it is slow")
    assert reduced["order"].startswith("1 of 4 cases: it is slow")
    assert reduced["gradient_is_right"].startswith("1 of 3 cases and 2 of 4 directions: it is slow")
    assert reduced["answers"] == reduced["identity"] == ""
