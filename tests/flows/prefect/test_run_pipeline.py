"""The Prefect door: the results of the direct loop, in sight, whatever happens to Prefect."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import prefect.artifacts
import pytest

from adversity.engine.stages.stage import Progress
from adversity_flows.prefect_flows import run_pipeline
from adversity_flows.prefect_flows.run_pipeline import run_with_prefect
from adversity_flows.prefect_flows.server import ServerError, project_server
from adversity_flows.steps.run_steps import conduct

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
        ("clean", "Completed", "never ran: clean; a|note"),
        ("dark (fog > fixed)", "Cached", "nothing it depends on changed"),
        ("report", "Completed", "never ran: report; a|note"),
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
    """A step's table, its full progress bar, its report's text and its images are published."""
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


def test_a_shard_that_takes_long_says_where_it_is(
    conductor: Maker, watcher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the words and the share of the progress bar, and to the watcher, while it goes on."""
    moved: list[tuple[float, str]] = []
    move = prefect.artifacts.update_progress_artifact

    def noted(bar: Any, progress: float, description: str) -> Any:
        moved.append((progress, description))
        return move(bar, progress, description)

    monkeypatch.setattr("prefect.artifacts.update_progress_artifact", noted)
    monkeypatch.setattr("adversity_flows.prefect_flows.artifacts.PROGRESS_SECONDS", 0.0)
    says = Progress("epoch 3/6 · loss 0.4", 0.5)
    run = conductor(name="long", steps=("dark",), shards=2, says=says)
    run_with_prefect(run, watcher, workers=1)
    base = "Finished shards of dark"
    assert moved[0] == (25, f"{base}; 1/2: epoch 3/6 · loss 0.4")
    assert (75, f"{base}; 2/2: epoch 3/6 · loss 0.4") in moved  # before or after the first is told
    assert moved[-1] == (100, base)
    assert moved == sorted(moved, key=lambda each: each[0])
    assert "dark 1/2 epoch 3/6 · loss 0.4" in watcher.heard
    with records(run.workspace.root) as client:
        found = {item.key: item for item in client.read_artifacts()}
    assert (found["long-dark-progress"].data, found["long-dark-progress"].description) == (
        100,
        base,
    )


def test_a_forced_step_runs_its_finished_shards_again(conductor: Maker, watcher: Any) -> None:
    """All shards run although the store has them; without force only the pending ones do."""
    for force, expected in (frozenset({"dark"}), [0, 1, 2, 3]), (frozenset(), [3]):
        ran: list[int] = []
        run = conductor(act=lambda step, index, ran=ran: ran.append(index), steps=("dark",))
        run.finished["dark"] |= {0, 1, 2}
        run.force = force
        run_with_prefect(run, watcher, workers=1)
        assert sorted(ran) == expected


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


def test_the_command_line_can_import_this_without_prefect() -> None:
    """Prefect takes over a second to import, so only a run that needs it pays."""
    import subprocess

    code = (
        "import sys, adversity_flows.prefect_flows.run_pipeline, adversity_flows.prefect_flows.schedule; "
        "sys.exit('prefect' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_second_wave_waits_for_the_first(conductor: Maker, watcher: Any) -> None:
    """No shard of the second wave starts before every one of the first is done, at any door."""
    for door in (lambda run: run_with_prefect(run, watcher, workers=4, warn=pytest.fail), conduct):
        ran: list[int] = []

        def act(step: str, index: int, ran: list[int] = ran) -> None:
            time.sleep(0.05 if index == 0 else 0)
            ran.append(index)

        run = conductor(act=act, steps=("dark",), first_wave=2)
        (outcome,) = door(run)
        assert sorted(ran[:2]) == [0, 1]
        assert sorted(ran[2:]) == [2, 3]
        assert outcome.state == "ran"


@pytest.mark.parametrize(
    ("code", "kind", "name"), [(0, "COMPLETED", "Completed"), (1, "FAILED", "GateFailed")]
)
def test_the_state_of_the_flow_is_the_verdict(
    conductor: Maker, watcher: Any, prefect_root: Path, code: int, kind: str, name: str
) -> None:
    """A failed gate is no success in Prefect and no error of Prefect; notes are said at steps."""
    run = conductor(steps=("clean",), name=f"judged{code}")
    warnings: list[str] = []
    outcomes = run_with_prefect(
        run, watcher, workers=1, warn=warnings.append, conclude=lambda: (code, "two gates")
    )
    assert (warnings, [outcome.state for outcome in outcomes]) == ([], ["ran"])
    with records(prefect_root) as client:
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName

        only = FlowRunFilter(name=FlowRunFilterName(any_=[run.plan.name]))
        (flow_run,) = client.read_flow_runs(flow_run_filter=only)
    assert (flow_run.state.type.value, flow_run.state.name) == (kind, name)
    assert flow_run.state.message == f"exit code {code}: two gates"
    ((_, _, message),) = [
        found for found in task_runs(prefect_root, run.plan.name, 5) if found[0] == "clean"
    ]
    assert message == "never ran: clean; a|note"
