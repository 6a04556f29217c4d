"""The server that all tests here share dies: the last of them by name, or others start new ones."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from adversity_flows.prefect_flows.run_pipeline import run_with_prefect

if TYPE_CHECKING:
    from pathlib import Path

Maker = Callable[..., Any]


@pytest.mark.slow
def test_a_server_killed_in_mid_run_loses_nothing(
    conductor: Maker, watcher: Any, prefect_root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """After kill -9 of the server the rest is done directly within 30 s, with one warning.

    4.5 s were measured on two shared cores; Prefect's own defaults take 135 s.
    """
    killed: list[float] = []

    def act(step: str, index: int) -> None:
        if step == "dark" and index == 1:
            home = prefect_root / ".adversity" / "prefect"
            os.kill(json.loads((home / "server.json").read_text())["pid"], signal.SIGKILL)
            killed.append(time.monotonic())

    run = conductor(act=act)
    outcomes = run_with_prefect(run, watcher, workers=2)
    assert time.monotonic() - killed[0] < 30
    assert [outcome.state for outcome in outcomes] == ["ran"] * 3
    assert watcher.heard.count("dark shard") == 4
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines()[-1].endswith("stopped answering; the run goes on without Prefect")
    assert len(err.splitlines()) == 1
