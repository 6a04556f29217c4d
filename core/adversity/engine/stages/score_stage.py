"""Uncertainty from stored predictions: calibrated probabilities and scores."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts import Predictive, State
from adversity.data.arrays import write_arrays
from adversity.engine.calls.uncertainty_call import CalibratorCall
from adversity.engine.set_up.toolbox import state_path
from adversity.engine.stages.answer_columns import answer_columns, answer_of
from adversity.engine.stages.fitting import (
    fit_identity,
    fit_step,
    stored_rows,
)
from adversity.engine.stages.table_stage import TableRun

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.engine.calls.ready import Ready
    from adversity.engine.chain.answer import Answer
    from adversity.engine.stages.columns import Columns
    from adversity.engine.stages.stage import Shard, StageResult
    from adversity.pipeline.plan.model import Cell

__all__ = ["ScoreRun"]

_USED = ("id", "target", "prediction", "correct", "confidence", "logits", "probs")
"""The columns that a score goes by, and that its own table has as well."""


class ScoreRun(TableRun):
    """A score or a calibrator applied to stored predictions; fitted first where it must be."""

    def split(self) -> list[Shard]:
        """Cut as usual, and prepare a place for fitted states."""
        self._fitting = threading.RLock()
        self._states: dict[Cell, State] = {}
        self._ids: dict[Cell, list[str]] = {}
        return super().split()

    def content(self, cell: Cell) -> list[object]:
        """Hash the upstream tables and the plugin."""
        step = self.stage.step
        table = self.toolbox.table(self.planned.upstream).sha256
        fit = fit_identity(self, step, cell) if self.planned.fit_on is not None else []
        return [table, fit, self.identity(step, cell), cell.key]

    def compute(self, shard: Shard) -> Columns:
        """Look the shard's rows up and run the plugin on them."""
        source = self.toolbox.source(self.data)
        names = {source.ids[i] for i in shard.samples}
        rows = stored_rows(self.toolbox, self.planned.upstream, shard.cell)
        at = np.array([i for i, name in enumerate(self._upstream(shard.cell)) if name in names])
        stored = rows.at(at, [name for name in _USED if name in rows])
        ids = tuple(stored["id"].tolist())
        columns: Columns = {"id": stored["id"]}
        columns |= {name: stored[name] for name in ("target",) if name in stored}
        ready = self._ready(shard.cell)
        call, answer = ready.call, answer_of(stored, ready.label)
        if isinstance(call, CalibratorCall):
            calibrated = answer.calibrated(call(answer.as_logits, ids))
            return columns | answer_columns(calibrated, columns.get("target"))
        columns |= {name: column for name, column in stored.items() if name not in columns}
        return columns | {ready.plugin.name: call(_predictive(answer), ids).numpy()}

    def _upstream(self, cell: Cell) -> list[str]:
        """Read the incoming ids of a cell once; those of one cell stay in memory."""
        with self._fitting:
            if cell not in self._ids:
                rows = stored_rows(self.toolbox, self.planned.upstream, cell)
                self._ids = {cell: rows["id"].tolist()}
            return self._ids[cell]

    def _ready(self, cell: Cell) -> Ready:
        """Return the plugin; one with `fit_on` of its own is fitted here."""
        if self.planned.fit_on is None:
            return self.toolbox.ready(self.stage.step, cell)
        return self.toolbox.bare(self.stage.step, cell, state=self._state(cell))

    def _state(self, cell: Cell) -> State:
        with self._fitting:
            if cell not in self._states:
                self._states[cell] = fit_step(self.toolbox, self.stage.step, cell)
            return self._states[cell]

    def fill(self, out: Path) -> StageResult:
        """Write the table, and the states where the plugin was fitted."""
        if self.planned.fit_on is not None:
            for cell in self.planned.cells:
                state = self._state(cell)
                write_arrays(state_path(out, cell), dict(state.arrays), dict(state.info))
                note = state.info.get("note")
                if note:
                    where = f"[{cell.key}]" if cell.key else ""
                    self.notes.append(f"{self.stage.step}{where}: {note}")
        return super().fill(out)


def _predictive(answer: Answer) -> Predictive:
    return Predictive(answer.probabilities, answer.values if answer.gives == "logits" else None)
