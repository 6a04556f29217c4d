"""Fitting a plugin that stands on its own: the state is the artifact."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from adversity.data.arrays import read_arrays, write_arrays
from adversity.engine.set_up.toolbox import state_path
from adversity.engine.stages.checkpoint import Checkpoint
from adversity.engine.stages.fitting import fit_identity, fit_step, source_notes
from adversity.engine.stages.history import history_path, last_epoch, write_history
from adversity.engine.stages.stage import Progress, Shard, StageResult, StageRun
from adversity.errors import InputError
from adversity.pipeline.plan.recorded import recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from adversity.contracts import Measure
    from adversity.pipeline.plan.model import Cell

__all__ = ["FitRun"]

_FILE = "state.safetensors"
_EVERY = 0.5
"""Seconds between two rows that are told; a person reads no faster."""


class FitRun(StageRun):
    """A definition with `fit_on`: one shard for each cell."""

    def split(self) -> list[Shard]:
        """Return one shard a cell."""
        self.planned = self.plan.steps[self.stage.step]
        if self.planned.fit_on is None:
            raise InputError(f"{self.planned.line}: {self.planned.id!r} has nothing to fit on")
        starts = [self.plan.chain(name).start for name in self.planned.fitted_by]
        rows = sum(len(self.toolbox.source(start)) for start in dict.fromkeys(starts))
        return [
            Shard(number, cell, rows, cell.key or "fit", name=_FILE)
            for number, cell in enumerate(self.planned.cells)
        ]

    def _key(self, cell: Cell) -> str:
        step = self.stage.step
        return self.key(fit_identity(self, step, cell), self.identity(step, cell))

    def pending(self) -> tuple[Shard, ...]:
        """Return the cells that are not fitted."""
        return tuple(s for s in self.shards if not self.store.has(self._key(s.cell), _FILE))

    def run_shard(self, shard: Shard) -> None:
        """Fit one cell; it goes on where it was when it was killed."""
        key, step = self._key(shard.cell), self.stage.step
        seconds = self.plan.spec.run.checkpoint_s
        checkpoint = Checkpoint(self.store, key, seconds=seconds, name=f"{step} {shard.label}")
        epochs = getattr(self.toolbox.plugin(step, shard.cell), "epochs", None)
        tells = _Tells(partial(self.on_progress, shard), epochs if type(epochs) is int else None)
        fit = fit_step(self.toolbox, step, shard.cell, checkpoint, tells)
        arrays = dict(fit.state.arrays)
        info = {"info": dict(fit.state.info), "rows": fit.rows, "counts": dict(fit.counts)}
        self.store.put(key, _FILE, lambda path: write_arrays(path, arrays, info))
        checkpoint.drop()

    def fill(self, out: Path) -> StageResult:
        """Copy the states into the artifact, each with its history; measure the last epoch."""
        measures: dict[str, dict[str, Measure]] = {}
        declared = recorded(self.planned)
        for cell in self.planned.cells:
            arrays, found = self.store.read(self._key(cell), _FILE, read_arrays)
            write_arrays(state_path(out, cell), arrays, found["info"])
            write_history(history_path(out, cell), found["rows"])
            if declared:
                measures[cell.key] = last_epoch(found["rows"], declared, found["counts"])
            if found["info"].get("note"):
                where = f"[{cell.key}]" if cell.key else ""
                self.notes.append(f"{self.stage.step}{where}: {found['info']['note']}")
            said = source_notes(self.toolbox, self.stage.step, cell)
            self.notes += [note for note in said if note not in self.notes]
        rows = sum(shard.rows for shard in self.shards)
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
