"""The log of a run for programs: every event once, in order, also of a run that fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from adversity.engine.stages.predict_stage import PredictRun
from adversity.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow


def records(root: Path) -> list[dict[str, Any]]:
    """Return what the newest run logged."""
    newest = max(root.glob("runs/2*/log.jsonl"))
    return [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]


def test_every_event_is_a_record(project: Path, call: Callable[..., Any]) -> None:
    """Steps begin and end once, with their shards in between; the verdict comes last."""
    assert call("run", "pipelines/tiny.yaml", "--direct").code == 0
    found = records(project)
    assert [found[0]["event"], found[-1]["event"]] == ["run started", "run ended"]
    assert found[-1]["exit_code"] == 0
    assert [one["time"] for one in found] == sorted(one["time"] for one in found)
    for started in (one for one in found if one["event"] == "step started"):
        own = [one for one in found if one.get("step") == started["step"]]
        assert own[0] is started
        done = [one for one in own if one["event"] == "shard done"]
        assert len(done) == started["pending"]
        (ended,) = (one for one in own if one["event"] == "step ended")
        assert (ended["state"], ended["reason"]) == ("ran", started["reason"])
    lines = max(project.glob("runs/2*/log.txt")).read_text(encoding="utf-8").splitlines()
    assert len(lines) >= len(found)


def test_a_failure_is_a_record(
    project: Path, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its exit code; the traceback is for people."""

    def fail(*_: object) -> None:
        raise StorageError("no room\nat all")

    monkeypatch.setattr(PredictRun, "run_shard", fail)
    assert call("run", "pipelines/tiny.yaml", "--direct").code == 3
    last = records(project)[-1]
    assert (last["event"], last["exit_code"]) == ("run failed", 3)
    assert last["error"].endswith("no room\nat all")
