"""Flow runs whose process was killed: found by locks that the kernel frees, and marked Crashed.

Prefect hears of the end of a run from the run's own process. One that is killed with -9, or whose
server died first, stays `Running` on the server for ever. So every process of a flow run holds a
lock on a file named by the run, as long as it lives; a file that nobody holds is a dead run's.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path
    from typing import IO

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

__all__ = ["UNCLAIMED_SECONDS", "hold", "mark_crashed"]

UNCLAIMED_SECONDS = 300  # a run that no process has taken up, or that is still being cancelled
KEPT = timedelta(days=7)  # a file whose run another server knows, until that one is asked again


def hold(root: Path, flow_run: str) -> IO[str] | None:
    """Say that this process does a flow run, until the file that is returned is closed.

    Args:
        root: The project's folder.
        flow_run: The run's id.

    Returns:
        The locked file, or None where the folder takes no locks: a run is worth more than that.
    """
    path = _folder(root) / str(flow_run)
    new = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = new.open("w", encoding="ascii")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        new.rename(path)  # so that nobody finds it before it is locked
        return file
    return None


def mark_crashed(
    root: Path, client: SyncPrefectClient, *, deployments: Collection[UUID] = ()
) -> list[str]:
    """Mark as Crashed what the server has as at work and no process of this machine does.

    Args:
        root: The project's folder.
        client: Of the server.
        deployments: Of the project: their runs that nobody has taken up for five minutes go, too.

    Returns:
        The names of the runs that were marked.
    """
    dead, living = _by_lock(root)
    marked = [name for path in dead for name in _ended(client, path)]
    return [*marked, *_unclaimed(client, deployments, living)]


def _ended(client: SyncPrefectClient, path: Path) -> Iterator[str]:
    """Yield the name of a dead run if it had to be marked; its file goes."""
    from prefect.exceptions import ObjectNotFound

    try:
        run = client.read_flow_run(UUID(path.name))
    except ObjectNotFound:  # of another server, or deleted there
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        if datetime.now(UTC) - written > KEPT:
            path.unlink(missing_ok=True)
        return
    if run.state is None or not run.state.is_final():
        _crash(client, run, "its process ended without a word: killed, or the server was gone")
        yield run.name
    path.unlink(missing_ok=True)


def _unclaimed(
    client: SyncPrefectClient, deployments: Collection[UUID], living: Collection[str]
) -> Iterator[str]:
    """Yield the names of runs that were marked since nobody began, or ended, them."""
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import StateType

    if not deployments:
        return
    known: dict[str, Any] = {"any_": list(deployments)}
    kinds = filters.FlowRunFilterStateType(any_=[StateType.PENDING, StateType.CANCELLING])
    found = client.read_flow_runs(
        flow_run_filter=filters.FlowRunFilter(
            deployment_id=filters.FlowRunFilterDeploymentId(**known),
            state=filters.FlowRunFilterState(type=kinds),
        )
    )
    for run in found:
        age = datetime.now(UTC) - run.state.timestamp if run.state else timedelta()
        if str(run.id) not in living and age.total_seconds() > UNCLAIMED_SECONDS:
            _crash(client, run, f"no process has had it for {UNCLAIMED_SECONDS // 60} minutes")
            yield run.name


def _crash(client: SyncPrefectClient, run: FlowRun, why: str) -> None:
    from prefect.states import Crashed

    client.set_flow_run_state(run.id, Crashed(message=why), force=False)


def _by_lock(root: Path) -> tuple[list[Path], set[str]]:
    """Return the files of dead runs, and the ids of living ones."""
    dead: list[Path] = []
    living: set[str] = set()
    folder = _folder(root)
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix:  # being made; a process that was killed at it holds no run
            continue
        with suppress(OSError), path.open(encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                living.add(path.name)
            else:
                dead.append(path)
    return dead, living


def _folder(root: Path) -> Path:
    """Return where the locks of a project lie; a look's worktree, which goes, has its project's."""
    for parent in root.parents:
        if parent.name == ".adversity":
            root = parent.parent
    return root / ".adversity" / "prefect" / "at_work"
