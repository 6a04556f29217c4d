"""Fitting a plugin on images: the state is the artifact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Block, Fitted
from adversity.data.arrays import read_arrays, write_arrays
from adversity.engine.blocks import spans
from adversity.engine.calls import BREAKS
from adversity.engine.flow import flow
from adversity.engine.stage import Shard, StageResult, StageRun
from adversity.engine.toolbox import state_path
from adversity.errors import InputError
from adversity.seeding import fit_generator, preserve_global_rng

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adversity.engine.toolbox import Toolbox
    from adversity.pipeline.model import Cell

__all__ = ["FitRun"]

ROWS = 64
"""Rows of a block when fitting on images."""
_FILE = "state.safetensors"


class StreamedImages:
    """The images of a step as a stream for fitting, in the order of ids."""

    def __init__(self, toolbox: Toolbox, step: str, cell: Cell) -> None:
        """Read nothing yet."""
        self._toolbox, self._step, self._cell = toolbox, step, cell
        self._source = toolbox.source(toolbox.plan.path(step)[0])

    @property
    def class_names(self) -> tuple[str, ...]:
        """The data set's classes, which targets index."""
        return self._source.class_names

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._source)

    def __iter__(self) -> Iterator[Block]:
        """Go through blocks of one picture size."""
        import torch

        order = sorted(range(len(self)), key=lambda i: self._source.ids[i])
        for rows in self._source.by_shape(order).values():
            for span in spans(len(rows), ROWS):
                index = [rows[i] for i in span]
                current = flow(self._toolbox, self._step, self._cell, index)
                targets = torch.from_numpy(self._source.targets[index].copy())
                yield Block(
                    current.ids,
                    targets=targets if self._source.labelled else None,
                    images=current.images,
                    references=current.clean if current.comparable else None,
                )


class FitRun(StageRun):
    """A definition with `fit_on`: one shard for each cell."""

    def split(self) -> list[Shard]:
        """Return one shard a cell."""
        self.node = self.plan.steps[self.stage.step]
        if self.node.fit_on is None:
            raise InputError(f"{self.node.line}: {self.node.id!r} has nothing to fit on")
        rows = len(self.toolbox.source(self.plan.path(self.node.fit_on)[0]))
        return [
            Shard(number, cell, rows, cell.key or "fit", name=_FILE)
            for number, cell in enumerate(self.node.cells)
        ]

    def _key(self, cell: Cell) -> str:
        path = self.plan.path(str(self.node.fit_on))
        links = [self.identity(step, cell) for step in path[1:]]
        return self.key(
            self.toolbox.source(path[0]).content, links, self.identity(self.stage.step, cell)
        )

    def pending(self) -> tuple[Shard, ...]:
        """Return the cells that are not fitted."""
        return tuple(s for s in self.shards if not self.store.has(self._key(s.cell), _FILE))

    def run_shard(self, shard: Shard) -> None:
        """Fit one cell."""
        ready = self.toolbox.bare(self.stage.step, shard.cell)
        plugin = ready.plugin
        if not isinstance(plugin, Fitted):
            raise InputError(f"{self.node.line}: {ready.label} has fit_on, but nothing to fit")
        seed = getattr(plugin, "seed", 0)
        generator = fit_generator(self.plan.spec.seed, self.stage.step, seed)
        stream = StreamedImages(self.toolbox, str(self.node.fit_on), shard.cell)
        try:
            with preserve_global_rng():
                state = plugin.fit(stream, generator)
        except BREAKS as error:
            ready.guard(error)
        key = self._key(shard.cell)
        self.store.put(
            key, _FILE, lambda path: write_arrays(path, dict(state.arrays), dict(state.info))
        )

    def fill(self, out: Path) -> StageResult:
        """Copy the states into the artifact."""
        for cell in self.node.cells:
            arrays, info = self.store.read(self._key(cell), _FILE, read_arrays)
            write_arrays(state_path(out, cell), arrays, info)
            if info.get("note"):
                self.notes.append(f"{self.stage.step}: {info['note']}")
        return StageResult(
            self.stage.step, {}, tuple(self.notes), sum(shard.rows for shard in self.shards)
        )
