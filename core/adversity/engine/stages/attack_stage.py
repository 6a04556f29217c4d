"""Attacks on the chain: images kept, then judged on what was read back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.data.arrays import read_arrays, write_arrays
from adversity.engine.attack.attacking import AttackResult, attack
from adversity.engine.attack.hidden_pixels import CHECKED, hidden_pixels
from adversity.engine.attack.masked_gradient import sign_columns, sign_shares
from adversity.engine.attack.probes import probe, probe_shares
from adversity.engine.attack.randomised import random_output
from adversity.engine.calls.blocks import spans
from adversity.engine.chain.budget import within_budget
from adversity.engine.chain.target import ChainTarget
from adversity.engine.stages.answering import answering, probability_notes
from adversity.engine.stages.attack_columns import parameter_columns, result_columns
from adversity.engine.stages.attack_identity import IDENTITY, attacked
from adversity.engine.stages.attack_scene import Attacked, Scene, verdict_columns
from adversity.engine.stages.columns import Columns, Rows, join
from adversity.engine.stages.stage import write_json
from adversity.engine.stages.step_images import step_images
from adversity.engine.stages.stored_images import StoredImages
from adversity.engine.stages.table_stage import TableRun
from adversity.engine.stages.unjudged import unjudged_notes, without_class
from adversity.errors import DataError
from adversity.pipeline.plan.routes import record_of, route_of
from adversity.seeding import preserve_global_rng

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from torch import Tensor

    from adversity.contracts import Measure
    from adversity.contracts.goal import Goal
    from adversity.engine.attack.looks import Seen
    from adversity.engine.chain.answer import Answer
    from adversity.engine.stages.stage import Shard, StageResult
    from adversity.pipeline.plan.chain import Chain
    from adversity.pipeline.plan.model import Cell

__all__ = ["AttackRun", "images_name"]


class AttackRun(TableRun):
    """An attack on the answer of a step."""

    @property
    def goal(self) -> Goal:
        """What it is after."""
        return self.planned.goal

    @property
    def victim(self) -> Chain:
        """What the attack's images go through, to the answer that judges it."""
        return self.plan.victim(self.stage.step)

    @property
    def known(self) -> Chain:
        """What the attack computes on: without the defences that it does not know."""
        return self.victim if self.planned.knowledge == "white-box" else self.victim.undefended

    @property
    def classifier(self) -> str:
        """The victim's classifier; of an ensemble that of the first member."""
        return self.victim.classifier.id

    def class_names(self, cell: Cell) -> tuple[str, ...]:
        """Return the classes that the victim's answer indexes; members have the same."""
        return super().class_names(answering(self.plan, self.victim, cell)[0].cell)

    def targets(self, cell: Cell) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
        """Return the labels as classes of the victim's answer."""
        return super().targets(answering(self.plan, self.victim, cell)[0].cell)

    def content(self, cell: Cell) -> list[object]:
        """Hash the data, the views before, the attack and the victim with all its members."""
        before = [self.identity(link.id, cell) for link in self.chain.links]
        route = route_of(self.victim, cell, self.plan.steps)
        links = record_of(route, lambda placed: self.identity(placed.step.id, placed.cell))
        data = self.source(cell).content, self.label_hash(self.data)
        return [*data, before, links, self.columns_depend_on()]

    def done(self, shard: Shard) -> bool:
        """Say whether table and images of a shard are in the store, and as they were written."""
        images = self.store.has(self.cell_key(shard.cell), images_name(shard))
        return super().done(shard) and images

    def earlier(self, shard: Shard) -> Sequence[Shard]:
        """Return the shards that one goes on from."""
        return ()

    def needed(self, shard: Shard) -> Iterable[tuple[str, str]]:
        """Return the rows and images of the shards that one goes on from."""
        key = self.cell_key(shard.cell)
        names = [name for one in self.earlier(shard) for name in (one.name, images_name(one))]
        return [(key, name) for name in names if self.store.has(key, name)]

    def compute(self, shard: Shard) -> Columns:
        """Attack the shard, store the images, read them back, and judge those."""
        size = self.plan.spec.run.batch_size
        parts = [
            self._batch(shard.cell, [shard.samples[i] for i in span])
            for span in spans(len(shard.samples), size)
        ]
        images = np.concatenate([part.result.images.numpy() for part in parts])
        key, name = self.cell_key(shard.cell), images_name(shard)
        self.store.put(key, name, lambda path: write_arrays(path, {"images": images}))
        stored = self.store.read(key, name, read_arrays)[0]["images"]
        return join(
            [
                self._judged(part, stored[span.start : span.stop])
                for part, span in zip(parts, spans(len(stored), size), strict=True)
            ]
        )

    def scene(self, cell: Cell, index: list[int]) -> Scene:
        """Return the images of some samples, their labels, and the victim bound to them."""
        import torch

        current = step_images(self.toolbox, self.victim.start, cell, index)
        targets = self.targets(cell)
        if targets is None:
            raise DataError(
                f"{self.planned.line}: {self.stage.step!r} attacks unlabelled data; expected labels, "
                "robust accuracy is counted against the truth"
            )
        labels, objective = torch.from_numpy(targets[index].copy()), self.goal.objective
        bound: dict[str, Any] = {"ids": current.ids, "side": current.side}
        bound |= {} if objective is None else {"objective": objective, "labels": labels}
        victim, judge = (
            ChainTarget(self.toolbox.links(chain, cell), seed=self.plan.spec.seed, **bound)
            for chain in (self.known, self.victim)
        )
        ready, matter = self.toolbox.ready(self.stage.step, cell), self.victim.end.variables
        scene = Scene(ready, current, labels, victim, judge, cell.restrict(matter))
        if objective is None:
            return scene
        with preserve_global_rng():
            return replace(scene, decided=judge.decided(current.images.contiguous()))

    def probed(self, scene: Scene, result: AttackResult, index: list[int]) -> Columns:
        """Look at those of the data set's first samples that were right; attack them again if needed."""
        import torch

        place, open_ = torch.tensor(index), result.start == scene.goals
        seed, images = self.plan.spec.seed, scene.current.images
        hidden = hidden_pixels(
            scene.ready,
            scene.victim,
            images,
            result,
            open_ & (place < CHECKED),
            seed=seed,
            seen=self._seen("hidden pixels", self.known, scene),
        )
        columns: Columns = {} if hidden is None else {"hidden_pixels": hidden.numpy()}
        first = int(self.planned.options.get("probe", 0))
        if not first:
            return columns
        given = scene.victim, images, scene.goals, open_ & (place < first)
        step, goal = self.stage.step, self.goal
        return columns | probe(scene.ready, *given, seed=seed, step=step, goal=goal)

    def _batch(self, cell: Cell, index: list[int]) -> Attacked:
        scene = self.scene(cell, index)
        result = attack(
            scene.ready,
            scene.victim,
            scene.current.images,
            scene.goals,
            seed=self.plan.spec.seed,
            step=self.stage.step,
            judge=scene.judge,
            before=self.before(scene),
            final=False,
        )
        return replace(self.attacked(scene, result), probed=self.probed(scene, result, index))

    def attacked(
        self, scene: Scene, result: AttackResult, random: Tensor | None = None
    ) -> Attacked:
        """Put together what is to be judged; check once more whether answers are random."""
        if random is None:
            random = random_output(
                scene.judge,
                scene.current.images,
                result.before,
                result.start == scene.goals,
                seed=self.plan.spec.seed,
                seen=self._seen("random output", self.victim, scene),
            )
        return Attacked(scene, result, random)

    def _seen(self, look: str, chain: Chain, scene: Scene) -> Seen:
        """Return what a look found at samples of this start and chain, for whichever attack."""
        return self.toolbox.seen(look, self.goal.name, *chain.ids, scene.matter.key)

    def before(self, scene: Scene) -> Answer:
        """Return what the whole chain says of a batch that is not attacked yet."""
        if scene.decided is not None:
            return scene.decided.verdict
        where = self.victim.end.id, scene.matter.key
        return self.toolbox.answers.ask(scene.judge, scene.current.images, where)

    def _judged(self, part: Attacked, images: np.ndarray[Any, Any]) -> Columns:
        """Return the rows of a batch from what the stored images really are and do."""
        import torch

        scene, result, plugin = part.scene, part.result, part.scene.ready.plugin
        stored, current = torch.from_numpy(images), scene.current
        within_budget(scene.ready, stored, current.images, current.ids)
        verdict = verdict_columns(self.goal, part, stored)
        columns: Columns = {
            "id": np.array(current.ids, dtype=object),
            "target": scene.labels.numpy(),
            **verdict,
            "distance": result.norms.numpy(),
            "queries": result.queries.numpy(),
            "gradients": result.gradients.numpy(),
            **sign_columns(result),
            "random_output": part.random.numpy(),
            **(result_columns(plugin, result, verdict["correct"]) if self.goal.of_answer else {}),
            **parameter_columns(result),
            **part.probed,
        }
        return columns | self.image_columns(current.worsened(stored))

    def measured(self, rows: Rows, class_names: tuple[str, ...], cell: Cell) -> dict[str, Measure]:
        """Add the shares that show a masked gradient, over the samples that were attacked."""
        signs = sign_shares(rows, self.planned.entry.cls, self.goal)
        signs |= probe_shares(rows, len(class_names), self.goal)
        return super().measured(rows, class_names, cell) | signs

    def fill(self, out: Path) -> StageResult:
        """Write images, table and identity, and say what the victim gives."""
        self.notes += unjudged_notes(self, without_class(self.goal))
        self.notes += probability_notes(self.toolbox, self.planned, self.victim)
        for cell in self.planned.cells:
            self._write_images(out, cell)
        identities = {cell.key: attacked(self, cell) for cell in self.planned.cells}
        write_json(out / IDENTITY, {"cells": identities})
        return super().fill(out)

    def places(self, cell: Cell) -> dict[str, tuple[str, int]]:
        """Return, for each sample of a cell, the stored file and the row that hold its image."""
        source = self.source(cell)
        return {
            source.ids[sample]: (images_name(shard), row)
            for shard in self.shards
            if shard.cell == cell
            for row, sample in enumerate(shard.samples)
        }

    def _write_images(self, out: Path, cell: Cell) -> None:
        where, key = self.places(cell), self.cell_key(cell)
        opened: dict[str, np.ndarray[Any, Any]] = {}

        def fetch(ids: Any) -> list[np.ndarray[Any, Any]]:
            nonlocal opened
            opened = {
                name: opened[name]
                if name in opened
                else self.store.read(key, name, read_arrays)[0]["images"]
                for name in sorted({where[sample][0] for sample in ids})
            }
            return [opened[where[sample][0]][where[sample][1]] for sample in ids]

        StoredImages(out, cell).write(sorted(where), fetch)


def images_name(shard: Shard) -> str:
    """Return the store's name of a shard's images."""
    return shard.name.replace(".parquet", ".safetensors")
