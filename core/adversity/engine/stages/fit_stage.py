"""Fitting a plugin that stands on its own: the state is the artifact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.data.arrays import read_arrays, write_arrays
from adversity.engine.set_up.toolbox import state_path
from adversity.engine.stages.fitting import fit_identity, fit_step, left_out_note
from adversity.engine.stages.stage import Shard, StageResult, StageRun
from adversity.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.pipeline.plan.model import Cell

__all__ = ["FitRun"]

_FILE = "state.safetensors"


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
        """Fit one cell."""
        state = fit_step(self.toolbox, self.stage.step, shard.cell)
        key = self._key(shard.cell)
        self.store.put(
            key, _FILE, lambda path: write_arrays(path, dict(state.arrays), dict(state.info))
        )

    def fill(self, out: Path) -> StageResult:
        """Copy the states into the artifact."""
        for cell in self.planned.cells:
            arrays, info = self.store.read(self._key(cell), _FILE, read_arrays)
            write_arrays(state_path(out, cell), arrays, info)
            if info.get("note"):
                where = f"[{cell.key}]" if cell.key else ""
                self.notes.append(f"{self.stage.step}{where}: {info['note']}")
            said = left_out_note(self.toolbox, self.stage.step, cell)
            self.notes += [note for note in said if note not in self.notes]
        return StageResult(
            self.stage.step, {}, tuple(self.notes), sum(shard.rows for shard in self.shards)
        )
