"""What plugins hear of a run: the arguments of the life-cycle hooks.

`adversity.hookspecs` documents every key; what stands there is what is made here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.report import problems, report_json, verdict
from adversity.report.values.paired import cell_key
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.engine.stages.stage import StageResult
    from adversity.pipeline.plan.model import Plan, Stage
    from adversity.report.values.model import Outcome
    from adversity_flows.runs.environment import Circumstances
    from adversity_flows.runs.finished_run import FinishedRun
    from adversity_flows.runs.past_runs import RunFolder

__all__ = ["RunFacts", "failure_facts", "result_facts", "step_facts"]


class RunFacts:
    """The facts of one run as they are when they are read."""

    def __init__(
        self, plan: Plan, folder: RunFolder, command: str, circumstances: Circumstances
    ) -> None:
        """Remember the run; nothing is looked up yet.

        Args:
            plan: The pipeline.
            folder: The run's folder, which may get another name when it is made.
            command: How the run was called.
            circumstances: With what it happens.
        """
        self._plan = plan
        self._folder = folder
        self._announced = folder.id
        self._command = command
        self._circumstances = circumstances

    def now(self) -> dict[str, Any]:
        """Return them; id and folder are those of this moment."""
        plan = self._plan
        return {
            "id": self._folder.id,
            "announced": self._announced,
            "pipeline": plan.name,
            "folder": str(self._folder.path),
            "root": str(plan.root),
            "file": plan.file,
            "command": self._command,
            "steps": [stage.step for stage in plan.stages],
            "parameters": plan.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
            "git": self._circumstances.git,
            "versions": self._circumstances.versions,
        }


def step_facts(
    stage: Stage, outcome: Outcome, result: StageResult, outputs: Path
) -> dict[str, Any]:
    """Return what a hook hears of a step that finished or was found unchanged.

    Args:
        stage: The step.
        outcome: What happened to it.
        result: What it measured.
        outputs: The folder that `Stage.out` is relative to.
    """
    return {
        "id": stage.step,
        "outcome": outcome.state,
        "reason": outcome.reason,
        "seconds": outcome.seconds,
        "measures": result.measures,
        "notes": list(result.notes),
        "folder": str(outputs / stage.out),
    }


def result_facts(finished: FinishedRun) -> dict[str, Any]:
    """Return what a hook hears of a run that came to a verdict.

    Args:
        finished: The run.
    """
    state, line = verdict(finished.report)
    return {
        "verdict": state,
        "line": line,
        "exit_code": finished.exit_code,
        "seconds": finished.seconds,
        "gates": report_json(finished.report)["gates"],
        "problems": list(problems(finished.report)),
        "measures": {
            step.id: {cell_key(cell.cell): dict(cell.measures) for cell in step.cells}
            for step in finished.report.steps
            if step.cells
        },
        "report": str(finished.past.page),
        "folder": str(finished.past.path),
        "repeats": finished.past.id if finished.repeated else None,
        "error": None,
    }


def failure_facts(
    error: BaseException, folder: RunFolder, code: int, seconds: float
) -> dict[str, Any]:
    """Return what a hook hears of a run that was interrupted or in which a step failed.

    Args:
        error: What ended it.
        folder: The run's folder.
        code: The exit code.
        seconds: Wall time.
    """
    message = without_secrets(str(error)) or type(error).__name__
    return {
        "verdict": "error",
        "line": message,
        "exit_code": code,
        "seconds": seconds,
        "gates": [],
        "problems": [],
        "measures": {},
        "report": None,
        "folder": str(folder.path) if folder.exists else None,
        "repeats": None,
        "error": message,
    }
