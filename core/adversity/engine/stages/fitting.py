"""Fitting a step's plugin in a cell: what it is fitted on, and what that hangs on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.contracts import Classifier, Fitted, Regressor
from adversity.contracts.fitted import UNLABELLED
from adversity.engine.calls.fit_watch import FitWatch
from adversity.engine.stages.fit_numbers import StreamedNumbers, require_the_same_numbers
from adversity.engine.stages.fit_streams import LEARN_FROM
from adversity.errors import InputError
from adversity.pipeline.plan.folded import rests_on_folds
from adversity.pipeline.plan.recorded import history_of
from adversity.seeding import fit_generator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.contracts import State
    from adversity.engine.calls.fit_watch import Keeper, Listener
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.stages.fit_streams import StoredAnswers
    from adversity.engine.stages.stage import StageRun
    from adversity.engine.stages.streamed_images import StreamedImages
    from adversity.pipeline.plan.model import Cell, PlannedStep

__all__ = ["Fit", "fit_identity", "fit_step", "notes_of_states", "source_notes"]


_NAMED_CELLS = 3
"""So many cells are named beside a note that is not of all."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What fitting found.

    Attributes:
        state: What the plugin returned.
        rows: The history that it recorded.
        counts: The number of samples of each source.
    """

    state: State
    rows: tuple[Mapping[str, float], ...]
    counts: Mapping[str, int]


def fit_step(
    toolbox: Toolbox,
    step: str,
    cell: Cell,
    keeper: Keeper | None = None,
    listener: Listener | None = None,
    *,
    fold: int | None = None,
) -> Fit:
    """Fit the plugin of a step in a cell on what its `fit_on:` names; return what it found.

    Args:
        toolbox: Of the run.
        step: The step.
        cell: Its cell.
        keeper: Where the fit is kept while it goes on; nowhere if None.
        listener: Told of each row of its history.
        fold: The fold of its first source that is left out, from 0; None for none.

    Raises:
        DataError: If the rows have no labels, or predictions neither logits nor probabilities.
        PluginError: If the plugin fails.
    """
    planned = toolbox.plan.steps[step]
    ready = toolbox.bare(step, cell)
    generator = fit_generator(toolbox.plan.spec.seed, step, getattr(ready.plugin, "seed", 0))
    declared = history_of(_fitted(planned), planned.fit_on or ())
    watch = FitWatch(declared, ready.label, keeper, listener)
    watch.bind(generator)
    streams = _streams(toolbox, planned, cell, watch, fold)
    state = ready.learn(next(iter(streams.values())), generator)
    watch.require_rows()
    counts = {name: len(source) for name, source in streams.items()}
    return Fit(state, tuple(watch.rows), counts)


def source_notes(toolbox: Toolbox, step: str, cell: Cell) -> tuple[str, ...]:
    """Say which samples a fit saw without their labels, and where some had no class to learn."""
    streams = _streams(toolbox, toolbox.plan.steps[step], cell)
    blind = tuple(
        f"{step} saw the {len(stream):,} samples of {stream.step}, without labels, references and ids"
        for stream in streams.values()
        if stream.blind
    )
    folded = tuple(
        f"{step} was fitted on answers out of fold ({stream.step}), of networks that are each fitted "
        "on a part; what it is used on was fitted on all, so that what it promises holds nearly"
        for stream in streams.values()
        if rests_on_folds(stream.step, toolbox.plan.steps)
    )
    return (
        blind
        + folded
        + tuple(note for stream in streams.values() for note in stream.notes)
        + tuple(
            f"{step} was fitted on {stream.total - stream.left_out} of the {stream.total} samples of "
            f"{stream.step}; the others have no class that it can learn"
            for stream in streams.values()
            if stream.left_out
        )
    )


def notes_of_states(step: str, infos: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what fits say for the report (`State.info["note"]`), each sentence once.

    Args:
        step: The step.
        infos: What each of its cells found, by the cell's key.

    Example:
        >>> notes_of_states("scaled", {"a=1": {"note": "weak"}, "a=2": {"note": "weak"}})
        ['scaled: weak']
        >>> notes_of_states("scaled", {"a=1": {"note": "weak"}, "a=2": {}})
        ['scaled[a=1]: weak']
    """
    cells: dict[str, list[str]] = {}
    for key, info in infos.items():
        if info.get("note"):
            cells.setdefault(str(info["note"]), []).append(key)
    said = []
    for note, keys in cells.items():
        more = f"; and {len(keys) - _NAMED_CELLS} more" if len(keys) > _NAMED_CELLS else ""
        where = f"[{'; '.join(keys[:_NAMED_CELLS])}{more}]" if len(keys) < len(infos) else ""
        said.append(f"{step}{where}: {note}")
    return said


def fit_identity(run: StageRun, step: str, cell: Cell) -> list[object]:
    """Return everything the fit of a step hangs on but its plugin, as JSON values."""
    planned = run.plan.steps[step]
    fits_on, (main, *others) = _fitted(planned).fits_on, dict(planned.fit_on or {}).items()
    identity = _identity_of(run, fits_on, *main, cell)
    more = {
        name: [*_identity_of(run, fits_on, name, each, cell), *_labels_of(run, name, each)]
        for name, each in others
    }
    if planned.weights is not None:
        more["weights:"] = [planned.weights]
    if planned.bootstrap is not None:
        more["bootstrap:"] = [planned.draw_of(cell)]
    return [*identity, more] if more else identity


def _labels_of(run: StageRun, name: str, fit_on: str) -> list[object]:
    """Return what the targets of a source hang on, beside its rows; of one without them, nothing."""
    return [] if name == UNLABELLED else [run.label_hash(run.plan.chain(fit_on).start)]


def _identity_of(run: StageRun, fits_on: str, name: str, fit_on: str, cell: Cell) -> list[object]:
    """Return what the rows of one source hang on: without labels, what comes through alone."""
    if fits_on != "images":
        return _rows_of(run, LEARN_FROM[fits_on], name, fit_on, cell)
    chain = run.plan.chain(fit_on)
    links = [run.identity(link.id, cell) for link in chain.links]
    source = run.toolbox.source(chain.start, cell)
    if name == UNLABELLED:
        return [source.unlabelled_content, links]
    return [source.content, links, run.toolbox.data(chain.start, cell).images]


def _rows_of(run: StageRun, streamed: Any, name: str, fit_on: str, cell: Cell) -> list[object]:
    """Return the hash of a table, which holds all cells, and the cell; or of what comes through."""
    table = run.toolbox.table(fit_on)
    own = cell.restrict(run.plan.steps[fit_on].variables)
    if name == UNLABELLED:
        return [table.content(own.key, streamed.columns())]
    return [table.sha256, own.key]


def _fitted(planned: PlannedStep) -> type[Fitted]:
    cls = planned.entry.cls
    if cls is None or not issubclass(cls, Fitted) or not planned.fit_on:
        raise InputError(f"{planned.line}: {planned.id!r} has nothing to fit, or nothing to fit on")
    return cls


def _streams(
    toolbox: Toolbox,
    planned: PlannedStep,
    cell: Cell,
    watch: FitWatch | None = None,
    fold: int | None = None,
) -> dict[str, StreamedImages | StoredAnswers]:
    """Return the sources of a fit as streams, by name, the first one first."""
    cls, classes = _fitted(planned), None
    streams: dict[str, StreamedImages | StoredAnswers] = {}
    for name, fit_on in (planned.fit_on or {}).items():
        opened, blind = LEARN_FROM[cls.fits_on], name == UNLABELLED
        if issubclass(cls, Regressor):
            opened = StreamedNumbers
        rows: dict[str, Any] = {} if streams or fold is None else {"fold": fold}
        streams[name] = opened(
            toolbox, planned, cell, fit_on, classes, blind=blind, first=not streams, **rows
        )
        if issubclass(cls, Classifier) or cls.fits_on != "images":
            classes = next(iter(streams.values())).class_names
    if issubclass(cls, Regressor):
        require_the_same_numbers(f"{planned.line}: fit_on", streams)
    for stream in streams.values():
        stream.sources, stream.watch = streams, watch or stream.watch
    return streams
