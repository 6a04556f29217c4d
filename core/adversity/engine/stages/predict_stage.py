"""Predictions: images through views into a classifier."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.engine.calls.blocks import spans
from adversity.engine.chain.answer import Answer
from adversity.engine.stages.answer_columns import answer_columns, whole_columns
from adversity.engine.stages.columns import Columns, join, of_restorations
from adversity.engine.stages.folds import (
    answers_out_of_fold,
    fold_hashes,
    folds_of,
    members_out_of_fold,
)
from adversity.engine.stages.step_images import step_images
from adversity.engine.stages.table_stage import TableRun
from adversity.engine.stages.unjudged import unjudged_notes
from adversity.errors import DataError, InputError
from adversity.pipeline.plan.features import fits_alone, keeps_features, keeps_members
from adversity.pipeline.plan.folded import out_of_fold
from adversity.pipeline.plan.in_versions import settings_of
from adversity.pipeline.read.findings import listed

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from adversity.engine.calls.ready import Ready
    from adversity.engine.chain.image_batch import ImageBatch
    from adversity.engine.stages.stage import Shard, StageResult
    from adversity.pipeline.plan.model import Cell

__all__ = ["PredictRun"]


class PredictRun(TableRun):
    """A classifier applied to the images of a step."""

    def split(self) -> list[Shard]:
        """Cut as usual.

        Raises:
            DataError: If classifiers that take turns have answers of several widths, which no
                table holds; or if a mask of classes names one that the classifier has not, or lacks
                one that the data have.
        """
        if self._masked:
            for cell in self.planned.cells:
                self.targets(cell)
                self.class_names(cell)
        if len(self.toolbox.definition_of(self.stage.step).cells) > 1:
            self._require_one_width()
        return super().split()

    def _require_one_width(self) -> None:
        first = self.planned.cells[0]
        count = len(self.class_names(first))
        for cell in self.planned.cells:
            ready, other = self.toolbox.ready(self.stage.step, cell), len(self.class_names(cell))
            if other != count and ready.plugin.gives != "labels":
                raise DataError(
                    f"{self.planned.line}: expected as many classes in every cell of "
                    f"{self.stage.step}, whose answers stand in one table, got {count} in "
                    f"{first.key} ({self.toolbox.ready(self.stage.step, first).label}) and "
                    f"{other} in {cell.key} ({ready.label}); write a step for each"
                )

    def content(self, cell: Cell) -> list[object]:
        """Hash the data, every link of the chain and the metrics of images."""
        step = self.stage.step
        links = [self.identity(link.id, cell) for link in self.chain.links]
        source = self.source(cell)
        kept: list[object] = ["features"] if self._keeps_features else []
        kept += ["members"] if self._keeps_members else []
        kept += [] if self._folds is None else [{"folds": fold_hashes(self.toolbox, step, cell)}]
        return [source.content, self.label_hash(self.data), links, self.columns_depend_on(), *kept]

    @cached_property
    def _keeps_features(self) -> bool:
        """Whether a step goes by the features of this one."""
        return keeps_features(self.stage.step, self.plan.steps)

    @cached_property
    def _keeps_members(self) -> bool:
        """Whether a step goes by what the members of the classifier say."""
        return keeps_members(self.stage.step, self.plan.steps)

    @cached_property
    def _folds(self) -> np.ndarray[Any, np.dtype[np.int64]] | None:
        """The fold of each sample, where each is answered by the network fitted without its fold."""
        if out_of_fold(self.planned, self.plan.steps) is None:
            return None
        return folds_of(self.toolbox, self.planned.definition)

    @cached_property
    def _masked(self) -> bool:
        """Whether some of the classes are left alone, `classes:`."""
        return self.planned.options.get("classes") is not None

    def compute(self, shard: Shard) -> Columns:
        """Run the shard, a batch at a time."""
        size = self.plan.spec.run.batch_size
        batches = [
            self._batch(shard.cell, [shard.samples[i] for i in span])
            for span in spans(len(shard.samples), size)
        ]
        return join(batches)

    def _batch(self, cell: Cell, index: list[int]) -> Columns:
        step = self.stage.step
        current = step_images(self.toolbox, self.planned.upstream, cell, index)
        ready, whole = self.toolbox.ready(step, cell), self.toolbox.whole(step, cell)
        said = Answer(self._said(cell, current, index), whole.plugin.gives)
        answer = replace(said, values=ready.plugin.over(said.values)) if self._masked else said
        others = self.plan.steps.values()
        if any(other.against == step and other.role == "attack" for other in others):
            where = step, cell.restrict(self.planned.variables).key
            self.toolbox.answers.keep(current.ids, answer, where)
        targets = self.toolbox.targets(self.data, step, cell)
        columns: Columns = {"id": np.array(current.ids, dtype=object)}
        if targets is not None:
            columns["target"] = targets[index]
        if self._folds is not None:
            columns["fold_left_out"] = self._folds[index] + 1
        columns |= answer_columns(answer, columns.get("target"))
        if self._masked:
            columns |= self._of_all(cell, said, whole, columns.get("target"), index)
        if self._keeps_features:
            columns["features"] = self._features(ready, current)
        if self._keeps_members:
            columns["members"] = self._members(cell, current, index)
        columns |= of_restorations(current)
        if self.chain.views:
            columns |= self.image_columns(current)
        return columns

    def _of_all(
        self,
        cell: Cell,
        said: Answer,
        whole: Ready,
        target: np.ndarray[Any, Any] | None,
        index: list[int],
    ) -> Columns:
        """Return what the network says over all of its classes, of which a mask leaves some."""
        ready = self.toolbox.ready(self.stage.step, cell)
        merged = ready.plugin.groups is not None
        targets = None if merged else self.toolbox.targets_of(self.data, whole.plugin, cell)
        columns = whole_columns(said, None if targets is None else targets[index])
        if merged and target is not None:
            right = ready.plugin.counts_as(columns["prediction_of_all"], target)
            columns["correct_of_all"] = right
        return columns

    def _said(self, cell: Cell, current: ImageBatch, index: list[int]) -> Tensor:
        """Return what the network answers, `[N, K]`: for each image the one fitted without it."""
        step = self.stage.step
        whole = self.toolbox.whole(step, cell)
        if self._folds is None:
            values: Tensor = whole.call.logits(current.images, current.ids)
            return values
        return answers_out_of_fold(self.toolbox, step, cell, current, self._folds[index])

    def _features(self, ready: Ready, current: ImageBatch) -> np.ndarray[Any, Any]:
        """Return the features of images, `[N, D]` float32.

        Raises:
            InputError: If the classifier offers none.
        """
        features = ready.call.features(current.images, current.ids)
        if features is None:
            raise InputError(
                f"{self.planned.line}: {ready.label} offers no features, and a step goes by those of "
                f"{self.stage.step}; use a classifier that has some, or drop that step"
            )
        found: np.ndarray[Any, Any] = features.float().numpy()
        return found

    def _members(self, cell: Cell, current: ImageBatch, index: list[int]) -> np.ndarray[Any, Any]:
        """Return what members say of images, `[N, M, K]` float32.

        Raises:
            InputError: If the classifier has none.
        """
        step = self.stage.step
        whole = self.toolbox.whole(step, cell)
        said: Tensor | None = whole.call.member_probs(current.images[:1], current.ids[:1])
        if said is None:
            raise InputError(
                f"{self.planned.line}: {whole.label} has no members, and a step goes by those of "
                f"{step}; use a classifier that has some, or drop that step"
            )
        if self._folds is not None:
            said = members_out_of_fold(self.toolbox, step, cell, current, self._folds[index])
        else:
            said = whole.call.member_probs(current.images, current.ids)
        if self._masked:
            said = self.toolbox.ready(step, cell).plugin.over_members(said)
        rows: np.ndarray[Any, Any] = said.float().transpose(0, 1).contiguous().numpy()
        return rows

    def fill(self, out: Path) -> StageResult:
        """Write the table, and say which samples no answer is held against, or if none is.

        Raises:
            DataError: If the features of cells have several widths, which no table holds.
        """
        if self._keeps_features:
            self._require_one_width_of_features()
        if self._keeps_members:
            firsts = (self.shards_of(cell)[0] for cell in self.planned.cells)
            counts = {self.shard_rows(first)["members"].shape[1] for first in firsts}
            self.ragged = frozenset({"members"} if len(counts) > 1 else ())
        fitted = fits_alone(self.stage.step, self.plan.steps)
        self.notes += self._mask_notes() if self._masked else self._unmasked_notes()
        if self._folds is not None:
            self.notes.append(
                f"{self.stage.step}: each of the {len(self._folds)} samples of {self.data} is answered "
                f"by the one of {self._folds.max() + 1} networks that was fitted without it and its "
                "group; the network that other steps use was fitted on all"
            )
        if not fitted:
            self.notes += unjudged_notes(self, "they count in no accuracy")
        else:
            self.notes.append(
                f"{self.stage.step}: nothing is measured of it, since it is there to fit "
                f"{listed(fitted)} alone"
            )
        return super().fill(out)

    def _mask_notes(self) -> list[str]:
        """Say of how many classes an answer is, and of how many another one."""
        notes = dict[str, None]()
        for cell in self.planned.cells:
            plugin = self.toolbox.ready(self.stage.step, cell).plugin
            left, count = len(plugin.class_names), len(plugin.whole.class_names)
            made_of = f" made of {len(plugin.index):,}" if plugin.groups is not None else ""
            notes[
                f"{self.stage.step} answers with {left:,}{made_of} of {count:,} classes (classes:); "
                "what its network says over all of them stands beside, in the columns that end in "
                "_of_all"
            ] = None
        return list(notes)

    def _unmasked_notes(self) -> list[str]:
        """Say where published results are over fewer classes than these answers."""
        ours = len(self.source(self.planned.cells[0]).class_names)
        counts = {len(self.class_names(cell)) for cell in self.planned.cells} - {ours}
        plugin = settings_of(self.plan.data, self.data).plugin
        claims = getattr(plugin, "masked_when_published", False)
        said = (
            f"{self.stage.step} answers with {max(counts, default=0):,} classes, and {self.data} has "
            f"{ours:,}: published results for it are over these alone; `classes: data` on the step "
            "gives both"
        )
        return [said] if counts and claims else []

    def metrics_of_rows(self) -> tuple[Ready, ...]:
        """Return the metrics that are computed on the rows: none where it only fits something."""
        alone = fits_alone(self.stage.step, self.plan.steps)
        return () if alone else super().metrics_of_rows()

    def _require_one_width_of_features(self) -> None:
        first, *others = self.planned.cells
        count = self._width(first)
        for cell in others:
            if (other := self._width(cell)) != count:
                raise DataError(
                    f"{self.planned.line}: expected as many features in every cell of "
                    f"{self.stage.step}, whose features stand in one table, got {count} in "
                    f"{first.key} and {other} in {cell.key}; write a step for each"
                )

    def _width(self, cell: Cell) -> int:
        return int(self.shard_rows(self.shards_of(cell)[0])["features"].shape[1])
