"""The images of a step of the last run, with what is known of each: computed as the run did."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from adversity.did_you_mean import did_you_mean
from adversity.engine.calls.blocks import spans
from adversity.engine.public.open_stage import open_stage
from adversity.engine.stages.channels import require_channels
from adversity.engine.stages.fit_streams import stored_rows
from adversity.engine.stages.stage import hardware
from adversity.engine.stages.step_images import step_images
from adversity.engine.stages.stored_images import StoredImages
from adversity.errors import InputError
from adversity.pipeline.plan.data_versions import versions_of
from adversity.pipeline.plan.in_versions import file_name, settings_of, versions_in
from adversity.pipeline.plan.paths import ancestors, rests_on
from adversity.seeding import preserve_global_rng

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np

    from adversity.data.reading import Source
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.engine.set_up.workspace import Workspace
    from adversity.engine.stages.stage import StageRun
    from adversity.pipeline.plan.model import Cell, Plan, Stage

__all__ = ["ExportedImage", "StepImages", "cells_of", "stages_behind"]


class ExportedImage(NamedTuple):
    """An image of a step.

    Attributes:
        id: The sample's id.
        place: Its place among the ids of its data set, sorted; from 0.
        pixels: `[C, H, W]` float32 in [0, 1], as the run had it.
        target: Its class in the data set; None without labels.
        group: Its group in the data set, or None.
        attributes: Its attributes in the data set, after its numbers, where targets are such.
        facts: What the tables of the run say of it: column to text.
    """

    id: str
    place: int
    pixels: np.ndarray[Any, Any]
    target: int | None
    group: str | None
    attributes: Mapping[str, str | float]
    facts: Mapping[str, str]


def cells_of(plan: Plan, step: str, wanted: Sequence[str]) -> tuple[Cell, ...]:
    """Return the cells of a step, or those that have all the values in `wanted`.

    Args:
        plan: The pipeline.
        step: A data set, a view or an attack.
        wanted: Each `variable=value` as the pipeline file writes the value; commas part several.

    Raises:
        InputError: If the step makes no images, or none of its cells is such.
    """
    _require_images(plan, step)
    versions = tuple(one.cell for one in versions_in(plan.data, step))
    cells = plan.steps[step].cells if step in plan.steps else versions
    pairs = [tuple(part.strip() for part in text.split("=", 1)) for text in _parts(wanted)]
    chosen = tuple(
        cell for cell in cells if all(cell.as_dict().get(pair[0]) == pair[-1] for pair in pairs)
    )
    if not chosen:
        known = "; ".join(cell.key for cell in cells if cell.key) or "one without variables"
        raise InputError(
            f"{plan.file}: {step} has no cell with {', '.join(_parts(wanted))}; it has {known}"
        )
    return chosen


def _parts(wanted: Sequence[str]) -> list[str]:
    return [part.strip() for text in wanted for part in text.split(",")]


def _require_images(plan: Plan, step: str) -> None:
    """Refuse what is no step, and a step that makes no images."""
    planned = plan.steps.get(step)
    if step in plan.spec.data or (planned is not None and planned.role in ("view", "attack")):
        return
    roles = {id_: one.role for id_, one in plan.steps.items()}
    images = [*plan.spec.data, *(id_ for id_, role in roles.items() if role in ("view", "attack"))]
    if planned is None:
        hint = did_you_mean(step, images, f"there are {', '.join(images)}")
        raise InputError(
            f"{plan.file}: expected a step or data set with images, got {step!r}; {hint}"
        )
    raise InputError(
        f"{planned.line}: {step} ({plan.uses(step)}) makes no images; those with images are "
        f"{', '.join(images)}"
    )


def stages_behind(plan: Plan, step: str) -> tuple[Stage, ...]:
    """Return the stages that computed a step's images in a run, and those that they rest on.

    Raises:
        InputError: If no stage did, so that no run has ever had them.
    """
    readers = _readers(plan, step)
    if not readers:
        raise InputError(
            f"{plan.file}: no step that leaves a table reads the images of {step}, so no run "
            "computed them; add one, such as a classifier `from:` it, and run"
        )
    behind = {name for reader in readers for name in rests_on(reader, plan.steps)}
    data = [one for id_, one in plan.data.items() if file_name(id_) in behind]
    written = {f"data:{name}" for name in (*(one.entry.name for one in data), *versions_of(data))}
    return tuple(stage for stage in plan.stages if stage.step in behind | written)


def _readers(plan: Plan, step: str) -> tuple[str, ...]:
    """Return the steps whose stages compute the images of `step`: an attack's is its own."""
    if step in plan.steps and plan.steps[step].role == "attack":
        return (step,)
    return tuple(
        one.id
        for one in plan.steps.values()
        if one.has_artifact and step in ancestors(one.id, plan.steps) | _fitted_from(plan, one.id)
    )


def _fitted_from(plan: Plan, step: str) -> frozenset[str]:
    fits = plan.steps[step].fitted_by
    return frozenset(fits).union(*(ancestors(name, plan.steps) for name in fits))


@dataclass(frozen=True)
class StepImages:
    """The images of a step, computed again or read from the store.

    Attributes:
        step: A data set, a view or an attack.
        run: An opened stage that computed them.
    """

    step: str
    run: StageRun

    @classmethod
    def of(cls, plan: Plan, step: str, workspace: Workspace) -> StepImages:
        """Open them.

        Raises:
            InputError: If this machine has not the pipeline's device.
            DataError: If a data set is missing or wrong.
        """
        reader = plan.steps[_readers(plan, step)[0]]
        images = cls(step, open_stage(plan, plan.stage(reader.id), workspace))
        chain = plan.chain(step)
        for one in versions_in(plan.data, chain.start):
            require_channels(images.toolbox.source(one.id, one.cell), one.id, chain.links)
        return images

    @property
    def plan(self) -> Plan:
        """The pipeline."""
        return self.run.plan

    @property
    def toolbox(self) -> Toolbox:
        """Of the opened stage."""
        return self.run.toolbox

    @property
    def data(self) -> str:
        """The data set whose samples they are of."""
        return self.plan.chain(self.step).start

    def source(self, cell: Cell) -> Source:
        """Return the data set, in the version of a cell."""
        return self.toolbox.source(self.data, cell)

    @cache  # noqa: B019  (it lives as long as an export)
    def _places(self, cell: Cell) -> dict[str, int]:
        return {sample: place for place, sample in enumerate(sorted(self.source(cell).ids))}

    def key(self, cell: Cell) -> str:
        """Return what the images of a cell hang on: data, plugins, parameters, seed, engine."""
        links = self.plan.chain(self.step).links
        record = {
            "data": self.source(cell).content,
            "images": self.toolbox.data(self.data, cell).images,
            "links": [self.run.identity(link.id, cell) for link in links],
            "seed": self.plan.spec.seed,
            "engine": self.plan.resolved["core"]["engine"]["fingerprint"],
            "hardware": hardware(self.plan.spec.run.device),
        }
        if links and links[-1].role == "attack":
            record["stored"] = self.run.cell_key(cell)  # type: ignore[attr-defined]
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def batches(self, cell: Cell) -> list[list[int]]:
        """Cut the samples as the run did: in the order of ids, of one size, a batch at a time."""
        source, settings = self.source(cell), self.plan.spec.run
        order = sorted(range(len(source)), key=source.ids.__getitem__)
        return [
            [rows[shard.start : shard.stop][i] for i in batch]
            for rows in source.alike(order)
            for shard in spans(len(rows), settings.shard_size)
            for batch in spans(len(rows[shard.start : shard.stop]), settings.batch_size)
        ]

    def tables(self) -> dict[str, str]:
        """Return the steps whose tables say what is predicted for the images, by their columns."""
        planned = self.plan.steps.get(self.step)
        own = {
            *(
                planned.variables
                if planned
                else settings_of(self.plan.data, self.data).cell.as_dict()
            )
        }
        steps = [
            one.id
            for one in self.plan.steps.values()
            if (one.id == self.step and one.role == "attack")
            or (one.role == "predict" and one.source == (self.step,) and own >= {*one.variables})
        ]
        return {f"prediction_{step}": step for step in steps}

    def facts(self, cell: Cell) -> dict[str, dict[str, str]]:
        """Return, by sample id, what the tables of the run say of the images of a cell."""
        facts: dict[str, dict[str, str]] = {}
        for column, step in self.tables().items():
            rows = stored_rows(self.toolbox, step, cell)
            own = cell.restrict(self.plan.steps[step].variables)
            names = self.toolbox.table(step).classes[own.key]
            for sample, at in zip(rows["id"].tolist(), rows["prediction"].tolist(), strict=True):
                facts.setdefault(sample, {})[column] = names[at]
            if step == self.step:
                name = self.plan.steps[step].goal.reached
                for sample, hit in zip(rows["id"].tolist(), rows[name].tolist(), strict=True):
                    facts[sample][name] = "yes" if hit else "no"
        return facts

    def images(
        self, cell: Cell, index: list[int], facts: Mapping[str, Any]
    ) -> Iterator[ExportedImage]:
        """Compute a batch of a cell, or read it from the store.

        Args:
            cell: One of the step's.
            index: Sample numbers, one of `batches`.
            facts: Those of the cell.
        """
        source = self.source(cell)
        ids = [source.ids[i] for i in index]
        planned = self.plan.steps.get(self.step)
        with preserve_global_rng():
            if planned is not None and planned.role == "attack":
                pixels = StoredImages(self.toolbox.artifact(self.step), cell).read(ids)
            else:
                pixels = step_images(self.toolbox, self.step, cell, index).images
        for i, image in zip(index, pixels.numpy(), strict=True):
            sample = source.ids[i]
            target = int(source.targets[i]) if source.targets[i] >= 0 else None
            yield ExportedImage(
                sample,
                self._places(cell)[sample],
                image,
                target,
                source.groups[i],
                {**_numbers(source, i), **source.attributes[i]},
                facts.get(sample, {}),
            )


def _numbers(source: Source, index: int) -> dict[str, float]:
    """Return the numbers of a sample by their names; none where targets are classes, or missing."""
    numbers = [] if source.numbers is None else source.numbers[index].tolist()
    named = zip(source.target_names, numbers, strict=False)
    return {name: number for name, number in named if not math.isnan(number)}
