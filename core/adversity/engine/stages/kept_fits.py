"""Fits in the store: made once, kept while they are made, read by whoever needs them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from adversity.contracts import State
from adversity.data.arrays import read_arrays, write_arrays
from adversity.engine.stages.checkpoint import Checkpoint
from adversity.engine.stages.fitting import Fit, fit_identity, fit_step

if TYPE_CHECKING:
    from adversity.engine.calls.fit_watch import Listener
    from adversity.engine.stages.stage import StageRun
    from adversity.pipeline.plan.model import Cell

__all__ = ["STATE", "KeptFits"]

STATE = "state.safetensors"
"""What a fit is called in the store."""


class KeptFits:
    """The fits of a stage's step, one a cell; safe for many threads."""

    def __init__(self, run: StageRun) -> None:
        """Make nothing yet.

        Args:
            run: The stage; its step has `fit_on`.
        """
        self._run, self._step = run, run.stage.step
        self._lock = threading.RLock()
        self._keys: dict[tuple[Cell, int | None], str] = {}
        self._fits: dict[Cell, Fit] = {}

    def key(self, cell: Cell, fold: int | None = None) -> str:
        """Return the store's key of a cell's fit, or of that without a fold."""
        with self._lock:
            if (cell, fold) not in self._keys:
                parts = fit_identity(self._run, self._step, cell)
                if fold is not None:
                    parts.append({"folds:": [self._run.plan.steps[self._step].fold_count, fold]})
                identity = self._run.identity(self._step, cell)
                self._keys[cell, fold] = self._run.key(parts, identity)
            return self._keys[cell, fold]

    def has(self, cell: Cell, fold: int | None = None) -> bool:
        """Say whether a cell's fit is finished."""
        return self._run.store.has(self.key(cell, fold), STATE)

    def make(
        self, cell: Cell, label: str, listener: Listener | None = None, fold: int | None = None
    ) -> None:
        """Fit a cell into the store; it goes on where it was when it was killed.

        Args:
            cell: The cell.
            label: What notes call the fit.
            listener: Told of each row of its history.
            fold: The fold that is left out, from 0; None for all samples.
        """
        run, key = self._run, self.key(cell, fold)
        seconds = run.plan.spec.run.checkpoint_s
        checkpoint = Checkpoint(run.store, key, seconds=seconds, name=label)
        fit = fit_step(run.toolbox, self._step, cell, checkpoint, listener, fold=fold)
        arrays = dict(fit.state.arrays)
        info = {"info": dict(fit.state.info), "rows": fit.rows, "counts": dict(fit.counts)}
        run.store.put(key, STATE, lambda path: write_arrays(path, arrays, info))
        checkpoint.drop()

    def read(self, cell: Cell, fold: int | None = None) -> Fit:
        """Return a cell's fit from the store, or that without a fold.

        Raises:
            StorageError: If it is not there, or damaged.
        """
        arrays, found = self._run.store.read(self.key(cell, fold), STATE, read_arrays)
        return Fit(State(arrays, found["info"]), tuple(found["rows"]), found["counts"])

    def of(self, cell: Cell) -> Fit:
        """Return a cell's fit, which is made first where it is not there; it stays in memory."""
        with self._lock:
            if cell not in self._fits:
                if not self.has(cell):
                    self.make(cell, f"{self._step} {cell.key}".strip())
                self._fits[cell] = self.read(cell)
            return self._fits[cell]

    def forget(self, cell: Cell) -> None:
        """Take a cell's fit out of store and memory, so that it is made again."""
        with self._lock:
            self._run.store.remove(self.key(cell), STATE)
            self._fits.pop(cell, None)
