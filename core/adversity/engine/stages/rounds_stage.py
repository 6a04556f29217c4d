"""A step whose attack runs in rounds: a wave of shards for each round, an end when it is decided.

Each round has shards of its own in the store, of the samples that stood before it. They depend on
no gate: another one uses them again. Whether a cell goes on is decided between two waves, from all
its shards together, so that no shard size, order or worker count can show.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from adversity.contracts.targets import has_class
from adversity.data.arrays import read_arrays, write_arrays
from adversity.data.tables import read_table
from adversity.engine.attack.attacking import AttackResult, attack
from adversity.engine.attack.early_stop import bounded
from adversity.engine.attack.rounds import Course, judged, rounds_of, worst_of
from adversity.engine.calls.blocks import spans
from adversity.engine.chain.budget import sizes
from adversity.engine.stages.attack_stage import AttackRun, images_name
from adversity.engine.stages.columns import Columns, join
from adversity.errors import StorageError
from adversity.metrics import are_grouped
from adversity.pipeline.plan.stop_rules import stopping_gates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adversity.engine.attack.early_stop import Stopped
    from adversity.engine.stages.attack_scene import Attacked, Scene
    from adversity.engine.stages.stage import Shard, StageResult
    from adversity.pipeline.plan.model import Cell

__all__ = ["RoundsRun"]


class _Left(NamedTuple):
    """What stands of a shard before a round: positions, rows so far, and images so far."""

    samples: list[int]
    rows: Columns
    images: np.ndarray[Any, Any]

    def cut(self, span: range) -> _Left:
        """Return a batch of it."""
        part = slice(span.start, span.stop)
        rows = {name: values[part] for name, values in self.rows.items()}
        return _Left(self.samples[part], rows, self.images[part])


class RoundsRun(AttackRun):
    """An attack in rounds on the answer of a step."""

    def split(self) -> list[Shard]:
        """Cut each cell into shards, again for each round; `line` are the rounds of one shard."""
        self._names: dict[Cell, tuple[str, ...]] = {}
        for cell in self.planned.cells:
            attack: Any = self.toolbox.plugin(self.stage.step, cell)
            self._names[cell] = tuple(attack.rounds())
        self._turn: dict[int, int] = {}
        self._line: dict[int, list[Shard]] = {}
        self._any: dict[int, bool] = {}
        self._on: dict[tuple[Cell, int], bool] = {}
        self._stops: dict[Cell, Stopped] = {}
        base = super().split()
        lines: list[list[Shard]] = [[] for _ in base]
        shards: list[Shard] = []
        for number in range(max(map(len, self._names.values()))):
            for first, line in zip(base, lines, strict=True):
                names = self._names[first.cell]
                if number >= len(names):
                    continue
                label = f"{first.label} {names[number]}".strip()
                name = f"round-{number + 1}-{first.name}"
                shard = replace(first, index=len(shards), label=label, name=name)
                line.append(shard)
                shards.append(shard)
                self._turn[shard.index], self._line[shard.index] = number, line
        return shards

    def pending(self) -> tuple[Shard, ...]:
        """Return the shards that are not finished, as far as it is not known that none is needed.

        How many samples stand after a round that is not finished nobody knows yet.
        """
        pending: list[Shard] = []
        for cell in self.planned.cells:
            for number in range(len(self._names[cell])):
                missing = [shard for shard in self._wave(cell, number) if not self.done(shard)]
                pending += missing
                if missing:
                    later = [s for s in self.shards if self._turn[s.index] > number]
                    pending += [s for s in later if s.cell == cell and not self.done(s)]
                    break
        return tuple(sorted(pending, key=lambda shard: shard.index))

    def waves(self, *, force: bool = False) -> Iterator[tuple[Shard, ...]]:
        """Yield the shards of one round after the other, as long as something is to be done."""
        for number in range(max(map(len, self._names.values()))):
            wave = tuple(
                shard
                for cell in self.planned.cells
                for shard in self._wave(cell, number)
                if force or not self.done(shard)
            )
            if force:
                self.discard(wave)
            if wave:
                yield wave

    def _wave(self, cell: Cell, number: int) -> list[Shard]:
        """Return the shards of a round in which something stands, if the cell comes to it."""
        if not self._goes_on(cell, number):
            return []
        shards = [s for s in self.shards if s.cell == cell and self._turn[s.index] == number]
        return [shard for shard in shards if number == 0 or self._stands(shard)]

    def _goes_on(self, cell: Cell, number: int) -> bool:
        """Say whether a cell comes to a round; the rounds before must be finished."""
        if (cell, number) not in self._on:
            before = number == 0 or self._goes_on(cell, number - 1)
            has_it = before and number < len(self._names[cell])
            self._on[cell, number] = has_it and (number == 0 or not self._ends(cell, number))
        return self._on[cell, number]

    def _ends(self, cell: Cell, done: int) -> bool:
        """Say whether a cell ends after so many rounds: nothing stands, or it is decided."""
        rows = self._joined(cell, done)
        stand = self.goal.standing(rows)
        # Which of a group's samples fall next moves an interval that allows for groups.
        waits = are_grouped(np.array(self.source(cell).groups, dtype=object))
        own = stopping_gates(self.planned, () if waits else self.plan.gates)
        gates = [gate for gate in own if gate.selector.items() <= cell.as_dict().items()]
        course = Course(gates, int(has_class(rows["target"]).sum()))
        right, left = int(rows[self.goal.open].sum()), int(stand.sum())
        course.look(self._names[cell], done, right=right, standing=left)
        if course.stopped is not None:
            self._stops[cell] = course.stopped
        return left == 0 or course.stopped is not None

    def _joined(self, cell: Cell, done: int) -> Columns:
        """Return what became of each sample of a cell after so many rounds."""
        names = ("target", self.goal.open, self.goal.reached)
        outcomes = (self._rows(self._line[s.index][:done])[0] for s in self.shards_of(cell))
        return join([{name: rows[name] for name in names} for rows in outcomes])

    def _rows(self, line: list[Shard]) -> tuple[Columns, list[tuple[str, int]]]:
        """Return the last row of each sample of a shard, and where its image is stored."""
        key = self.cell_key(line[0].cell)
        rows = {k: v.copy() for k, v in self.store.read(key, line[0].name, read_table).items()}
        where = [(images_name(line[0]), row) for row in range(len(rows["id"]))]
        place = {sample: row for row, sample in enumerate(rows["id"])}
        for shard in line[1:]:
            if not self.goal.standing(rows).any():
                break
            later = self.store.read(key, shard.name, read_table)
            at = [place[sample] for sample in later["id"]]
            for name, values in later.items():
                rows[name][at] = values
            for row, position in enumerate(at):
                where[position] = (images_name(shard), row)
        return rows, where

    def _stands(self, shard: Shard) -> bool:
        """Say whether anything of a shard stands before its round."""
        if shard.index not in self._any:
            rows = self._rows(self.earlier(shard))[0]
            self._any[shard.index] = bool(self.goal.standing(rows).any())
        return self._any[shard.index]

    def earlier(self, shard: Shard) -> list[Shard]:
        """Return the same samples in the rounds before."""
        return self._line[shard.index][: self._turn[shard.index]]

    def _left(self, shard: Shard) -> _Left:
        """Read what the rounds before left standing of a shard."""
        rows, where = self._rows(self.earlier(shard))
        stands = np.flatnonzero(self.goal.standing(rows))
        key = self.cell_key(shard.cell)
        files = {
            name: self.store.read(key, name, read_arrays)[0]["images"]
            for name in sorted({where[i][0] for i in stands})
        }
        images = np.stack([files[where[i][0]][where[i][1]] for i in stands])
        source = self.source(shard.cell)
        sample_of = {source.ids[sample]: sample for sample in shard.samples}
        left = {name: values[stands] for name, values in rows.items()}
        return _Left([sample_of[sample] for sample in left["id"]], left, images)

    def compute(self, shard: Shard) -> Columns:
        """Run one round on what stands of a shard, store its images, and judge those."""
        number, size = self._turn[shard.index], self.plan.spec.run.batch_size
        left = self._left(shard) if number else None
        samples = list(shard.samples) if left is None else left.samples
        cuts = list(spans(len(samples), size))
        parts = [
            self._round(shard, [samples[i] for i in span], left.cut(span) if left else None)
            for span in cuts
        ]
        changed = np.concatenate([part.result.images.numpy() for part in parts])
        key, name = self.cell_key(shard.cell), images_name(shard)
        self.store.put(key, name, lambda path: write_arrays(path, {"images": changed}))
        stored = self.store.read(key, name, read_arrays)[0]["images"]
        images = (stored[span.start : span.stop] for span in cuts)
        rows = join([self._judged(*pair) for pair in zip(parts, images, strict=True)])
        solved = np.where(rows[self.goal.reached], float(number + 1), 0.0)
        rows["parameter_solved_by"] = np.where(rows[self.goal.open], solved, np.nan)
        return rows

    def _round(self, shard: Shard, samples: list[int], left: _Left | None) -> Attacked:
        """Attack a batch in one round; what it cost before counts on."""
        import torch

        scene = self.scene(shard.cell, samples)
        turn = rounds_of(scene.ready)[self._turn[shard.index]]
        if left is not None:
            costs = {k: torch.from_numpy(left.rows[k]) for k in ("queries", "gradients")}
            zero, nan = (torch.from_numpy(left.rows[f"{k}_gradient"]) for k in ("zero", "nan"))
            felt = (costs["gradients"] > 0) & ~zero
            scene.victim.counts.go_on(**costs, felt=felt, broken=nan)
        result = attack(
            turn.set_up(),
            scene.victim,
            scene.current.images,
            scene.goals,
            seed=self.plan.spec.seed,
            step=self.stage.step,
            judge=scene.judge,
            before=self.before(scene),
            final=False,
            stream=turn.name,
        )
        untold = torch.full((len(samples),), torch.nan, dtype=torch.float64)
        result = replace(result, parameters={"solved_by": untold})
        if left is None:
            return replace(self.attacked(scene, result), probed=self.probed(scene, result, samples))
        random = torch.from_numpy(left.rows["random_output"])
        return self.attacked(scene, _worst(scene, result, left), random)

    def shards_of(self, cell: Cell) -> list[Shard]:
        """Return the shards of a cell's first round, in which every sample is."""
        return [s for s in self.shards if s.cell == cell and self._turn[s.index] == 0]

    def parts(self, cell: Cell) -> Iterator[Columns]:
        """Yield the last row of each sample of a cell, sorted by id, so many at a time."""
        self._rounds = self._ran(cell)
        return super().parts(cell)

    def shard_rows(self, shard: Shard) -> Columns:
        """Return the last row of each sample of a shard after the rounds that its cell ran."""
        return self._rows(self._line[shard.index][: self._rounds])[0]

    def _ran(self, cell: Cell) -> int:
        """Return how many rounds a cell ran."""
        ran = 0
        while ran < len(self._names[cell]) and (wave := self._wave(cell, ran)):
            for shard in wave:
                if not self.done(shard):
                    raise StorageError(
                        f"shard {shard.label} of step {self.stage.step!r} is missing; run it again"
                    )
            ran += 1
        return ran

    def places(self, cell: Cell) -> dict[str, tuple[str, int]]:
        """Return the file and the row of each sample's worst image."""
        places: dict[str, tuple[str, int]] = {}
        ran = self._ran(cell)
        for shard in self.shards_of(cell):
            rows, where = self._rows(self._line[shard.index][:ran])
            places |= dict(zip(rows["id"], where, strict=True))
        return places

    def fill(self, out: Path) -> StageResult:
        """Write the artifact; say where cells stopped and that their figures are bounds."""
        for cell in self.planned.cells:
            self._ran(cell)
        stops = {cell.key: self._stops[cell] for cell in self.planned.cells if cell in self._stops}
        self.notes += [f"{key}: {stop}" if key else str(stop) for key, stop in stops.items()]
        result = super().fill(out)
        measures = {
            key: bounded(measures, stops[key]) if key in stops else measures
            for key, measures in result.measures.items()
        }
        return replace(result, measures=measures)


def _worst(scene: Scene, result: AttackResult, left: _Left) -> AttackResult:
    """Keep, of each sample, the image of this round or that of those before."""
    import torch

    sides = (result.images, torch.from_numpy(left.images))
    new, before = (judged(scene.judge, scene.goals, images) for images in sides)
    images = worst_of(new, before).images
    norms = sizes(scene.ready, images, scene.current.images, scene.current.ids)
    return replace(result, images=images, norms=norms)
