"""Several answers of a classifier to each image: draws, and the one answer that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.engine.calls.blocks import spans
from adversity.engine.calls.model import ClassifierModel
from adversity.engine.chain.answer import Answer
from adversity.engine.stages.answer_columns import answer_columns
from adversity.engine.stages.columns import Columns, join
from adversity.engine.stages.step_images import step_images
from adversity.engine.stages.table_stage import TableRun
from adversity.seeding import SampleRng

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from adversity.engine.stages.stage import Shard, StageResult
    from adversity.pipeline.plan.model import Cell

__all__ = ["SamplingRun"]


class SamplingRun(TableRun):
    """A method that asks the classifier of a step again, on the images of that step."""

    def content(self, cell: Cell) -> list[object]:
        """Hash the data, every link up to the classifier, and the method."""
        links = self.plan.chain(self.classifier).links
        ways = [self.identity(link.id, cell) for link in links]
        source = self.source(cell)
        own = self.identity(self.stage.step, cell)
        return [source.content, self.label_hash(self.data), ways, own]

    def fill(self, out: Path) -> StageResult:
        """Write the table; a matrix may vary how many members there are."""
        firsts = (self.shards_of(cell)[0] for cell in self.planned.cells)
        counts = {self.shard_rows(first)["members"].shape[1] for first in firsts}
        self.ragged = frozenset({"members"} if len(counts) > 1 else ())
        return super().fill(out)

    def compute(self, shard: Shard) -> Columns:
        """Run the shard, a batch at a time."""
        size = self.plan.spec.run.batch_size
        batches = [
            self._batch(shard.cell, [shard.samples[i] for i in span])
            for span in spans(len(shard.samples), size)
        ]
        return join(batches)

    def _batch(self, cell: Cell, index: Sequence[int]) -> Columns:
        network = self.plan.steps[self.classifier]
        current = step_images(self.toolbox, network.upstream, cell, index)
        model = ClassifierModel(self.toolbox.ready(network.id, cell).call)
        rng = SampleRng(seed=self.plan.spec.seed, step=self.stage.step, ids=current.ids)
        said = self.toolbox.ready(self.stage.step, cell).call((model,), current.images, rng)
        columns: Columns = {"id": np.array(current.ids, dtype=object)}
        targets = self.toolbox.targets(self.data, network.id, cell)
        if targets is not None:
            columns["target"] = targets[index]
        columns |= answer_columns(Answer(said.probs, "probs"), columns.get("target"))
        # Rows first, as in all tables.
        return columns | {"members": said.members.transpose(0, 1).contiguous().numpy()}
