"""What a step's plugin is fitted on, as streams: images of a step, or rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adversity.contracts import Block
from adversity.contracts.targets import has_class
from adversity.data.sample_columns import group_names, grouping_column, of_samples
from adversity.engine.calls.blocks import spans
from adversity.engine.calls.fit_watch import FitWatch
from adversity.engine.stages.answer_columns import answer_of
from adversity.engine.stages.fit_rows import (
    ROWS,
    Candidates,
    FitRows,
    fit_rows,
    numbered,
    scattered,
)
from adversity.engine.stages.streamed_images import StreamedImages
from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.contracts.fit_data import Watch
    from adversity.data.stored import StoredRows
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.stages.columns import Rows
    from adversity.engine.stages.fit_rows import Classes
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["LEARN_FROM", "StoredAnswers", "stored_rows"]

_MIXED = 64 * ROWS
"""Rows of a table that are read at once where they are mixed: each time, all of it is gone through."""


def stored_rows(toolbox: Toolbox, step: str, cell: Cell) -> StoredRows:
    """Return the rows of one cell of a finished table step; columns are read on demand."""
    key = cell.restrict(toolbox.plan.steps[step].variables).key
    return toolbox.table(step).cell(key)


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
        first: bool = False,
    ) -> None:
        """Open the rows of one cell.

        Args:
            toolbox: Of the run.
            planned: The step that is fitted.
            cell: Its cell.
            fit_on: The step whose table it is.
            classes: Those of the first source, where it is another one.
            blind: Let nothing of targets and ids through.
            first: It is the first source, whose rows are drawn and weighted as the step says.

        Raises:
            DataError: If they have no labels, or other classes than the first source, or weights
                that are none.
            InputError: If they have neither logits nor probabilities.
        """
        step, self.blind = fit_on, blind
        self.step = step
        self.sources: Mapping[str, StreamedImages | StoredAnswers] = {}
        self.watch: Watch = FitWatch({}, planned.entry.label)
        self._rows = stored_rows(toolbox, step, cell)
        self._where = where = f"{planned.line}: fit_on: {step}"
        known = np.ones(self._rows.count, bool)
        if not blind:
            known = has_class(self._rows["target"]) if "target" in self._rows else ~known
        used = np.flatnonzero(known)
        self.total, self.left_out = self._rows.count, self._rows.count - len(used)
        if not len(used):
            lacks, kind = ("rows", "some") if blind else ("labels", "labelled")
            raise DataError(f"{where} has no {lacks}; expected {kind} predictions")
        answer_of(next(self._rows.parts(), self._rows), where)
        by = None if blind else getattr(toolbox.plugin(planned.id, cell), "goes_by", None)
        self._groups = None if by is None else group_names(self._rows[grouping_column(by)])
        self._chosen = FitRows(used)
        if first and (planned.weights is not None or planned.bootstrap is not None):
            columns = {name: self._rows[name] for name in of_samples(self._rows)}
            ids, targets = self._rows["id"].tolist(), self._rows["target"]
            self._chosen = fit_rows(
                planned,
                Candidates(step, ids, targets, columns, used),
                cell,
                toolbox.plan.spec.seed,
            )
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

    @property
    def target_names(self) -> tuple[str, ...]:
        """None: stored answers are of classes."""
        return ()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._chosen.places)

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said of the rows that are streamed."""
        return self._chosen.notes

    def epoch(self, _number: int, /) -> Iterator[Block]:
        """Go through the rows, which are stored: nothing is drawn."""
        return iter(self)

    def __iter__(self) -> Iterator[Block]:
        """Go through the rows in blocks."""
        import torch

        seen = 0
        for part, used, places in self._parts():
            targets = None if self.blind else torch.from_numpy(part["target"][used])
            ids = part["id"][used]
            answer = answer_of(part, self._where).rows(torch.from_numpy(used))
            logits, probs = answer.as_logits, answer.probabilities
            features = torch.from_numpy(part["features"][used]) if self.has_features else None
            said = torch.from_numpy(part["members"][used]).double() if self.has_members else None
            weights = self._chosen.of(places)
            groups = None if self._groups is None else [self._groups[place] for place in places]
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
                    weights=None if weights is None else weights[cut],
                    groups=None if groups is None else tuple(groups[cut]),
                )
                seen += len(names)

    def _parts(self) -> Iterator[tuple[Rows, np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
        """Go through parts of the rows, each with those that are used: where in it, and in all."""
        if not self.blind:
            start = 0
            for part in self._rows.parts():
                stop = start + part.count
                cut = slice(*np.searchsorted(self._chosen.places, (start, stop)))
                places = self._chosen.places[cut]
                yield part, places - start, places
                start = stop
            return
        ids = self._rows["id"].tolist()
        order = np.array(sorted(range(len(ids)), key=lambda row: scattered(ids[row])), np.int64)
        names = [name for name in self.columns() if name in self._rows]
        for start in range(0, len(order), _MIXED):
            places = order[start : start + _MIXED]
            yield self._rows.at(places, names), np.arange(len(places)), places


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
