"""The images of a step as a stream for fitting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import Block, Classifier, Regressor
from adversity.data.labels_map import read_labels
from adversity.data.sample_columns import sample_columns
from adversity.engine.calls.blocks import spans
from adversity.engine.calls.fit_watch import FitWatch
from adversity.engine.stages.channels import require_channels
from adversity.engine.stages.fit_rows import (
    ROWS,
    Candidates,
    FitRows,
    fit_rows,
    numbered,
    scattered,
)
from adversity.engine.stages.folds import folds_of
from adversity.engine.stages.source_classes import index_in
from adversity.engine.stages.step_images import step_images
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.contracts.fit_data import FitData, Watch
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.stages.fit_rows import Classes
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["StreamedImages"]


class StreamedImages:
    """The images of a step as a stream for fitting, in the order of ids.

    A classifier is fitted on the samples that have a label; targets are there where all have one.
    """

    def __init__(
        self,
        toolbox: Toolbox,
        planned: PlannedStep,
        cell: Cell,
        fit_on: str,
        classes: Classes,
        *,
        blind: bool = False,
        first: bool = False,
        fold: int | None = None,
    ) -> None:
        """Read nothing yet.

        Args:
            toolbox: Of the run.
            planned: The step that is fitted.
            cell: Its cell.
            fit_on: The step or data set whose images they are.
            classes: Those of the first source, where it is another one.
            blind: Let nothing of targets, references and ids through.
            first: It is the first source, whose samples are drawn and weighted as the step says.
            fold: Its fold that is left out, from 0.

        Raises:
            DataError: If it has classes that the first source has not, or of other channels, or
                weights that are none.
        """
        self._toolbox, self.step, self._cell, self.blind = toolbox, fit_on, cell, blind
        chain = toolbox.plan.chain(self.step)
        self._source = toolbox.source(chain.start, cell)
        require_channels(self._source, chain.start, (*chain.links, planned))
        self._targets: np.ndarray[Any, Any] = self._source.targets
        self._names = self._source.class_names
        if blind:
            self._names = self._names if classes is None else classes
        elif classes is not None and self._source.labelled:
            file = toolbox.data(chain.start, cell).labels
            labels = {} if file is None else read_labels(toolbox.workspace.root / file, file)
            where = f"{planned.line}: fit_on: {fit_on}"
            indices = index_in(classes, self._names, labels, where)
            self._targets = np.where(self._targets < 0, -1, indices[self._targets])
            self._names = classes
        self.sources: Mapping[str, FitData] = {}
        self.watch: Watch = FitWatch({}, planned.entry.label)
        known = np.zeros(len(self._source), np.bool_) if blind else self._known(planned)
        learns = issubclass(class_of(planned.entry), (Classifier, Regressor)) and known.any()
        used = np.flatnonzero(known) if learns else np.arange(len(self._source))
        self.total, self.left_out = len(self._source), len(self._source) - len(used)
        if fold is not None:
            used = used[folds_of(toolbox, planned.id)[used] != fold]
        self._rows = FitRows(used)
        if first:
            columns = sample_columns(self._source, chain.start)
            given = Candidates(fit_on, self._source.ids, self._source.targets, columns, used)
            self._rows = fit_rows(planned, given, cell, toolbox.plan.spec.seed)
        self._used: list[int] = self._rows.places.tolist()
        self._labelled = bool(known[used].all())

    def _known(self, planned: PlannedStep) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return which samples have something to be learnt, `[N]`: a label."""
        return self._source.targets >= 0

    def _groups_of(self, index: list[int]) -> tuple[str | None, ...] | None:
        """Return the groups of samples; None where there are none, and where it is blind."""
        groups = self._source.groups
        if self.blind or all(group is None for group in groups):
            return None
        return tuple(groups[i] for i in index)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that targets index."""
        return self._names

    @property
    def target_names(self) -> tuple[str, ...]:
        """What the numbers of targets are; none where targets are classes."""
        return self._source.target_names

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._used)

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said of the samples that are streamed."""
        return self._rows.notes

    def __iter__(self) -> Iterator[Block]:
        """Go through blocks of one image size."""
        return self.epoch(0)

    def epoch(self, number: int, /) -> Iterator[Block]:
        """Go through them with the draws of an epoch, keyed by epoch and sample."""
        import torch

        place = scattered if self.blind else str
        order, seen = sorted(self._used, key=lambda i: place(self._source.ids[i])), 0
        for rows in self._source.alike(order):
            for span in spans(len(rows), ROWS):
                index = [rows[i] for i in span]
                current = step_images(self._toolbox, self.step, self._cell, index, epoch=number)
                targets = torch.from_numpy(self._targets[index].copy())
                yield Block(
                    numbered(seen, len(index)) if self.blind else current.ids,
                    targets=targets if self._labelled else None,
                    images=current.images,
                    references=None if self.blind else current.clean,
                    side=current.side,
                    weights=self._rows.of(index),
                    groups=self._groups_of(index),
                )
                seen += len(index)
