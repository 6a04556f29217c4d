"""Data that come inside a package, written out as files with a manifest."""

from __future__ import annotations

from shutil import copytree
from typing import TYPE_CHECKING

from adversity.data.checksums import write_checksums
from adversity.engine.stages.stage import Shard, StageResult, StageRun
from adversity.errors import InputError, PluginError
from adversity.pipeline.plan.data_versions import versions_of
from adversity.pipeline.plan.model import Cell

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.contracts import Dataset
    from adversity.pipeline.plan.model import PlannedData

__all__ = ["DataRun", "materialise"]


def materialise(dataset: Dataset, out: Path) -> None:
    """Let a packaged data set write its files into the new folder `out`.

    Raises:
        PluginError: If it wrote no `manifest.csv`.
    """
    dataset.materialise(out)
    if not (out / "manifest.csv").is_file():
        raise PluginError(
            f"data set {type(dataset).name!r}: expected materialise to write manifest.csv, got none"
        )
    write_checksums(out)


class DataRun(StageRun):
    """One shard, done while finishing: the files go straight into the artifact."""

    computes_in_shards = False

    def split(self) -> list[Shard]:
        """Return the one shard."""
        return [Shard(0, Cell(), 0, "write")]

    def pending(self) -> tuple[Shard, ...]:
        """Return it: nothing is kept in the store."""
        return self.shards

    def run_shard(self, shard: Shard) -> None:
        """Do nothing; `finish` writes."""

    def finish(self, out: Path, metrics: Path | None = None) -> StageResult:
        """Write the data set; no measures stand beside it, since the folder is data."""
        out.mkdir(parents=True)
        result = self.fill(out)
        self.toolbox.forget()
        return result

    def fill(self, out: Path) -> StageResult:
        """Write the data set; of a revision, copy what lies in the project already.

        Raises:
            InputError: If data of a revision do not: DVC alone can bring them.
        """
        name = self.stage.step.removeprefix("data:")
        version = versions_of(self.plan.data.values()).get(name)
        if version is None:
            plugin: Dataset = self._packaged(name).plugin  # type: ignore[assignment]
            materialise(plugin, out)
        elif (self.workspace.root / version.folder).is_dir():
            copytree(self.workspace.root / version.folder, out, dirs_exist_ok=True)
        else:
            raise InputError(
                f"expected {version.folder}, the data of {version.revision}, got none: DVC brings "
                f"them, which is not used here; write them first, `adversity materialise {name}`"
            )
        return StageResult(self.stage.step)

    def _packaged(self, name: str) -> PlannedData:
        return next(planned for planned in self.plan.data.values() if planned.plugin.name == name)
