"""One stage of a plan, in shards: what every door (direct, Prefect, DVC) calls.

A stage is opened, its pending shards are run in any order and by any number of threads,
then it is finished into a folder. Shards lie in a content-addressed store, so that a killed
or widened run computes only what is missing.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from adversity._version import __version__
from adversity.data.atomic import atomic_write
from adversity.data.checksums import write_checksums
from adversity.data.store import Store
from adversity.engine.set_up.toolbox import toolbox_of
from adversity.engine.stages.identity import files_of, identity_of
from adversity.errors import StorageError
from adversity.pipeline.plan.in_versions import settings_of
from adversity.provenance import file_sha256, processor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from adversity.contracts import Measure, PluginBase
    from adversity.engine.set_up.workspace import Workspace
    from adversity.pipeline.plan.model import Cell, Plan, PlannedStep, Stage

__all__ = [
    "Progress",
    "Shard",
    "StageResult",
    "StageRun",
    "hardware",
    "write_json",
]


@dataclass(frozen=True, slots=True)
class Shard:
    """A piece of a stage.

    Attributes:
        index: Its number within the stage.
        cell: Its cell.
        rows: Samples in it.
        label: For people: `severity=3 2/5`.
        samples: Numbers of its samples in the data set.
        name: Its name in the store.
        by: Who computed it, for people; empty where that goes without saying.
    """

    index: int
    cell: Cell
    rows: int
    label: str
    samples: tuple[int, ...] = ()
    name: str = "whole"
    by: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a shard is that takes long, for people who wait.

    Attributes:
        words: Such as `epoch 3/20 · loss 0.42`.
        share: What is done of it, 0 to 1; 0 where nobody knows.
        begun: What of that was done before this run.
    """

    words: str
    share: float = 0.0
    begun: float = 0.0


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a finished stage measured.

    Attributes:
        step: The step's id.
        measures: Cell key to measure name to measure.
        notes: What must be said of it (a calibrator that fell back to identity).
        rows: Samples over all cells.
        groups: Of a step with `by:`, the groups of samples in each of its cells, which `measures`
            has in the place of the cell.
    """

    step: str
    measures: Mapping[str, Mapping[str, Measure]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rows: int = 0
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def cells(self, planned: PlannedStep) -> tuple[Cell, ...]:
        """Return the cells of a step that `measures` has, in their order."""
        if planned.by is None:
            return planned.cells
        return tuple(
            planned.group_cell(cell, name)
            for cell in planned.cells
            for name in self.groups.get(cell.key, ())
        )

    def as_json(self) -> dict[str, Any]:
        """Return JSON values; `recall` reads them back."""
        cells = {
            key: {name: measure.as_json() for name, measure in sorted(measures.items())}
            for key, measures in self.measures.items()
        }
        record = {"step": self.step, "rows": self.rows, "notes": list(self.notes), "cells": cells}
        groups = {key: list(names) for key, names in self.groups.items()}
        return record | ({"groups": groups} if groups else {})

    def numbers(self) -> dict[str, Any]:
        """Return plain numbers for DVC: step to cell to measure to value, of what comes first.

        Without a matrix there is no cell between step and measure. DVC makes a metric of each
        number, and a column of each metric, headed by the whole path of its file unless the name is
        the only one of its kind: so it begins with the step. Intervals, n and all other measures
        stand in `measures.json`.
        """
        cells = {
            key: {name: measure.value for name, measure in sorted(_first(measures).items())}
            for key, measures in self.measures.items()
        }
        return {self.step: cells[""] if cells.keys() == {""} else cells}


def _unheard(_shard: Shard, _progress: Progress) -> None:
    """Tell nobody."""


def _first(measures: Mapping[str, Measure]) -> Mapping[str, Measure]:
    """Return the headline measures; else those that a section of the report shows; else all."""
    headline = {name: measure for name, measure in measures.items() if measure.info.headline}
    shown = {name: measure for name, measure in measures.items() if measure.info.group}
    return headline or shown or measures


class StageRun(ABC):
    """A stage that is being run; one subclass for each role a step can have."""

    computes_in_shards: ClassVar[bool] = True
    """Whether `run_shard` computes, into the store; else all is done while finishing."""

    def __init__(self, plan: Plan, stage: Stage, workspace: Workspace) -> None:
        """Open the stage; data sets are opened, plugins are not set up yet."""
        self.plan, self.stage, self.workspace = plan, stage, workspace
        self.toolbox = toolbox_of(plan, workspace)
        self.store = Store(workspace.store)
        self.notes: list[str] = []
        self.on_progress: Callable[[Shard, Progress], None] = _unheard
        self.shards: tuple[Shard, ...] = tuple(self.split())

    @property
    def damaged(self) -> tuple[str, ...]:
        """Names of the files in the store that were found damaged and are computed again."""
        return tuple(path.name for path in self.store.damaged)

    @abstractmethod
    def split(self) -> list[Shard]:
        """Return all the shards, in order."""

    @abstractmethod
    def pending(self) -> tuple[Shard, ...]:
        """Return the shards that are not finished in the store."""

    def waves(self, *, force: bool = False) -> Iterator[tuple[Shard, ...]]:
        """Yield the shards to compute, a wave after the other; one wave, unless a stage says more.

        Every shard of a wave must be done before the next wave is taken: what is in it may
        depend on them.

        Args:
            force: Yield the shards that are finished as well, to be computed again.
        """
        wave = self.shards if force else self.pending()
        if wave:
            yield wave

    @abstractmethod
    def run_shard(self, shard: Shard) -> None:
        """Compute a shard into the store; thread-safe, atomic, harmless when repeated."""

    def needed(self, shard: Shard) -> Iterable[tuple[str, str]]:
        """Return what of the store a shard reads that others made: key and name of each."""
        return ()

    @abstractmethod
    def fill(self, out: Path) -> StageResult:
        """Write the whole artifact into the new folder `out` and return what it measured."""

    def finish(self, out: Path, metrics: Path | None = None) -> StageResult:
        """Write the artifact and the plain-number metrics file.

        The bytes do not depend on shard size, order or worker count.

        Args:
            out: The artifact's folder; must not exist yet.
            metrics: The file for DVC's metrics, or None.

        Raises:
            StorageError: If the disk is full or a shard is missing.
        """
        try:
            out.mkdir(parents=True)
        except OSError as error:
            raise StorageError(
                f"cannot make the folder {out}: {error.strerror or error}"
            ) from error
        result = self.fill(out)
        write_json(out / "measures.json", result.as_json())
        write_checksums(out)
        if metrics is not None:
            write_json(metrics, result.numbers())
        self._renew()
        return result

    def _renew(self) -> None:
        """Let the run's other stages see a data set or a fitted plugin that is new."""
        if self.stage.step not in self.plan.steps:
            self.toolbox.forget()
        elif self.plan.steps[self.stage.step].fit_on:
            self.toolbox.forget_plugins()

    def key(self, *parts: object) -> str:
        """Return the store's key of something this stage makes from these parts."""
        record = {
            "adversity": __version__,
            "engine": self.plan.resolved["core"]["engine"]["fingerprint"],
            "hardware": hardware(self.plan.spec.run.device, self.workspace.processors),
            "stage": self.stage.step,
            "seed": self.plan.spec.seed,
            "parts": parts,
        }
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def label_hash(self, data: str) -> str | None:
        """Return the hash of a data set's `labels:` file."""
        file = settings_of(self.plan.data, data).labels
        return None if file is None else file_sha256(self.plan.root / file)

    def files_of(self, plugin: PluginBase) -> dict[str, str]:
        """Return the files of the project in a plugin's parameters, each with its SHA-256.

        A path says nothing of the weights that lie there.
        """
        return files_of(self.plan.root, plugin)

    def identity(self, step: str, cell: Cell) -> dict[str, Any]:
        """Return what a step's answer depends on by itself: plugin, source, parameters."""
        return identity_of(self.toolbox, step, cell, running=self.stage.step)


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write JSON with sorted keys, whole or not at all; NaN and infinity are refused."""
    text = json.dumps(record, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False)
    atomic_write(path, lambda partial: partial.write_text(text + "\n", encoding="utf-8"))


def hardware(device: str, others: tuple[str, ...] = ()) -> list[str]:
    """Return the types of what computes: its last bits differ, so no shard is shared with another.

    Args:
        device: As torch names it, `cpu` or `cuda:1`.
        others: What computes instead of this machine, where other machines do.
    """
    kind = device.partition(":")[0]
    if others:
        return [kind, *others]
    if kind != "cuda":
        return [kind, processor()]
    import torch

    return [kind, processor(), torch.cuda.get_device_name(device)]
