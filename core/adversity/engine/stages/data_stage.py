"""Data that come inside a package, written out as files with a manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.data.checksums import write_checksums
from adversity.engine.stages.stage import Shard, StageResult, StageRun
from adversity.errors import PluginError
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
        """Write the data set."""
        plugin: Dataset = self._planned().plugin  # type: ignore[assignment]
        materialise(plugin, out)
        return StageResult(self.stage.step)

    def _planned(self) -> PlannedData:
        dataset = self.stage.step.removeprefix("data:")
        return next(
            planned for planned in self.plan.data.values() if planned.plugin.name == dataset
        )
