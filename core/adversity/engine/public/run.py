"""Run a pipeline from Python: computes into a folder, records nothing."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.data.ledger import Ledger
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.shard_pool import run_shards
from adversity.engine.summary.ledger import keep
from adversity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.engine.stages.stage import StageResult, StageRun
    from adversity.pipeline.plan.model import Plan
    from adversity.report.values.model import GateResult

__all__ = ["RunResult", "compute_stage", "run"]


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run measured.

    Attributes:
        steps: Step id to its result.
        gates: Their verdicts.
        report: The HTML page.
    """

    steps: Mapping[str, StageResult]
    gates: tuple[GateResult, ...]
    report: Path


def run(
    pipeline: str | Path,
    *,
    into: str | Path,
    root: str | Path | None = None,
    overrides: Sequence[str] = (),
    workers: int = 1,
) -> RunResult:
    """Run a pipeline into a folder; nothing is recorded and nothing outside it is written.

    The ledger of attacks lies in the folder, too: runs into one folder share it, so the worst
    case over all attacks is over those of earlier runs into it as well.

    Args:
        pipeline: The pipeline file.
        into: The folder for artifacts, metrics and the report; made if missing.
        root: The project's folder; the current one if not given.
        overrides: For example `steps.attacked.with.eps=2/255`.
        workers: Shards at the same time.

    Raises:
        InputError: If anything in the file or the data is wrong.
        RunError: If the run cannot go on.
    """
    from adversity.engine.summary.judged_run import judged_run
    from adversity.engine.summary.summarise import build_report
    from adversity.pipeline.make_plan import make_plan
    from adversity.pipeline.read.load import load_pipeline
    from adversity.registry import discover
    from adversity.report.writers.html import write_html

    if workers < 1:
        raise InputError(f"expected workers >= 1, got {workers}")
    base = Path(root or Path.cwd()).resolve()
    plan = make_plan(load_pipeline(Path(pipeline), root=base, overrides=overrides), discover())
    out = Path(into).resolve()
    workspace = Workspace(base, out, out / "store")
    ledger = Ledger(out / "ledger")
    results = {
        stage.step: compute_stage(plan, stage.step, workspace, workers) for stage in plan.stages
    }
    for planned in plan.steps.values():
        if planned.role == "attack":
            keep(ledger, out / plan.stage(planned.id).out)
    gates = judged_run(plan, workspace, ledger=ledger).gates
    page = out / "report.html"
    write_html(build_report(plan, workspace, gates=gates, ledger=ledger), page)
    return RunResult(results, gates, page)


def compute_stage(plan: Plan, step: str, workspace: Workspace, workers: int) -> StageResult:
    """Compute a stage whose upstream artifacts are there into its folder; nothing is recorded.

    Args:
        plan: The pipeline.
        step: The stage's step.
        workspace: Where it reads and writes.
        workers: Shards at the same time.

    Raises:
        InputError: If its data are wrong.
        RunError: If it cannot go on.
    """
    import shutil

    stage = plan.stage(step)
    stage_run = open_stage(plan, stage, workspace)
    _compute(stage_run, workers)
    if stage_run.damaged:
        warnings.warn(
            f"step {step}: damaged in the store, taken out and computed again: "
            f"{', '.join(stage_run.damaged)}",
            stacklevel=3,
        )
    out = workspace.outputs / stage.out
    beside = out.with_name(out.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    result = stage_run.finish(beside, workspace.outputs / stage.metrics if stage.metrics else None)
    shutil.rmtree(out, ignore_errors=True)
    beside.rename(out)
    return result


def _compute(stage_run: StageRun, workers: int) -> None:
    """Compute what is missing; one worker is this thread, which keeps its plugins set up."""
    for wave in stage_run.waves():
        if workers == 1:
            for shard in wave:
                stage_run.run_shard(shard)
        else:
            for _ in run_shards(wave, stage_run.run_shard, workers=workers):
                pass
