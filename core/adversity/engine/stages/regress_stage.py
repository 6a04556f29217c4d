"""Numbers: images through views into a regressor."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from adversity.contracts import Predictive
from adversity.contracts.targets import has_class
from adversity.engine.calls.blocks import spans
from adversity.engine.stages.columns import Columns, join, of_restorations
from adversity.engine.stages.folds import fits_out_of_fold, fold_hashes, folds_of
from adversity.engine.stages.step_images import step_images
from adversity.engine.stages.table_stage import TableRun
from adversity.errors import DataError
from adversity.pipeline.plan.folded import out_of_fold

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from adversity.engine.chain.image_batch import ImageBatch
    from adversity.engine.stages.stage import Shard, StageResult
    from adversity.pipeline.plan.model import Cell

__all__ = ["RegressRun"]


class RegressRun(TableRun):
    """A regressor applied to the images of a step."""

    def class_names(self, cell: Cell) -> tuple[str, ...]:
        """Return what the numbers are, in place of classes."""
        names: tuple[str, ...] = self.toolbox.ready(self.stage.step, cell).call.target_names
        return names

    def split(self) -> list[Shard]:
        """Cut as usual.

        Raises:
            DataError: If the regressor gives other numbers than the data set has, or several take
                turns that give other ones.
        """
        first = self.class_names(self.planned.cells[0])
        for cell in self.planned.cells:
            source = self.source(cell)
            wanted = first if source.numbers is None else source.target_names
            if (names := self.class_names(cell)) != wanted:
                other = self.planned.cells[0].key if source.numbers is None else self.data
                where = f" in the cell {cell.key}" if cell.key else ""
                raise DataError(
                    f"{self.planned.line}: expected of {self.stage.step} the numbers of {other}, "
                    f"{', '.join(wanted)}, got {', '.join(names)}{where}; use a regressor of the same "
                    "numbers, or fit one on such data"
                )
        return super().split()

    def content(self, cell: Cell) -> list[object]:
        """Hash the data, every link of the chain and the metrics of images."""
        links = [self.identity(link.id, cell) for link in self.chain.links]
        folds = [] if self._folds is None else [fold_hashes(self.toolbox, self.stage.step, cell)]
        return [self.source(cell).content, links, self.columns_depend_on(), *folds]

    @cached_property
    def _folds(self) -> np.ndarray[Any, np.dtype[np.int64]] | None:
        """The fold of each sample, where each is answered by what was fitted without its fold."""
        if out_of_fold(self.planned, self.plan.steps) is None:
            return None
        return folds_of(self.toolbox, self.planned.definition)

    def compute(self, shard: Shard) -> Columns:
        """Run the shard, a batch at a time."""
        size = self.plan.spec.run.batch_size
        cuts = [[shard.samples[i] for i in span] for span in spans(len(shard.samples), size)]
        return join([self._batch(shard.cell, index) for index in cuts])

    def _batch(self, cell: Cell, index: list[int]) -> Columns:
        current = step_images(self.toolbox, self.planned.upstream, cell, index)
        said: Any = self._said(cell, current, index)  # with a mean: the final call has seen to it
        numbers = self.source(cell).numbers
        columns: Columns = {"id": np.array(current.ids, dtype=object)}
        if numbers is not None:
            columns["target"] = _narrow(numbers[index])
        if self._folds is not None:
            columns["fold_left_out"] = self._folds[index] + 1
        columns["mean"] = _column(said.mean)
        if said.variance is not None:
            columns["variance"] = _column(said.variance)
        columns |= of_restorations(current)
        if self.chain.views:
            columns |= self.image_columns(current)
        return columns

    def _said(self, cell: Cell, current: ImageBatch, index: list[int]) -> Predictive:
        """Return what is estimated, of each image by what was fitted without it.

        Raises:
            DataError: If what was fitted without some fold gives a variance, and other ones none.
        """
        step = self.stage.step
        if self._folds is None:
            said: Predictive = self.toolbox.ready(step, cell).call(current.images, current.ids)
            return said
        fits, order = fits_out_of_fold(self.toolbox, step, cell, self._folds[index])
        parts = [
            ready.call(current.images[torch.from_numpy(place)], [current.ids[i] for i in place])
            for place, ready in fits
        ]
        back = torch.from_numpy(order)
        spread = [part.variance for part in parts if part.variance is not None]
        if spread and len(spread) < len(parts):
            raise DataError(
                f"{self.planned.line}: expected of {step} a variance whichever fold is left out, or "
                "none at all, got one of some; report it to the plugin's author"
            )
        return Predictive(
            mean=torch.cat([part.mean for part in parts])[back],
            variance=torch.cat(spread)[back] if spread else None,
        )

    def fill(self, out: Path) -> StageResult:
        """Write the table, and say which samples have no number to be held against."""
        if self._folds is not None:
            self.notes.append(
                f"{self.stage.step}: each of the {len(self._folds)} samples of {self.data} is estimated "
                f"by the one of {self._folds.max() + 1} fits that was made without it and its group; "
                "the fit that other steps use was made on all"
            )
        for name, cell in self.versions.items():
            numbers = self.source(cell).numbers
            if numbers is None:
                self.notes.append(
                    f"{name} has no numbers, so that {self.stage.step} is held against nothing: no "
                    "error is measured"
                )
            elif count := int((~has_class(numbers)).sum()):
                self.notes.append(
                    f"{name}: {count} of {len(numbers)} samples have no target; they count in no error"
                )
        return super().fill(out)


def _column(values: Tensor) -> np.ndarray[Any, Any]:
    return _narrow(values.double().numpy())


def _narrow(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return `[N, D]` as a table keeps it: `[N]` where D is 1."""
    return values[:, 0] if values.shape[1] == 1 else values
