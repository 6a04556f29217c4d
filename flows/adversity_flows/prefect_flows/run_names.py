"""What a scheduled flow run is called: `night-photos 2026-11-30 02:00`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from adversity.errors import AdversityError
from adversity.pipeline.read.load import load_pipeline

__all__ = ["name_of", "run_name"]


def name_of(root: Path, pipeline: str, at: datetime) -> str:
    """Return the name of a run: the pipeline's, and when it was due in its schedule's time zone.

    Args:
        root: The project's folder.
        pipeline: The pipeline file, relative to it.
        at: Aware.
    """
    try:
        spec = load_pipeline(root / pipeline, root=root).spec
    except AdversityError:  # the run itself says what is wrong with the file
        return f"{Path(pipeline).stem} {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    zone = ZoneInfo(spec.schedule.timezone) if spec.schedule else UTC
    return f"{spec.name} {at.astimezone(zone):%Y-%m-%d %H:%M}"


def run_name() -> str:
    """Return the name of the flow run around this call; Prefect asks for it."""
    from prefect.runtime import flow_run

    parameters = flow_run.parameters
    at = flow_run.scheduled_start_time or datetime.now(UTC)
    return name_of(Path(str(parameters.get("root"))), str(parameters.get("pipeline")), at)
