"""Runs pipelines whose fits write down what they see, on data sets of numbered samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toy_weights import TOYS

from adversity.data.arrays import read_arrays
from adversity.data.tables import read_table
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["FitRuns", "Ran"]


@dataclass(frozen=True)
class Ran:
    """What a run left.

    Attributes:
        folder: Of its artifacts, one a step.
        notes: Of each step that ran.
    """

    folder: Path
    notes: Mapping[str, tuple[str, ...]]

    def rows(self, step: str) -> Any:
        """Return the table of a step."""
        return read_table(self.folder / step / "table.parquet")

    def state(self, step: str, name: str = "states/all") -> tuple[Any, Any]:
        """Return arrays and information of a fit."""
        return read_arrays(self.folder / step / f"{name}.safetensors")

    @property
    def seen(self) -> dict[str, Any]:
        """What each fit saw of its first source, by step and cell, in the order of the run."""
        return {
            f"{step} {file.stem}": read_arrays(file)[1]["train"]
            for step in self.notes
            for file in sorted((self.folder / step).glob("states/*"))
        }


@dataclass(frozen=True)
class FitRuns:
    """A project in which pipelines run.

    Attributes:
        root: Of the project.
        registry_with: Makes a registry of the installed plugins and some of a test.
        toys: Those, beside the ones of `toy_weights`.
    """

    root: Path
    registry_with: Any
    toys: tuple[type, ...] = ()

    def run(
        self,
        steps: str,
        sizes: Mapping[str, tuple[int, int]],
        *overrides: str,
        says: str = "none",
        backwards: bool = False,
        head: str = "",
        only: str | None = None,
        workers: int = 1,
    ) -> Ran:
        """Run a pipeline `p` into a folder of its own, with one store for all.

        Args:
            steps: As they stand under `steps:`.
            sizes: Of each data set the number of samples, and that of the first one.
            overrides: Of the pipeline.
            says: What `dataset/sampled` says of its samples.
            backwards: Whether they come in the other order.
            head: Lines before `data:`.
            only: The one step that is run.
            workers: How many threads.
        """
        file = self.root / "pipelines/p.yaml"
        file.parent.mkdir(exist_ok=True)
        data = "\n".join(
            f"  {name}: {{uses: dataset/sampled, with: {{says: {says}, count: {count}, "
            f"first: {first}, backwards: {str(backwards).lower()}}}}}"
            for name, (count, first) in sizes.items()
        )
        file.write_text(f"name: p\n{head}\ndata:\n{data}\nsteps:{steps}", encoding="utf-8")
        loaded = load_pipeline(file, root=self.root, overrides=overrides)
        plan = make_plan(loaded, self.registry_with(*TOYS, *self.toys))
        out = self.root / f"out-{len(list(self.root.iterdir()))}"
        workspace = Workspace(self.root, out, self.root / "store")
        wanted = [s.step for s in plan.stages if s.step != "report" and only in (None, s.step)]
        notes = {
            step: tuple(compute_stage(plan, step, workspace, workers).notes) for step in wanted
        }
        return Ran(out / "artifacts/p", notes)
