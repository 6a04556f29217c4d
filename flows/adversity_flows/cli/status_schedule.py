"""What `adversity status` says of scheduled looks: the accepted run, the last look, what comes next."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan
    from adversity.pipeline.read.spec import ScheduleSpec
    from adversity_flows.prefect_flows.deployments import Known
    from adversity_flows.runs.looks import Look
    from adversity_flows.scheduled.lease import Holder

__all__ = ["Looked", "looked_at"]


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of the scheduled looks at a pipeline.

    Attributes:
        file: The pipeline file.
        schedule: When it runs by itself; None without.
        accepted: The pointer on its results branch: `run`, `commit`, `verdict`; empty without.
        last: The last look; None if there was none.
        holder: Who looks now, or was killed at it; None if nobody.
        due: When the next one is; None without a schedule.
        known: What Prefect's server says, where one runs.
    """

    file: str
    schedule: ScheduleSpec | None
    accepted: dict[str, Any]
    last: Look | None
    holder: Holder | None
    due: datetime | None
    known: Known | None

    @property
    def lines(self) -> list[str]:
        """It, for people."""
        lines = []
        if self.accepted:
            commit = str(self.accepted.get("commit", ""))[:10]
            verdict = self.accepted.get("verdict", "")
            lines.append(f"accepted scheduled run {self.accepted['run']} of {commit}: {verdict}")
        if self.schedule is not None and self.due is not None:
            next_time = f"{self.due:%a %Y-%m-%d %H:%M}"
            lines.append(f"scheduled: {self.schedule.words}; next {next_time}")
        if self.last is not None:
            lines.append(f"last look {self.last.started}: {self.last.outcome}: {self.last.verdict}")
            if self.last.unpushed:
                commits = "commit waits" if self.last.unpushed == 1 else "commits wait"
                lines.append(
                    f"{self.last.unpushed} {commits} to be pushed; the next look tries again"
                )
        if self.holder is not None:
            state = "is at work" if self.holder.lives else "was killed, and the next one heals it"
            lines.append(f"a scheduled look {state}: {self.holder.words}")
        if self.known is not None and self.due is not None:
            from adversity_flows.cli.schedule.listing import words_of

            lines.append(f"Prefect: {words_of(self.known, self.file, self.due)}")
        return lines

    @property
    def record(self) -> dict[str, Any]:
        """It, for programs."""
        from adversity_flows.cli.schedule.listing import record_of

        return {
            "accepted_scheduled_run": self.accepted or None,
            "next_look": self.due and self.due.isoformat(),
            "last_look": self.last and self.last.as_json(),
            "look_at_work": self.holder
            and {
                "started": self.holder.started,
                "pid": self.holder.pid,
                "commit": self.holder.commit,
                "lives": self.holder.lives,
            },
            "prefect": record_of(self.known),
        }


def looked_at(root: Path, plans: list[Plan]) -> list[Looked]:
    """Return what is known of the looks at pipelines; nothing is changed or fetched.

    Args:
        root: The project's folder.
        plans: The pipelines.
    """
    from adversity_flows.cli.schedule.listing import known_here
    from adversity_flows.runs.looks import past_looks
    from adversity_flows.scheduled.lease import holder_of, state_folder

    scheduled = any(plan.spec.schedule for plan in plans)
    known = known_here(root, mark=False) if scheduled else {}
    return [
        Looked(
            plan.file,
            plan.spec.schedule,
            _accepted(root, plan.name),
            next(reversed(past_looks(root, plan.name)), None),
            holder_of(state_folder(root, plan.name)),
            _due(plan.spec.schedule),
            known.get(plan.file),
        )
        for plan in plans
    ]


def _accepted(root: Path, pipeline: str) -> dict[str, Any]:
    """Return the accepted run that stands on the results branch, as it is known here."""
    from adversity.errors import AdversityError
    from adversity_flows.scheduled.branch import ResultsBranch
    from adversity_flows.scheduled.git import Git

    with suppress(AdversityError):
        found = ResultsBranch(Git(root), pipeline).record("accepted.json")
        return found if found.get("run") else {}
    return {}


def _due(schedule: ScheduleSpec | None) -> datetime | None:
    from datetime import UTC, datetime

    if schedule is None:
        return None
    from adversity_flows.prefect_flows.due import due_times

    return due_times(schedule, datetime.now(UTC), 1)[0]
