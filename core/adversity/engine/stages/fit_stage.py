"""Fitting a plugin that stands on its own: the state is the artifact."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from adversity.data.arrays import write_arrays
from adversity.engine.set_up.toolbox import state_path
from adversity.engine.stages.fitting import notes_of_states, source_notes
from adversity.engine.stages.history import history_path, last_epoch, write_history
from adversity.engine.stages.kept_fits import STATE, KeptFits
from adversity.engine.stages.stage import Progress, Shard, StageResult, StageRun
from adversity.errors import InputError
from adversity.pipeline.plan.recorded import recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from adversity.contracts import Measure
    from adversity.pipeline.plan.model import Cell

__all__ = ["FitRun"]

_EVERY = 0.5
"""Seconds between two rows that are told; a person reads no faster."""


class FitRun(StageRun):
    """A definition with `fit_on`: a shard for each cell, and for each cell without a fold."""

    def split(self) -> list[Shard]:
        """Return a shard a cell; with `folds:` as many more, for each fold that is left out."""
        self.planned = self.plan.steps[self.stage.step]
        self.fits = KeptFits(self)
        if self.planned.fit_on is None:
            raise InputError(f"{self.planned.line}: {self.planned.id!r} has nothing to fit on")
        starts = [self.plan.chain(name).start for name in self.planned.fitted_by]
        left_out = (None, *range(self.planned.fold_count or 0))
        every = [(cell, fold) for cell in self.planned.cells for fold in left_out]
        return [
            Shard(number, cell, rows, self._label(cell, fold), name=STATE)
            for number, (cell, fold) in enumerate(every)
            for rows in [sum(len(self.toolbox.source(start, cell)) for start in set(starts))]
        ]

    def _label(self, cell: Cell, fold: int | None) -> str:
        without = "" if fold is None else f"without fold {fold + 1}/{self.planned.fold_count}"
        return f"{cell.key} {without}".strip() or "fit"

    def _fold(self, shard: Shard) -> int | None:
        """Return the fold that a shard leaves out; None for all samples."""
        place = shard.index % (1 + (self.planned.fold_count or 0))
        return place - 1 if place else None

    def pending(self) -> tuple[Shard, ...]:
        """Return the cells that are not fitted."""
        return tuple(
            shard for shard in self.shards if not self.fits.has(shard.cell, self._fold(shard))
        )

    def run_shard(self, shard: Shard) -> None:
        """Fit one cell; it goes on where it was when it was killed."""
        step = self.stage.step
        epochs = getattr(self.toolbox.plugin(step, shard.cell), "epochs", None)
        tells = _Tells(partial(self.on_progress, shard), epochs if type(epochs) is int else None)
        self.fits.make(shard.cell, f"{step} {shard.label}", tells, self._fold(shard))

    def fill(self, out: Path) -> StageResult:
        """Copy the states into the artifact, each with its history; measure the last epoch."""
        measures: dict[str, dict[str, Measure]] = {}
        infos: dict[str, dict[str, Any]] = {}
        declared = recorded(self.planned)
        for cell in self.planned.cells:
            fit = self.fits.read(cell)
            info = dict(fit.state.info)
            write_arrays(state_path(out, cell), dict(fit.state.arrays), info)
            write_history(history_path(out, cell), fit.rows)
            if declared:
                measures[cell.key] = last_epoch(fit.rows, declared, fit.counts)
            infos[cell.key] = info
            for fold in range(self.planned.fold_count or 0):
                state = self.fits.read(cell, fold).state
                write_arrays(state_path(out, cell, fold), dict(state.arrays), dict(state.info))
            said = source_notes(self.toolbox, self.stage.step, cell)
            self.notes += [note for note in said if note not in self.notes]
        self.notes += notes_of_states(self.stage.step, infos)
        rows = sum(shard.rows for shard in self.shards if self._fold(shard) is None)
        return StageResult(self.stage.step, measures, tuple(self.notes), rows)


class _Tells:
    """A listener that tells rows as progress."""

    def __init__(self, tell: Callable[[Progress], None], epochs: int | None) -> None:
        """Tell nothing yet.

        Args:
            tell: Gets it.
            epochs: How many there will be, if the plugin has a parameter of that name.
        """
        self._tell, self._epochs = tell, epochs
        self._begun, self._last = 0.0, time.monotonic() - _EVERY

    def __call__(self, row: Mapping[str, float], resumed: bool) -> None:  # noqa: FBT001
        """Tell it, unless the last one was told just now."""
        epoch = int(row["epoch"])
        share = 0.0 if self._epochs is None else min(1.0, epoch / self._epochs)
        if resumed:
            self._begun = share
        if time.monotonic() - self._last < _EVERY:
            return
        self._last = time.monotonic()
        of = "" if self._epochs is None else f"/{self._epochs}"
        numbers = [f"{name} {value:.3g}" for name, value in row.items() if name != "epoch"]
        self._tell(Progress(" · ".join([f"epoch {epoch}{of}", *numbers]), share, self._begun))
