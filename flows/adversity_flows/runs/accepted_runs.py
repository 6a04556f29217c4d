"""Which run of a pipeline was accepted last: what the gates of later runs are compared with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from adversity_flows.runs.past_runs import FOLDER, read_run, write_record

if TYPE_CHECKING:
    from pathlib import Path

    from adversity_flows.runs.past_runs import PastRun

__all__ = ["accept", "accepted_run"]


def accepted_run(root: Path, pipeline: str) -> PastRun | None:
    """Return the newest run of a pipeline in which no gate failed, or None.

    Raises:
        StorageError: If its manifest is damaged.
    """
    try:
        record = json.loads(_pointer(root, pipeline).read_text(encoding="utf-8"))
        name = str(record["run"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return read_run(root, name) if "/" not in name and name != ".." else None


def accept(root: Path, pipeline: str, run: str) -> None:
    """Let a run be what later ones are compared with; where it is so, nothing is written."""
    if getattr(accepted_run(root, pipeline), "id", None) != run:
        path = _pointer(root, pipeline)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_record(path, {"run": run})


def _pointer(root: Path, pipeline: str) -> Path:
    return root / FOLDER / "accepted" / f"{pipeline}.json"
