"""Data of a revision, written out once from DVC's cache or remote and verified."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from adversity.data.checksums import write_checksums
from adversity.engine.public.open_stage import open_stage as open_by_engine
from adversity.engine.stages.data_stage import DataRun
from adversity.engine.stages.stage import StageResult
from adversity.errors import InputError
from adversity.pipeline.plan.data_versions import versions_of
from adversity_flows.dvc.revision import Revision

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.engine.set_up.workspace import Workspace
    from adversity.engine.stages.stage import StageRun
    from adversity.pipeline.plan.model import Plan, Stage

__all__ = ["VersionRun", "open_stage"]


def open_stage(plan: Plan, stage: Stage, workspace: Workspace) -> StageRun:
    """Open a stage: one that writes data of a revision is ours, all others are the engine's.

    Raises:
        AdversityError: As the engine's `open_stage`.
    """
    if stage.step.removeprefix("data:") in versions_of(plan.data.values()):
        return VersionRun(plan, stage, workspace)
    return open_by_engine(plan, stage, workspace)


class VersionRun(DataRun):
    """One shard, done while finishing: what the revision has lies in it where the project has it."""

    def fill(self, out: Path) -> StageResult:
        """Write the data of the revision.

        Raises:
            InputError: If there is no such commit any more, or it has no such data.
            StorageError: If neither DVC's cache nor its remote has them, or they are damaged.
        """
        version = versions_of(self.plan.data.values())[self.stage.step.removeprefix("data:")]
        revision = Revision.named(self.plan.root, version.commit)
        if revision is None:
            raise InputError(
                f"expected commit {version.commit[:8]} ({version.revision}), got none; fetch it"
            )
        with closing(revision):
            revision.name = version.revision  # what messages call it
            for place in version.contents:
                if not revision.write(place, out / place):
                    raise InputError(
                        f"{version.revision} has no {place}; correct rev:, or the path"
                    )
        write_checksums(out)
        return StageResult(self.stage.step)
