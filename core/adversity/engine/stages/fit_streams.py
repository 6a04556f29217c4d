"""What a step's plugin is fitted on, as streams: images of a step, or rows of a table."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, ClassVar

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
    from adversity.engine.stages.columns import Rows
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["LEARN_FROM", "ROWS", "StoredAnswers", "StreamedImages", "stored_rows"]

Classes = tuple[str, ...] | None
"""What targets must index: the classes of the first source, where all shall have the same."""
ROWS = 64
"""Rows of a block that a plugin is fitted on, in a pipeline and from Python."""
_MIXED = 64 * ROWS
"""Rows of a table that are read at once where they are mixed: each time, all of it is gone through."""


def stored_rows(toolbox: Toolbox, step: str, cell: Cell) -> StoredRows:
    """Return the rows of one cell of a finished table step; columns are read on demand."""
    key = cell.restrict(toolbox.plan.steps[step].variables).key
    return toolbox.table(step).cell(key)


def scattered(id_: str) -> str:
    """Return what to sort by, so that the order tells nothing: ids often begin with a class."""
    return hashlib.sha256(id_.encode()).hexdigest()


def numbered(first: int, count: int) -> tuple[str, ...]:
    """Return ids that tell nothing."""
    return tuple(map(str, range(first, first + count)))


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
    ) -> None:
        """Read nothing yet.

        Args:
            toolbox: Of the run.
            planned: The step that is fitted.
            cell: Its cell.
            fit_on: The step or data set whose images they are.
            classes: Those of the first source, where it is another one.
            blind: Let nothing of targets, references and ids through.

        Raises:
            DataError: If it has classes that the first source has not, or of other channels.
        """
        self._toolbox, self.step, self._cell, self.blind = toolbox, fit_on, cell, blind
        chain = toolbox.plan.chain(self.step)
        self._source = toolbox.source(chain.start)
        require_channels(self._source, chain.start, (*chain.links, planned))
        self._targets, self._names = self._source.targets, self._source.class_names
        if blind:
            self._names = self._names if classes is None else classes
        elif classes is not None and self._source.labelled:
            file = toolbox.plan.data[chain.start].labels
            labels = {} if file is None else read_labels(toolbox.workspace.root / file, file)
            where = f"{planned.line}: fit_on: {fit_on}"
            indices = index_in(classes, self._names, labels, where)
            self._targets = np.where(self._targets < 0, -1, indices[self._targets])
            self._names = classes
        self.sources: Mapping[str, StreamedImages | StoredAnswers] = {}
        self.watch: Watch = FitWatch({}, planned.entry.label)
        has_label = self._source.targets >= 0
        learns = issubclass(class_of(planned.entry), Classifier) and has_label.any() and not blind
        used = np.flatnonzero(has_label) if learns else np.arange(len(self._source))
        self._used: list[int] = used.tolist()
        self._labelled = bool(has_label[used].all()) and not blind

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
                )
                seen += len(index)


class StoredAnswers:
    """A finished predictions table as a stream for fitting, sorted by id.

    Rows whose target is no class of the classifier are left out, unless nobody sees it.
    """

    has_features: ClassVar[bool] = False
    """Whether features are streamed as well; the table then keeps them, as the plan says."""
    has_members: ClassVar[bool] = False
    """Whether what members say is streamed, in place of what they say together."""

    def __init__(
        self,
        toolbox: Toolbox,
        planned: PlannedStep,
        cell: Cell,
        fit_on: str,
        classes: Classes,
        *,
        blind: bool = False,
    ) -> None:
        """Open the rows of one cell.

        Args:
            toolbox: Of the run.
            planned: The step that is fitted.
            cell: Its cell.
            fit_on: The step whose table it is.
            classes: Those of the first source, where it is another one.
            blind: Let nothing of targets and ids through.

        Raises:
            DataError: If they have no labels, or other classes than the first source.
            InputError: If they have neither logits nor probabilities.
        """
        step, self.blind = fit_on, blind
        self.step = step
        self.sources: Mapping[str, StreamedImages | StoredAnswers] = {}
        self.watch: Watch = FitWatch({}, planned.entry.label)
        self._rows = stored_rows(toolbox, step, cell)
        self._where = where = f"{planned.line}: fit_on: {step}"
        self._count = self._rows.count
        if not blind:
            known = has_class(self._rows["target"]) if "target" in self._rows else np.zeros(0)
            self._count = int(known.sum())
        if not self._count:
            lacks, kind = ("rows", "some") if blind else ("labels", "labelled")
            raise DataError(f"{where} has no {lacks}; expected {kind} predictions")
        answer_of(next(self._rows.parts(), self._rows), where)
        own = cell.restrict(toolbox.plan.steps[step].variables)
        self._names = toolbox.table(step).classes[own.key]
        if classes is not None and self._names != classes:
            raise DataError(
                f"{where} expected answers in the classes of the first source, "
                f"{', '.join(classes[:8])}, got {', '.join(self._names[:8])}"
            )

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """Return the columns that come through where nobody says what the samples are.

        Of `id` it is the order alone.
        """
        more = {"features": cls.has_features, "members": cls.has_members}
        return ("id", "logits", "probs", *(name for name, comes in more.items() if comes))

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

        seen = 0
        for part, used in self._parts():
            targets = None if self.blind else torch.from_numpy(part["target"][used])
            ids = part["id"][used]
            answer = answer_of(part, self._where).rows(torch.from_numpy(used))
            logits, probs = answer.as_logits, answer.probabilities
            features = torch.from_numpy(part["features"][used]) if self.has_features else None
            said = torch.from_numpy(part["members"][used]).double() if self.has_members else None
            for span in spans(len(ids), ROWS):
                cut = slice(span.start, span.stop)
                names = ids[cut].tolist()
                yield Block(
                    numbered(seen, len(names)) if self.blind else tuple(names),
                    targets=None if targets is None else targets[cut],
                    logits=logits[cut] if said is None else None,
                    probs=probs[cut] if said is None else None,
                    features=None if features is None else features[cut],
                    members=None if said is None else said[cut].transpose(0, 1),
                )
                seen += len(names)

    def _parts(self) -> Iterator[tuple[Rows, np.ndarray[Any, Any]]]:
        """Go through parts of the rows, each with the numbers of those that are used."""
        if not self.blind:
            for part in self._rows.parts():
                yield part, np.flatnonzero(has_class(part["target"]))
            return
        ids = self._rows["id"].tolist()
        order = np.array(sorted(range(len(ids)), key=lambda row: scattered(ids[row])), np.int64)
        names = [name for name in self.columns() if name in self._rows]
        for start in range(0, len(order), _MIXED):
            places = order[start : start + _MIXED]
            yield self._rows.at(places, names), np.arange(len(places))


class StoredFeatures(StoredAnswers):
    """One with the features of the classifier."""

    has_features: ClassVar[bool] = True


class StoredMembers(StoredAnswers):
    """What the members of an ensemble say, from the table of the step that combines them."""

    has_members: ClassVar[bool] = True


LEARN_FROM: Mapping[str, type[StreamedImages | StoredAnswers]] = {
    "images": StreamedImages,
    "logits": StoredAnswers,
    "features": StoredFeatures,
    "members": StoredMembers,
}
"""By the plugin's `fits_on`."""
