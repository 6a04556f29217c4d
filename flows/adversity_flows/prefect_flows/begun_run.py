"""What the process of a scheduled flow run does first: it says that it lives, and clears the pile."""

from __future__ import annotations

from contextlib import suppress
from typing import IO, TYPE_CHECKING
from uuid import UUID

from adversity_flows.prefect_flows.held_runs import hold
from adversity_flows.prefect_flows.missed_runs import drop_missed

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["begin_run"]

_held: list[IO[str]] = []
"""Locked until this process ends: Prefect writes the run's last state after the flow returned."""


def begin_run(root: Path) -> None:
    """Hold the flow run around this call, and drop the runs that were missed before it.

    Args:
        root: The project's folder.
    """
    from prefect.client.orchestration import get_client
    from prefect.runtime import deployment, flow_run

    if flow_run.id is None:
        return
    held = hold(root, flow_run.id)
    if held is not None:
        _held.append(held)
    # No trouble with Prefect costs a run: what is late then runs, too.
    with suppress(Exception), get_client(sync_client=True) as client:
        if deployment.id is not None:
            drop_missed(client, UUID(deployment.id), instead=str(flow_run.name))
