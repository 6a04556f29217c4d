"""Computing a part of a pipeline once more, as a run does, into a folder that goes away."""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.data.checksums import verified_file
from adversity.data.stored import TABLE, StoredTable
from adversity.engine.set_up.workspace import Workspace
from adversity.report.values.model import Outcome
from adversity_flows.dvc.on_disk import on_disk
from adversity_flows.steps.shards import in_step, run_waves

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.contracts import Measure
    from adversity.engine.stages.stage import StageResult
    from adversity.pipeline.plan.model import Stage
    from adversity_flows.proof.part import Part
    from adversity_flows.steps.watch import Watcher

__all__ = ["Recomputed", "recomputed"]


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What was computed.

    Attributes:
        workspace: Where it lies.
        part: What it is of.
        results: What was measured, by step.
    """

    workspace: Workspace
    part: Part
    results: Mapping[str, StageResult]

    def measures(self, step: str, cell: Mapping[str, str]) -> Mapping[str, Measure]:
        """Return what was measured in a cell of a step, or in a group of samples in it."""
        result, wanted = self.results[step], set(cell.items())
        cells = result.cells(self.part.plan.steps[step])
        key = next((one.key for one in cells if set(one.values) == wanted), None)
        return {} if key is None else result.measures.get(key, {})

    def table(self, step: str) -> StoredTable | None:
        """Return the rows of a step; None where it leaves none."""
        folder = self.workspace.outputs / self.part.plan.stage(step).out
        return StoredTable(verified_file(folder, TABLE)) if (folder / TABLE).is_file() else None


@contextmanager
def recomputed(part: Part, watcher: Watcher, hashes: Mapping[str, str]) -> Iterator[Recomputed]:
    """Compute a part of a pipeline; nothing is recorded, and nothing stays.

    Args:
        part: The part.
        watcher: Told of progress.
        hashes: What DVC recorded of the artifacts that are taken, by path.

    Raises:
        AdversityError: If it cannot be computed any more.
    """
    plan = part.plan
    with tempfile.TemporaryDirectory(prefix="adversity-proof-") as folder:
        workspace = Workspace(plan.root, Path(folder), Path(folder) / "store")
        _take(part, workspace, hashes)
        results = {
            stage.step: _computed(part, stage, workspace, watcher) for stage in part.computed
        }
        yield Recomputed(workspace, part, results)


def _take(part: Part, workspace: Workspace, hashes: Mapping[str, str]) -> None:
    """Put the artifacts that are taken in their place: out of DVC's cache where a run made others."""
    with on_disk(part.plan.root) if part.taken else nullcontext() as disk:
        for stage in part.taken:
            place, then = workspace.outputs / stage.out, hashes.get(stage.out, "")
            place.parent.mkdir(parents=True, exist_ok=True)
            found = disk.hashed(stage.out) if disk is not None else None
            same = found is not None and found.value == then
            if same or disk is None or not disk.restore(then, place):
                place.symlink_to(part.plan.root / stage.out, target_is_directory=True)


def _computed(part: Part, stage: Stage, workspace: Workspace, watcher: Watcher) -> StageResult:
    """Compute a stage by the calls of a run."""
    from adversity.engine.public.open_stage import open_stage

    run, started = part.plan.spec.run, time.monotonic()
    with in_step(stage):
        stage_run = open_stage(part.plan, stage, workspace)
        pending = stage_run.pending()
    watcher.stage_started(stage, len(stage_run.shards), len(pending), "computed once more")
    stage_run.on_progress = partial(watcher.shard_went_on, stage)
    for shard in run_waves(stage_run, workers=run.workers, retries=run.retries):
        watcher.shard_finished(stage, shard)
    with in_step(stage):
        result = stage_run.finish(workspace.outputs / stage.out)
    outcome = Outcome(stage.step, "ran", "computed once more", time.monotonic() - started)
    watcher.stage_finished(stage, outcome, result)
    return result
