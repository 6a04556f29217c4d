"""Runs that were due while nobody could start them: one makes up for all of them.

A machine that slept, or a scheduler that was not there, leaves a pile of late runs on the server,
and Prefect would do them all, one after the other, on the same data.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import takewhile
from typing import TYPE_CHECKING

from adversity_flows.prefect_flows.due import due_times

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, State, StateType
    from prefect.client.schemas.responses import DeploymentResponse

    from adversity.pipeline.read.spec import ScheduleSpec

__all__ = ["MISSED", "drop_missed", "make_up", "missed_since"]

MISSED = "Missed"
MANY = 1000


def drop_missed(client: SyncPrefectClient, deployment: UUID, *, instead: str) -> int:
    """Cancel the runs of a deployment that its schedule made and that are late; return how many.

    Args:
        client: Of the server.
        deployment: Its id.
        instead: What makes up for them, for the message of their state.
    """
    from prefect.client.schemas.objects import StateType
    from prefect.states import Cancelled

    now = datetime.now(UTC)
    dropped = 0
    for run in _runs(client, deployment, [StateType.SCHEDULED]):
        due = run.next_scheduled_start_time or run.expected_start_time
        if run.auto_scheduled and due is not None and due < now:
            state: State[None] = Cancelled(
                name=MISSED, message=f"nobody started it; {instead} makes up for it"
            )
            client.set_flow_run_state(run.id, state)
            dropped += 1
    return dropped


def missed_since(client: SyncPrefectClient, deployment: UUID, schedule: ScheduleSpec) -> int:
    """Return how many times of a schedule went by since the last run of a deployment.

    0 if it never ran, or is paused: then nobody waits for a run. At most a thousand are counted.

    Args:
        client: Of the server.
        deployment: Its id.
        schedule: Of the pipeline, as its file has it now.
    """
    from prefect.client.schemas.objects import StateType

    states = [state for state in StateType if state != StateType.SCHEDULED]
    began = [run for run in _runs(client, deployment, states) if run.run_count]
    last = max((time for run in began if (time := _until(run))), default=None)
    if last is None:
        return 0
    now = datetime.now(UTC)
    # What is due at the very time of the last run is that run.
    due = [time for time in due_times(schedule, last, MANY) if time > last]
    return sum(1 for _ in takewhile(lambda time: time <= now, due))


def _until(run: FlowRun) -> datetime | None:
    """Return up to when a run did what was due; a killed one did no more than what it was for."""
    due = run.expected_start_time
    if due is None or run.end_time is None or run.state_name == "Crashed":
        return due
    return max(due, run.end_time)


def make_up(
    root: Path, client: SyncPrefectClient, deployment: DeploymentResponse, missed: int
) -> FlowRun:
    """Order one run of a deployment for all that were missed.

    Args:
        root: The project's folder.
        client: Of the server.
        deployment: It.
        missed: How many.
    """
    from prefect.states import Scheduled

    from adversity_flows.prefect_flows.run_names import name_of

    now = datetime.now(UTC)
    file = str((deployment.parameters or {}).get("pipeline"))
    state: State[None] = Scheduled(scheduled_time=now, message=f"makes up for {missed} missed")
    name = name_of(root, file, now)
    return client.create_flow_run_from_deployment(deployment.id, state=state, name=name)


def _runs(
    client: SyncPrefectClient, deployment: UUID, states: Sequence[StateType]
) -> list[FlowRun]:
    from prefect.client.schemas import filters
    from prefect.client.schemas.sorting import FlowRunSort

    return client.read_flow_runs(
        flow_run_filter=filters.FlowRunFilter.model_validate(
            {
                "deployment_id": {"any_": [deployment]},
                "state": {"type": {"any_": states}},
            }
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
    )
