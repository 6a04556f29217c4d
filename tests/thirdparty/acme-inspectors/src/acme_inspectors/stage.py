"""One step that uses an inspector: images through views, a number each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.engine.calls.blocks import spans
from adversity.engine.stages.columns import Columns, join
from adversity.engine.stages.step_images import step_images
from adversity.engine.stages.table_stage import TableRun

if TYPE_CHECKING:
    from adversity.engine.stages.stage import Shard
    from adversity.pipeline.plan.model import Cell


class InspectRun(TableRun):
    """An inspector applied to the images of a step."""

    def class_names(self, cell: Cell) -> tuple[str, ...]:
        """Return no classes: nothing is predicted."""
        return ()

    def content(self, cell: Cell) -> list[object]:
        """Hash the data and every link of the chain."""
        links = [self.identity(link.id, cell) for link in self.chain.links]
        return [self.source(cell).content, links]

    def compute(self, shard: Shard) -> Columns:
        """Run the shard, a batch at a time."""
        size = self.plan.spec.run.batch_size
        cuts = [[shard.samples[i] for i in span] for span in spans(len(shard.samples), size)]
        return join([self._batch(shard.cell, index) for index in cuts])

    def _batch(self, cell: Cell, index: list[int]) -> Columns:
        current = step_images(self.toolbox, self.planned.upstream, cell, index)
        inspector = self.toolbox.ready(self.stage.step, cell).call
        numbers = inspector(current.images, current.ids)
        return {"id": np.array(current.ids, dtype=object), "inspection": numbers.numpy()}
