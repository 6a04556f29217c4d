"""Who works in a project now, by the reservations that DVC keeps."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity_flows.dvc.repository import BusyError

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan

__all__ = ["AtWork", "at_work", "refuse_at_work"]


@dataclass(frozen=True, slots=True)
class AtWork:
    """A living process that makes something of the project.

    Attributes:
        pid: The process.
        command: How it was called.
        makes: Paths that it reserved for writing, relative to the project.
    """

    pid: int
    command: str
    makes: tuple[str, ...]


def at_work(root: Path) -> tuple[AtWork, ...]:
    """Return the processes that have reserved something and still live, by their number.

    What a killed process left reserved is passed over, as DVC does.
    """
    import psutil

    root = root.resolve()
    found: dict[tuple[int, str], list[str]] = {}
    try:
        record = json.loads((root / ".dvc" / "tmp" / "rwlock").read_text(encoding="utf-8"))
        for path, entry in record.get("write", {}).items():
            who = int(entry["pid"]), str(entry["cmd"])
            found.setdefault(who, []).append(os.path.relpath(path, root))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()  # nobody ever worked here, or it is being written
    return tuple(
        AtWork(pid, command, tuple(sorted(paths)))
        for (pid, command), paths in sorted(found.items())
        if psutil.pid_exists(pid)
    )


def refuse_at_work(plan: Plan) -> None:
    """Refuse to change a pipeline's file while another process computes a step of what it says.

    Data sets are left aside: several pipelines may read one, and runs take turns at it.

    Raises:
        BusyError: With the process.
    """
    steps = {stage.out for stage in plan.stages if not stage.step.startswith("data:")}
    for each in at_work(plan.root):
        if each.pid != os.getpid() and (made := steps.intersection(each.makes)):
            raise BusyError(
                f"{plan.file}: expected nobody at work on it, but process {each.pid} "
                f"({each.command}) makes {', '.join(sorted(made))}; nothing was written: wait for "
                "it or end it, then run again"
            )
