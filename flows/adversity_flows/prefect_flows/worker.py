"""A worker of the project's work pool, and the server that it asks for runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from adversity.errors import RunError
from adversity_flows.prefect_flows.deployments import deployments_of
from adversity_flows.prefect_flows.held_runs import mark_crashed
from adversity_flows.prefect_flows.lent_client import lent_client
from adversity_flows.prefect_flows.missed_runs import drop_missed, make_up, missed_since
from adversity_flows.prefect_flows.server import page_of, project_server
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from adversity.pipeline.read.spec import ScheduleSpec

__all__ = ["work"]

MARK_SECONDS = 30.0
STOP_SECONDS = 60.0


def work(
    root: Path,
    pool: str,
    schedules: Mapping[str, ScheduleSpec],
    *,
    limit: int,
    announce: Callable[[str], None],
) -> None:
    """Start the runs of deployed pipelines as they become due, until interrupted.

    Args:
        root: The project's folder.
        pool: The work pool.
        schedules: Of the project's pipelines, by file: what they missed is made up for.
        limit: Runs at the same time.
        announce: Told where the runs can be seen.

    Raises:
        ServerError: The server did not start, or does not answer.
        RunError: The worker ended by itself.
    """
    with project_server(root) as url:
        with lent_client(root) as client:
            known = deployments_of(client, root)
            mark_crashed(root, client, deployments=[one.id for one in known.values()])
            for file, one in known.items():
                if one.work_pool_name != pool or file not in schedules:
                    continue
                active = not one.paused and any(plan.active for plan in one.schedules)
                missed = missed_since(client, one.id, schedules[file]) if active else 0
                drop_missed(client, one.id, instead="the next run")
                if missed:
                    make_up(root, client, one, missed)
                    announce(f"{file}: {missed} missed; one run makes up for that, now")
        announce(f"runs are listed at {without_secrets(page_of(url))}")
        _worker(root, pool, limit, url)


def _worker(root: Path, pool: str, limit: int, url: str) -> None:
    """Keep Prefect's worker at work; its end is ours."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool]
    own = {
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    process = subprocess.Popen(
        [*command, "--type", "process", "--limit", str(limit)],
        cwd=root,
        env=os.environ | own,
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is ours to pass on
    )
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(MARK_SECONDS)
                raise RunError(f"the worker of the pool {pool} ended with exit code {code}")
            with suppress(Exception), lent_client(root) as client:
                known = deployments_of(client, root)
                mark_crashed(root, client, deployments=[one.id for one in known.values()])
    except KeyboardInterrupt:
        return
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()
