"""The Prefect door: the results of the direct loop, in sight, whatever happens to Prefect."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from adversity.errors import DataError, StorageError
from adversity_flows import run_pipeline
from adversity_flows.conduct import conduct
from adversity_flows.run_pipeline import run_with_prefect
from adversity_flows.server import ServerError, project_server

if TYPE_CHECKING:
    from pathlib import Path

Maker = Callable[..., Any]


@contextmanager
def no_server(root: Path) -> Iterator[str]:
    """Fail as a server does that cannot be started."""
    raise ServerError("the Prefect server of this project ended with exit code 3")
    yield ""


@contextmanager
def records(root: Path) -> Iterator[Any]:
    """Open a client on the project's server."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with (
        project_server(root) as url,
        temporary_settings({PREFECT_API_URL: url}),
        get_client(sync_client=True) as client,
    ):
        yield client


def task_runs(root: Path, flow_name: str, expected: int) -> list[tuple[str, str, str]]:
    """Return name, state and message of a flow's task runs, once all are recorded."""
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName

    only = FlowRunFilter(name=FlowRunFilterName(any_=[flow_name]))
    until = time.monotonic() + 20
    with records(root) as client:
        while True:  # the server writes the records a moment after the events came
            found = client.read_task_runs(flow_run_filter=only)
            final = [run for run in found if run.state and run.state.is_final()]
            if len(final) >= expected or time.monotonic() > until:
                return sorted((r.name, r.state.name, r.state.message or "") for r in final)
            time.sleep(0.2)


def without_seconds(outcomes: tuple[Any, ...]) -> list[tuple[str, str, str]]:
    return [(outcome.step, outcome.state, outcome.reason) for outcome in outcomes]


def test_results_and_progress_are_those_of_the_direct_loop(
    conductor: Maker, watcher: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Same outcomes, same record, same events, one recording thread, nothing on the terminal."""
    ours, theirs, direct = conductor(), conductor(), type(watcher)()
    log = tmp_path / "run" / "prefect.log"
    outcomes = run_with_prefect(ours, watcher, workers=2, log=log)
    expected = conduct(theirs, direct, workers=2)
    assert without_seconds(outcomes) == without_seconds(expected)
    assert ours.recorded == theirs.recorded
    assert ours.calls == theirs.calls
    assert watcher.heard == direct.heard
    assert ours.threads == {threading.get_ident()}
    assert tuple(ours.outcomes) == outcomes
    assert capfd.readouterr() == ("", "")
    assert "Beginning flow run 'toy'" in log.read_text()


def test_every_step_and_shard_is_a_task_run(conductor: Maker, watcher: Any) -> None:
    """Steps are named with their views, shards by their label; an unchanged step is `Cached`."""
    run = conductor(name="seen", shards=3)
    run.recorded["dark"] = run.complete(run.plan.stage("dark"), _done())
    run_with_prefect(run, watcher, workers=2)
    found = task_runs(run.workspace.root, "seen", 9)
    steps = [entry for entry in found if "/" not in entry[0]]
    assert steps == [
        ("clean", "Completed", "never ran: clean"),
        ("dark (fog > mended)", "Cached", "nothing it depends on changed"),
        ("report", "Completed", "never ran: report"),
    ]
    shards = [entry[:2] for entry in found if "/" in entry[0]]
    assert shards == [
        (f"{step} {i}/3", "Completed") for step in ("clean", "report") for i in (1, 2, 3)
    ]


def _done() -> Any:
    class Done:
        def pending(self) -> tuple[()]:
            return ()

    return Done()


def test_measures_progress_and_report_are_artifacts(conductor: Maker, watcher: Any) -> None:
    """A step's table, its full progress bar, its report's text and its pictures are published."""
    run = conductor(name="shown", steps=("dark",))
    run_with_prefect(run, watcher, workers=1)
    with records(run.workspace.root) as client:
        found = {item.key: item for item in client.read_artifacts()}
    assert "| severity=3 | accuracy | 0.5 | 0.28 to 0.72 (95%) | 16 |" in (
        found["shown-dark-measures"].data
    )
    assert found["shown-dark-progress"].data == 100
    assert found["shown-dark-text"].data.startswith("# It held")
    assert found["shown-dark-grid"].type == "image"


def test_nothing_stale_does_not_start_prefect(
    conductor: Maker, watcher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of unchanged steps recalls them and never asks for a server."""
    run = conductor()
    for stage in run.plan.stages:
        run.complete(stage, _done())
    monkeypatch.setattr(run_pipeline, "project_server", no_server)
    outcomes = run_with_prefect(run, watcher, workers=2, warn=pytest.fail)
    assert [outcome.state for outcome in outcomes] == ["cached"] * 3
    assert watcher.heard == ["clean cached", "dark cached", "report cached"]


def test_an_error_of_a_step_comes_out_as_itself(
    conductor: Maker, watcher: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its class and message survive, no further shard starts, nothing is recorded or printed."""
    ran: list[int] = []

    def act(step: str, index: int) -> None:
        ran.append(index)
        if step == "dark":
            raise DataError("expected a picture, got a text; remove a.png")

    run = conductor(act=act, shards=50)
    with pytest.raises(DataError, match=r"^step dark, 1/50: expected a picture, got a text"):
        run_with_prefect(run, watcher, workers=1)
    assert list(run.recorded) == ["clean"]
    assert len(ran) < 60
    assert [outcome.state for outcome in run.outcomes] == ["ran", "failed"]
    assert "dark" in run.abandoned
    assert capfd.readouterr() == ("", "")


def test_an_error_while_recording_comes_out_as_itself(conductor: Maker, watcher: Any) -> None:
    """What `complete` raises is the run's error, after all shards were done."""
    run = conductor(steps=("dark",))

    def refuse(stage: Any, job: Any) -> None:
        raise StorageError("the disk is full")

    run.complete = refuse
    with pytest.raises(StorageError, match="the disk is full"):
        run_with_prefect(run, watcher, workers=1)
    assert watcher.heard[-1] == "dark shard"


@pytest.mark.parametrize(
    ("error", "attempts"), [(ConnectionError("reset"), 3), (ValueError("a bug"), 1)]
)
def test_only_passing_errors_are_tried_again(
    conductor: Maker, watcher: Any, error: Exception, attempts: int
) -> None:
    """With `retries: 2` a lost connection is tried three times, a bug once."""
    tried: list[int] = []

    def act(step: str, index: int) -> None:
        tried.append(index)
        raise error

    run = conductor(act=act, shards=1, steps=("dark",), retries=2)
    with pytest.raises(Exception, match=str(error)):
        run_with_prefect(run, watcher, workers=1)
    assert len(tried) == attempts


def test_a_passing_error_is_overcome(conductor: Maker, watcher: Any) -> None:
    """A shard that fails once and then works does not fail the run."""
    tried: list[int] = []

    def act(step: str, index: int) -> None:
        tried.append(index)
        if len(tried) == 1:
            raise TimeoutError("slow disk")

    run = conductor(act=act, shards=2, steps=("dark",), retries=1)
    outcomes = run_with_prefect(run, watcher, workers=1)
    assert [outcome.state for outcome in outcomes] == ["ran"]
    assert len(tried) == 3
    assert watcher.heard.count("dark shard") == 2


def test_without_a_server_the_run_goes_on_with_one_warning(
    conductor: Maker, watcher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step is done directly, and the warning says why."""
    monkeypatch.setattr(run_pipeline, "project_server", no_server)
    warnings: list[str] = []
    run = conductor()
    outcomes = run_with_prefect(run, watcher, workers=2, warn=warnings.append)
    assert [outcome.state for outcome in outcomes] == ["ran"] * 3
    assert len(warnings) == 1
    assert "ended with exit code 3; the run goes on without Prefect" in warnings[0]


def test_a_failure_inside_prefect_costs_nothing(
    conductor: Maker, watcher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If mapping breaks in the middle of a step, the step is finished directly, none twice."""
    import prefect.futures

    def broken(futures: list[Any]) -> Iterator[Any]:
        for future in futures:
            future.wait()
        raise RuntimeError("an error of Prefect's own")

    monkeypatch.setattr(prefect.futures, "as_completed", broken)
    warnings: list[str] = []
    run = conductor()
    outcomes = run_with_prefect(run, watcher, workers=2, warn=warnings.append)
    assert [outcome.step for outcome in outcomes] == ["clean", "dark", "report"]
    assert list(run.recorded) == ["clean", "dark", "report"]
    (warning,) = warnings
    assert "Prefect failed (RuntimeError: an error of Prefect's own)" in warning
    assert warning.endswith("the run goes on without Prefect")


def test_an_interrupt_ends_the_run(conductor: Maker, watcher: Any) -> None:
    """Ctrl-C while a step is recorded comes out as itself, and the step is not done directly."""
    run = conductor()

    def interrupt(stage: Any, job: Any) -> None:
        raise KeyboardInterrupt

    run.complete = interrupt
    with pytest.raises(KeyboardInterrupt):
        run_with_prefect(run, watcher, workers=1)
    assert run.recorded == {}
    assert [outcome.state for outcome in run.outcomes] == ["failed"]


@pytest.mark.slow
def test_a_server_killed_in_mid_run_loses_nothing(
    conductor: Maker, watcher: Any, warm_root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """After kill -9 of the server the rest is done directly within 30 s, with one warning.

    4.5 s were measured on two shared cores; Prefect's own defaults take 135 s.
    """
    killed: list[float] = []

    def act(step: str, index: int) -> None:
        if step == "dark" and index == 1:
            home = warm_root / ".adversity" / "prefect"
            os.kill(json.loads((home / "server.json").read_text())["pid"], signal.SIGKILL)
            killed.append(time.monotonic())

    run = conductor(act=act)
    run.workspace.root = run.workspace.outputs = warm_root
    outcomes = run_with_prefect(run, watcher, workers=2)
    assert time.monotonic() - killed[0] < 30
    assert [outcome.state for outcome in outcomes] == ["ran"] * 3
    assert watcher.heard.count("dark shard") == 4
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines()[-1].endswith("stopped answering; the run goes on without Prefect")
    assert len(err.splitlines()) == 1


def test_the_command_line_can_import_this_without_prefect() -> None:
    """Prefect takes over a second to import, so only a run that needs it pays."""
    import subprocess

    code = (
        "import sys, adversity_flows.run_pipeline, adversity_flows.schedule; "
        "sys.exit('prefect' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
