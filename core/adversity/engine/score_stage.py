"""Uncertainty from stored predictions: calibrated probabilities and scores."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from adversity.contracts import Block, Fitted, PostHoc, Predictive, Score, State
from adversity.data.arrays import write_arrays
from adversity.data.checksums import verified_file
from adversity.data.tables import read_table
from adversity.engine import calls
from adversity.engine.blocks import spans
from adversity.engine.links import log_of
from adversity.engine.predict_stage import answer_columns
from adversity.engine.table_stage import TABLE, Columns, TableRun
from adversity.engine.toolbox import state_path
from adversity.errors import DataError, InputError
from adversity.provenance import file_sha256
from adversity.seeding import fit_generator, preserve_global_rng

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

    from adversity.engine.calls import Ready
    from adversity.engine.stage import Shard, StageResult
    from adversity.engine.toolbox import Toolbox
    from adversity.pipeline.model import Cell

__all__ = ["ScoreRun", "StoredLogits", "classifier_step", "stored_rows"]

ROWS = 64
"""Rows of a block when fitting on stored logits."""


def stored_rows(toolbox: Toolbox, step: str, cell: Cell) -> Columns:
    """Read the rows of one cell of a finished table step."""
    table = read_table(verified_file(toolbox.artifact(step), TABLE))
    mine = cell.restrict(toolbox.plan.steps[step].variables).key
    keep = table["cell"] == mine
    return {name: values[keep] for name, values in table.items()}


def classifier_step(toolbox: Toolbox, step: str) -> str:
    """Return the predictions at the start of a chain of scores."""
    while toolbox.plan.steps[step].role == "score":
        step = toolbox.plan.steps[step].source[0]
    return step


class StoredLogits:
    """A finished predictions table as a stream for fitting, sorted by id."""

    def __init__(self, rows: Columns, class_names: tuple[str, ...]) -> None:
        """Take the rows of one cell."""
        self._rows, self._names = rows, class_names

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that targets index."""
        return self._names

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows["id"])

    def __iter__(self) -> Iterator[Block]:
        """Go through the rows in blocks."""
        import torch

        for span in spans(len(self), ROWS):
            cut = slice(span.start, span.stop)
            yield Block(
                tuple(self._rows["id"][cut].tolist()),
                targets=torch.from_numpy(self._rows["target"][cut].copy()),
                logits=torch.from_numpy(self._rows["logits"][cut].copy()),
            )


class ScoreRun(TableRun):
    """A score or a calibrator applied to stored predictions; fitted first where it must be."""

    def split(self) -> list[Shard]:
        """Cut as usual, and prepare a place for fitted states."""
        self._fitting = threading.RLock()
        self._states: dict[Cell, State] = {}
        self._read: dict[Cell, Columns] = {}
        return super().split()

    @property
    def data(self) -> str:
        """The data set at the start of the path."""
        return self.plan.path(self.stage.step)[0]

    def class_names(self, cell: Cell) -> tuple[str, ...]:
        """Return the classifier's classes."""
        step = classifier_step(self.toolbox, self.stage.step)
        names: tuple[str, ...] = self.toolbox.ready(step, cell).plugin.class_names
        return names

    def content(self, cell: Cell) -> list[object]:
        """Hash the upstream tables and the plugin."""
        upstream = [self.node.source[0], *([self.node.fit_on] if self.node.fit_on else [])]
        tables = [file_sha256(verified_file(self.toolbox.artifact(s), TABLE)) for s in upstream]
        return [tables, self.identity(self.stage.step, cell), cell.key]

    def compute(self, shard: Shard) -> Columns:
        """Look the shard's rows up and run the plugin on them."""
        source = self.toolbox.source(self.data)
        rows = self._upstream(shard.cell)
        wanted = {source.ids[i] for i in shard.samples}
        keep = np.array([sample in wanted for sample in rows["id"]])
        mine = {name: values[keep] for name, values in rows.items()}
        ids = tuple(mine["id"].tolist())
        columns: Columns = {"id": mine["id"]}
        columns |= {name: mine[name] for name in ("target",) if name in mine}
        ready = self._ready(shard.cell)
        if isinstance(ready.plugin, PostHoc):
            probs = calls.calibrate(ready, _logits_of(mine, ready.label), ids)
            return columns | answer_columns(probs, columns.get("target"), gives="probs")
        if isinstance(ready.plugin, Score):
            score = calls.score(ready, _predictive(mine), ids)
            kept = ("prediction", "correct", "confidence", "logits", "probs")
            columns |= {name: mine[name] for name in kept if name in mine}
            return columns | {ready.plugin.name: score.numpy()}
        raise InputError(f"{self.node.line}: {ready.label} is neither a score nor a calibrator")

    def _upstream(self, cell: Cell) -> Columns:
        """Read the incoming rows of a cell once; one cell stays in memory."""
        with self._fitting:
            if cell not in self._read:
                self._read = {cell: stored_rows(self.toolbox, self.node.source[0], cell)}
            return self._read[cell]

    def _ready(self, cell: Cell) -> Ready:
        """Return the plugin, fitted on the stored predictions of `fit_on`."""
        ready = self.toolbox.bare(self.stage.step, cell)
        if self.node.fit_on is not None:
            ready.plugin.load(self._state(cell))
        return ready

    def _state(self, cell: Cell) -> State:
        with self._fitting:
            if cell not in self._states:
                self._states[cell] = self._fit(cell)
            return self._states[cell]

    def _fit(self, cell: Cell) -> State:
        step, fit_on = self.stage.step, str(self.node.fit_on)
        rows = stored_rows(self.toolbox, fit_on, cell)
        self._check_fit_rows(rows, fit_on)
        plugin = self.toolbox.bare(step, cell).plugin
        generator = fit_generator(self.plan.spec.seed, step, getattr(plugin, "seed", 0))
        if not isinstance(plugin, Fitted):
            raise InputError(f"{self.node.line}: {step!r} has fit_on, but nothing to fit")
        with preserve_global_rng():
            return plugin.fit(StoredLogits(rows, self.class_names(cell)), generator)

    def _check_fit_rows(self, rows: Columns, fit_on: str) -> None:
        """Refuse unlabelled rows."""
        if "target" not in rows or "logits" not in rows:
            raise DataError(
                f"{self.node.line}: fit_on: {fit_on} has no "
                f"{'labels' if 'target' not in rows else 'logits'}; expected labelled predictions"
            )

    def fill(self, out: Path) -> StageResult:
        """Write the table, and the states where the plugin was fitted."""
        if self.node.fit_on is not None:
            for cell in self.node.cells:
                state = self._state(cell)
                write_arrays(state_path(out, cell), dict(state.arrays), dict(state.info))
                note = state.info.get("note")
                if note:
                    where = f"[{cell.key}]" if cell.key else ""
                    self.notes.append(f"{self.stage.step}{where}: {note}")
        return super().fill(out)


def _logits_of(rows: Columns, label: str) -> Tensor:
    import torch

    if "logits" in rows:
        return torch.from_numpy(rows["logits"].copy())
    if "probs" in rows:
        return log_of(torch.from_numpy(rows["probs"].copy()))
    raise InputError(f"{label} needs logits or probabilities; the predictions have neither")


def _predictive(rows: Columns) -> Predictive:
    import torch

    logits = torch.from_numpy(rows["logits"].copy()) if "logits" in rows else None
    if "probs" in rows:
        return Predictive(torch.from_numpy(rows["probs"].copy()).double(), logits)
    if logits is None:
        raise InputError("a score needs logits or probabilities; the predictions have neither")
    return Predictive(logits.double().softmax(1), logits)
