"""What became of the last try of a pipeline, whether it came to an end or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.errors import StorageError
from adversity_flows.runs.past_runs import FOLDER, read_run

if TYPE_CHECKING:
    from pathlib import Path

    from adversity_flows.runs.past_runs import PastRun

__all__ = ["latest_run"]


def latest_run(root: Path, pipeline: str) -> PastRun | None:
    """Return the newest run of a pipeline in any state: `done`, `failed`, `interrupted`, `running`.

    One that is `running` where nobody works was killed. A run whose manifest is damaged is
    passed over: who compares with it says so.
    """
    for folder in sorted((root / FOLDER).glob(f"[0-9]*-{pipeline}*"), reverse=True):
        try:
            past = read_run(root, folder.name)
        except StorageError:
            continue
        if past is not None and past.manifest.get("pipeline") == pipeline:
            return past
    return None
