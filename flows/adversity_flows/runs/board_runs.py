"""The runs of a project as a board reads them: those that came to their end, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.engine.summary.board import boards_of
from adversity.engine.summary.recorded_run import RecordedRun, recorded_metrics
from adversity.errors import StorageError
from adversity_flows.runs.past_runs import FOLDER, read_run
from adversity_flows.runs.recorded_runs import past_run

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.registry import Registry
    from adversity.report.values.board import Boards

__all__ = ["MOST", "project_board"]

MOST = 200
"""Of more runs the last ones are read."""


def project_board(root: Path, registry: Registry) -> Boards:
    """Return the boards of a project and the history of its pipelines.

    A run that is damaged, or was never finished, is left out; of a damaged one that is said.

    Args:
        root: The project's folder.
        registry: The plugins that are installed: their metrics say what a measure is the mean of.
    """
    runs: list[RecordedRun] = []
    left_out: list[str] = []
    folders = sorted(path.name for path in (root / FOLDER).glob("[0-9]*-*") if path.is_dir())
    if len(folders) > MOST:
        left_out.append(f"{len(folders) - MOST:,} runs before the last {MOST}")
    for name in folders[-MOST:]:
        try:
            past = read_run(root, name)
            if past is not None and past.manifest.get("state") == "done" and past.page.is_file():
                runs.append(_slight(past_run(past)))
        except StorageError as error:
            left_out.append(f"{name}: {error}")
    metrics = {run.name: recorded_metrics(run, registry)[0] for run in runs}
    return boards_of(root.name, runs, metrics, left_out=left_out)


def _slight(run: RecordedRun) -> RecordedRun:
    """Drop what charts are drawn from, most of a run's result: a board holds many runs at once."""
    for step in run.result["steps"]:
        for cell in (*step.get("cells", ()), *step.get("over_seeds", ())):
            for measure in cell["measures"].values():
                measure.pop("details", None)
    return run
