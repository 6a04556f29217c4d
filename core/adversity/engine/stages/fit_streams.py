"""What a step's plugin is fitted on, as streams: images of a step, or rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from adversity.contracts import Block, Classifier
from adversity.contracts.targets import has_class
from adversity.data.labels_map import read_labels
from adversity.engine.calls.blocks import spans
from adversity.engine.calls.fit_watch import FitWatch
from adversity.engine.stages.answer_columns import answer_of
from adversity.engine.stages.channels import require_channels
from adversity.engine.stages.source_classes import index_in
from adversity.engine.stages.step_images import step_images
from adversity.errors import DataError
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.contracts.fit_data import Watch
    from adversity.data.stored import StoredRows
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["LEARN_FROM", "ROWS", "StoredAnswers", "StreamedImages", "stored_rows"]

Classes = tuple[str, ...] | None
"""What targets must index: the classes of the first source, where all shall have the same."""
ROWS = 64
"""Rows of a block that a plugin is fitted on, in a pipeline and from Python."""


def stored_rows(toolbox: Toolbox, step: str, cell: Cell) -> StoredRows:
    """Return the rows of one cell of a finished table step; columns are read on demand."""
    key = cell.restrict(toolbox.plan.steps[step].variables).key
    return toolbox.table(step).cell(key)


class StreamedImages:
    """The images of a step as a stream for fitting, in the order of ids.

    A classifier is fitted on the samples that have a label; targets are there where all have one.
    """

    def __init__(
        self, toolbox: Toolbox, planned: PlannedStep, cell: Cell, fit_on: str, classes: Classes
    ) -> None:
        """Read nothing yet.

        Raises:
            DataError: If it has classes that the first source has not, or of other channels.
        """
        self._toolbox, self.step, self._cell = toolbox, fit_on, cell
        chain = toolbox.plan.chain(self.step)
        self._source = toolbox.source(chain.start)
        require_channels(self._source, chain.start, (*chain.links, planned))
        self._targets, self._names = self._source.targets, self._source.class_names
        if classes is not None and self._source.labelled:
            file = toolbox.plan.data[chain.start].labels
            labels = {} if file is None else read_labels(toolbox.workspace.root / file, file)
            where = f"{planned.line}: fit_on: {fit_on}"
            indices = index_in(classes, self._names, labels, where)
            self._targets = np.where(self._targets < 0, -1, indices[self._targets])
            self._names = classes
        self.sources: Mapping[str, StreamedImages | StoredAnswers] = {}
        self.watch: Watch = FitWatch({}, planned.entry.label)
        has_label = self._source.targets >= 0
        learns_classes = issubclass(class_of(planned.entry), Classifier) and has_label.any()
        used = np.flatnonzero(has_label) if learns_classes else np.arange(len(self._source))
        self._used: list[int] = used.tolist()
        self._labelled = bool(has_label[used].all())

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that targets index."""
        return self._names

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._used)

    @property
    def left_out(self) -> int:
        """How many samples have no label to learn from."""
        return len(self._source) - len(self._used)

    def __iter__(self) -> Iterator[Block]:
        """Go through blocks of one image size."""
        return self.epoch(0)

    def epoch(self, number: int, /) -> Iterator[Block]:
        """Go through them with the draws of an epoch, keyed by epoch and sample."""
        import torch

        order = sorted(self._used, key=lambda i: self._source.ids[i])
        for rows in self._source.alike(order):
            for span in spans(len(rows), ROWS):
                index = [rows[i] for i in span]
                current = step_images(self._toolbox, self.step, self._cell, index, epoch=number)
                targets = torch.from_numpy(self._targets[index].copy())
                yield Block(
                    current.ids,
                    targets=targets if self._labelled else None,
                    images=current.images,
                    references=current.clean,
                    side=current.side,
                )


class StoredAnswers:
    """A finished predictions table as a stream for fitting, sorted by id.

    Rows whose target is no class of the classifier are left out.
    """

    has_features: ClassVar[bool] = False
    """Whether features are streamed as well; the table then keeps them, as the plan says."""

    def __init__(
        self, toolbox: Toolbox, planned: PlannedStep, cell: Cell, fit_on: str, classes: Classes
    ) -> None:
        """Open the rows of one cell.

        Args:
            toolbox: Of the run.
            planned: The step that is fitted.
            cell: Its cell.
            fit_on: The step whose table it is.
            classes: Those of the first source, where it is another one.

        Raises:
            DataError: If they have no labels, or other classes than the first source.
            InputError: If they have neither logits nor probabilities.
        """
        step = self.step = fit_on
        self.sources: Mapping[str, StreamedImages | StoredAnswers] = {}
        self.watch: Watch = FitWatch({}, planned.entry.label)
        self._rows = stored_rows(toolbox, step, cell)
        self._where = where = f"{planned.line}: fit_on: {step}"
        self._count = int(has_class(self._rows["target"]).sum()) if "target" in self._rows else 0
        if not self._count:
            raise DataError(f"{where} has no labels; expected labelled predictions")
        answer_of(next(self._rows.parts(), self._rows), where)
        own = cell.restrict(toolbox.plan.steps[step].variables)
        self._names = toolbox.table(step).classes[own.key]
        if classes is not None and self._names != classes:
            raise DataError(
                f"{where} expected answers in the classes of the first source, "
                f"{', '.join(classes[:8])}, got {', '.join(self._names[:8])}"
            )

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that targets index."""
        return self._names

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._count

    @property
    def left_out(self) -> int:
        """How many rows have no class to learn from."""
        return self._rows.count - self._count

    def epoch(self, _number: int, /) -> Iterator[Block]:
        """Go through the rows, which are stored: nothing is drawn."""
        return iter(self)

    def __iter__(self) -> Iterator[Block]:
        """Go through the rows in blocks."""
        import torch

        for part in self._rows.parts():
            known = has_class(part["target"])
            ids, targets = part["id"][known], torch.from_numpy(part["target"][known])
            answer = answer_of(part, self._where).rows(torch.from_numpy(known))
            logits, probs = answer.as_logits, answer.probabilities
            features = torch.from_numpy(part["features"][known]) if self.has_features else None
            for span in spans(len(ids), ROWS):
                cut = slice(span.start, span.stop)
                yield Block(
                    tuple(ids[cut].tolist()),
                    targets=targets[cut],
                    logits=logits[cut],
                    probs=probs[cut],
                    features=None if features is None else features[cut],
                )


class StoredFeatures(StoredAnswers):
    """One with the features of the classifier."""

    has_features: ClassVar[bool] = True


LEARN_FROM: Mapping[str, type[StreamedImages | StoredAnswers]] = {
    "images": StreamedImages,
    "logits": StoredAnswers,
    "features": StoredFeatures,
}
"""By the plugin's `fits_on`."""
