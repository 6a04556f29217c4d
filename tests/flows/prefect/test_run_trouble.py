"""What goes wrong in a run through Prefect: with a step, with Prefect, with the server."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from adversity.errors import DataError, StorageError
from adversity_flows.prefect_flows import run_pipeline
from adversity_flows.prefect_flows.run_pipeline import run_with_prefect
from adversity_flows.prefect_flows.server import ServerError

if TYPE_CHECKING:
    from pathlib import Path

Maker = Callable[..., Any]


@contextmanager
def no_server(root: Path) -> Iterator[str]:
    """Fail as a server does that cannot be started."""
    raise ServerError("the Prefect server of this project ended with exit code 3")
    yield ""


def test_an_error_of_a_step_comes_out_as_itself(
    conductor: Maker, watcher: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its class and message survive, no further shard starts, nothing is recorded or printed."""
    ran: list[int] = []

    def act(step: str, index: int) -> None:
        ran.append(index)
        if step == "dark":
            time.sleep(0.05)  # as long as a short shard takes: the run hears of the first meanwhile
            raise DataError("expected an image, got a text; remove a.png")

    run = conductor(act=act, shards=50)
    with pytest.raises(DataError, match=r"^step dark, 1/50: expected an image, got a text"):
        run_with_prefect(run, watcher, workers=1)
    assert list(run.recorded) == ["clean"]
    assert len(ran) < 60
    assert [outcome.state for outcome in run.outcomes] == ["ran", "failed"]
    assert "dark" in run.abandoned
    assert capfd.readouterr() == ("", "")


def test_an_error_while_recording_comes_out_as_itself(conductor: Maker, watcher: Any) -> None:
    """What `complete` raises is the run's error, after all shards were done."""
    run = conductor(steps=("dark",))

    def refuse(stage: Any, stage_run: Any) -> None:
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

    def interrupt(stage: Any, stage_run: Any) -> None:
        raise KeyboardInterrupt

    run.complete = interrupt
    with pytest.raises(KeyboardInterrupt):
        run_with_prefect(run, watcher, workers=1)
    assert run.recorded == {}
    assert [outcome.state for outcome in run.outcomes] == ["failed"]


def test_an_interrupt_between_shards_starts_no_more(conductor: Maker, watcher: Any) -> None:
    """Ctrl-C while shards run comes out at once; of 200 shards nearly all are left."""
    ran: list[int] = []

    def act(step: str, index: int) -> None:
        ran.append(index)
        if len(ran) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.02)

    run = conductor(act=act, shards=200, steps=("dark",))
    with pytest.raises(KeyboardInterrupt):
        run_with_prefect(run, watcher, workers=1)
    assert len(ran) < 100
    assert run.recorded == {}
    assert [outcome.state for outcome in run.outcomes] == ["failed"]
    assert "dark" in run.abandoned
