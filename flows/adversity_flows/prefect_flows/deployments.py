"""What Prefect's server knows of a project's schedules: paused, last, next; and runs on demand."""

from __future__ import annotations

import fcntl
import re
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from adversity.errors import InputError, RunError
from adversity_flows.exit_codes import FAILED
from adversity_flows.prefect_flows.run_names import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import DeploymentResponse

__all__ = [
    "FLOW",
    "Known",
    "chosen",
    "deployments_of",
    "known_of",
    "nobody_starts",
    "said_at_end",
    "serving",
    "set_paused",
    "trigger",
    "wait_for_end",
]

FLOW = "scheduled_run"
POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Known:
    """What the server knows of a pipeline's schedule.

    Attributes:
        paused: Its times start nothing.
        started_by: The work pool whose worker starts its runs; None: `schedule serve` does.
        waits: Nobody is there now who would start a run.
        last: State of the last run that began or was refused, such as `GateFailed`; None without.
        last_at: When that was due.
        next_at: When the server has the next run; None if it has none.
    """

    paused: bool
    started_by: str | None
    waits: bool
    last: str | None
    last_at: datetime | None
    next_at: datetime | None


def deployments_of(client: SyncPrefectClient, root: Path) -> dict[str, DeploymentResponse]:
    """Return the deployments of a project by pipeline file.

    Args:
        client: Of the server.
        root: The project's folder; what other projects have on the same server is passed over.
    """
    from prefect.client.schemas.filters import FlowFilter

    found: dict[str, DeploymentResponse] = {}
    chosen = FlowFilter.model_validate({"name": {"any_": [FLOW]}})
    offset = 0
    while page := client.read_deployments(flow_filter=chosen, limit=200, offset=offset):
        for one in page:
            parameters = one.parameters or {}
            if parameters.get("root") == str(root):
                found[str(parameters.get("pipeline"))] = one
        offset += len(page)
    return found


def set_paused(client: SyncPrefectClient, deployment: DeploymentResponse, *, paused: bool) -> None:
    """Pause or resume the times of a deployment; a run can be triggered all the same.

    Args:
        client: Of the server.
        deployment: It.
        paused: Which of the two.
    """
    for schedule in deployment.schedules:
        client.update_deployment_schedule(deployment.id, schedule.id, active=not paused)
    if deployment.paused and not paused and deployment.work_pool_name:
        client.resume_deployment(deployment.id)  # paused on Prefect's page


def trigger(
    root: Path,
    client: SyncPrefectClient,
    deployment: DeploymentResponse,
    changes: Sequence[str],
) -> FlowRun:
    """Order a run of a deployment, now.

    Args:
        root: The project's folder.
        client: Of the server.
        deployment: It.
        changes: Settings, as `--set` of `adversity run` takes them.
    """
    file = str((deployment.parameters or {}).get("pipeline"))
    more: Mapping[str, list[str]] = {"changes": list(changes)} if changes else {}
    return client.create_flow_run_from_deployment(
        deployment.id, parameters=dict(more), name=name_of(root, file, datetime.now(UTC))
    )


def wait_for_end(
    client: SyncPrefectClient, run: UUID, *, tell: Callable[[str], None] = lambda state: None
) -> FlowRun:
    """Return a run once it has ended.

    Args:
        client: Of the server.
        run: Its id.
        tell: Told every state that it comes to.
    """
    said = ""
    while True:
        found = client.read_flow_run(run)
        name = found.state.name if found.state else ""
        if name and name != said:
            tell(said := str(name))
        if found.state and found.state.is_final():
            return found
        time.sleep(POLL_SECONDS)


def said_at_end(run: FlowRun) -> tuple[int, str]:
    """Return the exit code that the state of a run means, and what it says.

    A run that was cancelled since another one of its pipeline was at work, that crashed or was
    dropped came to no verdict: that is a failed run.

    Args:
        run: It, ended.
    """
    message = str(run.state.message or "") if run.state else ""
    code = re.match(r"exit code (-?\d+)(?:: )?", message)
    if code is None:
        return FAILED, f"{run.state_name}: {message}" if message else str(run.state_name)
    number = int(code[1])
    return number if number >= 0 else FAILED, message[code.end() :]


def known_of(client: SyncPrefectClient, root: Path, deployment: DeploymentResponse) -> Known:
    """Return what the server knows of a deployment.

    Args:
        client: Of the server.
        root: The project's folder.
        deployment: It.
    """
    from prefect.client.schemas import filters
    from prefect.client.schemas.sorting import FlowRunSort

    runs = client.read_flow_runs(
        flow_run_filter=filters.FlowRunFilter.model_validate(
            {"deployment_id": {"any_": [deployment.id]}}
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
    )
    waiting = [run.expected_start_time for run in runs if run.state and run.state.is_scheduled()]
    began = [run for run in runs if run.run_count]  # others were left out, or missed
    last = began[0] if began else None
    active = any(schedule.active for schedule in deployment.schedules)
    pool = deployment.work_pool_name
    return Known(
        paused=not active or bool(pool and deployment.paused),
        started_by=pool,
        waits=nobody_starts(client, root, deployment),
        last=last.state_name if last else None,
        last_at=last.expected_start_time if last else None,
        next_at=min((time for time in waiting if time), default=None),
    )


def nobody_starts(client: SyncPrefectClient, root: Path, deployment: DeploymentResponse) -> bool:
    """Tell whether a run of a deployment would wait: no worker of its pool, no `schedule serve`.

    Args:
        client: Of the server.
        root: The project's folder.
        deployment: It.
    """
    if deployment.work_pool_name:
        workers = client.read_workers_for_work_pool(deployment.work_pool_name)
        return not any(str(worker.status.value) == "ONLINE" for worker in workers)
    if deployment.paused:
        return True  # who serves it pauses it when it ends
    with suppress(OSError), _lock_file(root).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
    return False  # a folder that takes no locks: nobody can tell


@contextmanager
def serving(root: Path) -> Iterator[None]:
    """Say that this process serves pipelines of a project; several may.

    Args:
        root: The project's folder.

    Raises:
        RunError: The folder cannot be written.
    """
    path = _lock_file(root)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("a")
    except OSError as error:
        raise RunError(
            f"expected a folder that can be written, got {path.parent}: {error}"
        ) from error
    with lock:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def chosen(
    known: Mapping[str, DeploymentResponse], root: Path, files: Sequence[Path]
) -> list[tuple[str, DeploymentResponse]]:
    """Return the deployments of pipeline files, all of the project if none is named.

    Args:
        known: Of the project, by file.
        root: The project's folder.
        files: Pipeline files.

    Raises:
        InputError: One has no deployment, or there is none at all.
    """
    names = [file.resolve().relative_to(root).as_posix() for file in files] or sorted(known)
    missing = [name for name in names if name not in known]
    if missing or not names:
        what = ", ".join(missing) or "none of the project's pipelines"
        raise InputError(
            f"expected a pipeline that Prefect knows, got {what}; start `adversity schedule serve` "
            "or `adversity schedule deploy` first"
        )
    return [(name, known[name]) for name in names]


def _lock_file(root: Path) -> Path:
    return root / ".adversity" / "prefect" / "serving"
