"""The timing itself: order, ratios, lines and words, with clocks that we set."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def contest(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import the module as the scripts do: from their own folder."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delitem(sys.modules, "contest", raising=False)
    return importlib.import_module("contest")


def test_every_contender_runs_once_a_repetition_in_changing_order(contest: Any) -> None:
    """After one warm-up each, every repetition holds each contender once, in several orders."""
    seen: list[str] = []
    running = {name: lambda name=name: seen.append(name) for name in "abc"}
    times = contest.contest(running, repetitions=12)
    assert seen[:3] == ["a", "b", "c"]
    rounds = [tuple(seen[at : at + 3]) for at in range(3, len(seen), 3)]
    assert len(rounds) == 12
    assert all(sorted(turn) == ["a", "b", "c"] for turn in rounds)
    assert len(set(rounds)) > 1
    assert {name: len(turns) for name, turns in times.items()} == {"a": 12, "b": 12, "c": 12}


def test_ratio_is_the_median_of_the_ratios_of_each_turn(contest: Any) -> None:
    """A turn that was slow for both does not count: ratios 2, 2, 3 and not 62 / 21."""
    times = {"bare": [(1.0, 1.0), (10.0, 4.0), (10.0, 1.0)]}
    times["ours"] = [(2.0, 1.0), (20.0, 6.0), (30.0, 2.0)]
    found = contest.ratios(times, "bare")["ours"]
    assert found["wall"] == contest.Spread(2.0, 2.0, 3.0)
    assert found["cpu"] == contest.Spread(1.5, 1.0, 2.0)


def test_cpu_time_of_children_counts(contest: Any) -> None:
    """A child that computes for a while shows in CPU time, one that sleeps does not."""
    import subprocess

    def child(code: str) -> Any:
        return lambda: subprocess.run([sys.executable, "-S", "-c", code], check=True)

    busy = "import time\nwhile time.process_time() < 0.3: pass"
    times = contest.contest(
        {"busy": child(busy), "asleep": child("import time; time.sleep(0.3)")}, repetitions=1
    )
    assert times["busy"][0][1] > 0.25
    assert times["asleep"][0][1] < 0.2
    assert times["asleep"][0][0] >= 0.3


def test_json_is_one_object_with_the_spreads(
    contest: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--json` writes one object; a spread becomes its three figures."""
    record = {"machine": contest.machine("torch"), "quick": False, "took": contest.spread([3, 1])}
    contest.write(record, ["for people"], as_json=True)
    read = json.loads(capsys.readouterr().out)
    assert read["took"] == {"median": 2, "low": 1, "high": 3}
    assert set(read["machine"]["versions"]) == {"adversity", "torch"}


def test_text_says_machine_and_that_quick_figures_mean_nothing(
    contest: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """People read the processor, the versions and, after --quick, a warning."""
    record = {"machine": contest.machine("no-such-package"), "quick": True}
    contest.write(record, ["a line"], as_json=False)
    text = capsys.readouterr().out
    assert "processor" in text
    assert "no-such-package not installed" in text
    assert "no figure means anything" in text
    assert text.endswith("a line\n")


def test_line_through_three_points(contest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.5 s + 2 ms an image is found again from three sizes."""
    monkeypatch.delitem(sys.modules, "overhead", raising=False)
    overhead = importlib.import_module("overhead")
    found = overhead.line([100, 200, 400], [0.7, 0.9, 1.3])
    assert found == pytest.approx({"fixed": 0.5, "each": 0.002})
    assert contest.__name__ == "contest"


def test_growth_is_what_a_further_image_costs(
    contest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """9 MiB over 9 216 images is 1 024 bytes each; a copy of every image misses the limit."""
    monkeypatch.delitem(sys.modules, "memory", raising=False)
    memory = importlib.import_module("memory")
    few = {"images": 1024, "peak_mib": 500.0}
    small = memory.judged(few, {"images": 10240, "peak_mib": 509.0})
    assert small["bytes_per_further_image"] == pytest.approx(1024)
    assert small["ratio"] == pytest.approx(1.018)
    assert small["met"]
    held = memory.judged(few, {"images": 10240, "peak_mib": 500 + 9216 * 12288 / 2**20})
    assert not held["met"]
    assert contest.__name__ == "contest"
