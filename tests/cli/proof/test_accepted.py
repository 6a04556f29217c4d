"""The accepted run, which gates compare with: named, audited, and looked at by `adversity status`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE = "pipelines/proved.yaml"


def test_the_accepted_run_is_named_so(
    proved: Path, call: Callable[..., Any], refused: Callable[..., str]
) -> None:
    """By `accepted`, for every command of proof; where none is, that is said."""
    [folder] = (proved / "runs").glob("2*")
    answer = call("audit", "accepted")
    assert answer.code == 0
    assert answer.out.startswith(f"run {folder.name} of {FILE}\n")
    refused(
        call("audit", "accepted", "--pipeline", "dew"), "got dew; a run is accepted when no gate"
    )


def test_status_looks_at_it(
    proved: Path, call: Callable[..., Any], flip: Callable[[Path], None]
) -> None:
    """Only when it is asked to; a change counts under `--check`."""
    assert "can still be produced" not in call("status").out
    answer = call("status", "--audit", "--check")
    assert answer.code == 0
    assert "  accepted run" in answer.out
    assert ": every number of it can still be produced, from 3 data sets" in answer.out
    [table] = proved.glob("runs/*/tables/scaled.parquet")
    flip(table)
    answer = call("status", FILE, "--audit", "--check")
    assert answer.code == 1
    assert "  ! accepted run" in answer.out
    found = json.loads(call("status", "--audit", "--json").out)
    [pipeline] = found["pipelines"]
    assert pipeline["audit"]["holds"] is False
    assert "scaled" in pipeline["audit"]["sentence"]
