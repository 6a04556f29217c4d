"""Adversity runs in MLflow: installing this distribution is opting in.

The three life-cycle hooks, and which tracker hears them. MLflow itself is imported when a run
starts, so that listing plugins stays fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity_mlflow.tracker import Tracker

_trackers: dict[str, Tracker] = {}
"""The runs that are going on, by the id under which they were announced."""


@hookimpl
def adversity_run_started(run: Mapping[str, Any]) -> None:
    """Open an MLflow run.

    Raises:
        TrackingError: If MLflow does not take it; the run is then not tracked.
    """
    from pathlib import Path

    from adversity_mlflow.tracker import Tracker

    tracker = _trackers[run["announced"]] = Tracker(Path(run["root"]))
    tracker.start(run)


@hookimpl
def adversity_step_finished(run: Mapping[str, Any], step: Mapping[str, Any]) -> None:
    """Log what a step measured, whether it ran or was found unchanged.

    Raises:
        TrackingError: If MLflow does not take it; nothing more of this run is tracked.
    """
    tracker = _trackers.get(run["announced"])
    if tracker is not None:
        tracker.log_step(step)


@hookimpl
def adversity_run_finished(run: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Log the verdict and the report, and end the MLflow run.

    Raises:
        TrackingError: If MLflow does not take it, or something had to be cut.
    """
    tracker = _trackers.pop(run["announced"], None)
    if tracker is not None:
        tracker.finish(run, result)
