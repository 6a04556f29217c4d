"""The report as an artifact: numbers, words and plot data; nothing of the run itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.engine.stages.stage import Shard, StageResult, StageRun
from adversity.engine.summary.summarise import build_report
from adversity.pipeline.plan.model import Cell
from adversity.report.writers.markdown import write_markdown
from adversity.report.writers.plots import write_plots
from adversity.report.writers.record import write_json

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ReportRun"]


class ReportRun(StageRun):
    """One shard, done while finishing."""

    computes_in_shards = False

    def split(self) -> list[Shard]:
        """Return the one shard."""
        return [Shard(0, Cell(), 0, "write")]

    def pending(self) -> tuple[Shard, ...]:
        """Return it: nothing is kept in the store."""
        return self.shards

    def run_shard(self, shard: Shard) -> None:
        """Do nothing; `finish` writes."""

    def fill(self, out: Path) -> StageResult:
        """Write report.json, report.md with its charts, and the data of `dvc plots`."""
        report = build_report(self.plan, self.workspace, tracked=True)
        write_json(report, out / "report.json")
        write_markdown(report, out / "report.md")
        write_plots(report, out / "plots")
        return StageResult("report")
