"""The line of a look that could not leave it itself."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from adversity_flows.runs.looks import Look

if TYPE_CHECKING:
    from adversity_flows.scheduled.lease import Holder

__all__ = ["dead_look"]


def dead_look(dead: Holder, pipeline: str) -> Look:
    """Return what is known of a look whose process is gone.

    Args:
        dead: Who held the lease.
        pipeline: The pipeline's name.
    """
    begun = datetime.fromisoformat(dead.started).timestamp()
    return Look(
        id=dead.look,
        pipeline=pipeline,
        outcome="killed",
        verdict=f"{dead.words}, was killed or its machine went away",
        started=dead.started,
        seconds=round(max(0.0, dead.beat - begun), 3),
        commit=dead.commit,
    )
