"""One number of a pipeline whose data, model and parameters each come from one of two runs."""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import AdversityError, RunError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover
from adversity_flows.dvc.laid_out import lay_out
from adversity_flows.why.mixed_file import FACTORS, is_model, mixed_file, slices, texts_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.engine.summary.recorded_run import RecordedRun
    from adversity.pipeline.plan.model import Plan, Stage

__all__ = ["Asked", "Combinations", "differing", "recorded_value"]

_IN_STORE = ".adversity/store"


@dataclass(frozen=True, slots=True)
class Asked:
    """One number of a report.

    Attributes:
        step: The step.
        measure: What is measured.
        cell: Its cell, variable to value as written; empty where the step has one.
    """

    step: str
    measure: str
    cell: Mapping[str, str]

    @property
    def text(self) -> str:
        """As gates write it: `attacked[eps=8/255].robust_accuracy`."""
        cell = ",".join(f"{name}={value}" for name, value in self.cell.items())
        return f"{self.step}{f'[{cell}]' if cell else ''}.{self.measure}"


def recorded_value(run: RecordedRun, asked: Asked) -> float | None:
    """Return the number as a run recorded it; None where it has none."""
    for cell in run.steps.get(asked.step, {}).get("cells", ()):
        if dict(cell["cell"]) == dict(asked.cell):
            value = cell["measures"].get(asked.measure, {}).get("value")
            return None if value is None else float(value)
    return None


def differing(before: RecordedRun, after: RecordedRun) -> tuple[str, ...]:
    """Return the factors that are not the same in two runs, by their files and their bytes."""
    first, second = (_Rested(run) for run in (before, after))
    return tuple(
        factor
        for factor in FACTORS
        if first.said[factor] != second.said[factor] or first.bytes(factor) != second.bytes(factor)
    )


class _Rested:
    """What a run rested on, by factor."""

    def __init__(self, run: RecordedRun) -> None:
        self.run = run
        self.text = str(run.result.get("text", ""))
        self.said = slices(run.file)
        self._hashes: Mapping[str, str] = run.facts.get("hashes") or {}
        self._out = f"artifacts/{run.result['pipeline']}/"
        self._numbers = f"metrics/{run.result['pipeline']}/"

    def bytes(self, factor: str) -> dict[str, str]:
        """Return the hashes of a factor's files: of the model's, what was fitted, too; no code."""
        models = self.run.file.get("steps") or {}
        fitted = {
            self._out + name
            for name, step in models.items()
            if is_model(step) and step.get("fit_on") is not None and "from" not in step
        }
        named = {part: set(texts_in(self.said[part])) for part in FACTORS}
        found: dict[str, str] = {}
        for path, value in self._hashes.items():
            if path in fitted:
                own = "model"
            elif path.endswith(".py") or path.startswith((self._out, self._numbers)):
                continue
            else:
                own = next(
                    (part for part in ("model", "parameters") if path in named[part]), "data"
                )
            if own == factor:
                found[path] = value
        return found


class Combinations:
    """Both runs' data, models and parameters, combined and computed in folders that go again."""

    def __init__(
        self, root: Path, before: RecordedRun, after: RecordedRun, asked: Asked, *, workers: int = 1
    ) -> None:
        """Compute nothing yet.

        Args:
            root: The project's folder.
            before: The earlier run.
            after: The later one.
            asked: The number.
            workers: Shards at the same time.
        """
        self._root, self._asked, self._workers = root, asked, workers
        self._before, self._after = _Rested(before), _Rested(after)

    def value(self, taken: frozenset[str]) -> float:
        """Return the number with these factors as in the later run, with the code of now.

        Cells that any run or combination computed before are taken from the project's store.

        Args:
            taken: Factors.

        Raises:
            AdversityError: If the combination cannot be run, with the reason.
        """
        sides = {factor: self._after if factor in taken else self._before for factor in FACTORS}
        with self._folder(sides) as root:
            plan = self._plan(root, sides)
            return self._computed(plan, Workspace(root, root, self._root / _IN_STORE))

    @contextmanager
    def _folder(self, sides: Mapping[str, _Rested]) -> Iterator[Path]:
        """Lay out a project that holds what the sides rested on, and the code of this one."""
        own = self._root / ".adversity"
        own.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="why-", dir=own) as name:
            root = Path(name)
            (root / ".dvc").mkdir()  # it is a project of its own, left out by no .dvcignore above
            folder = _git(self._root, "rev-parse", "--absolute-git-dir").strip()
            (root / ".git").write_text(f"gitdir: {folder}\n", encoding="utf-8")  # for `rev:`
            for file in (*_code(self._root), ".dvcignore"):
                if (self._root / file).is_file():
                    (root / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(self._root / file, root / file)
            for factor, side in sides.items():
                lay_out(self._root, side.bytes(factor), root)
            yield root

    def _plan(self, root: Path, sides: Mapping[str, _Rested]) -> Plan:
        texts = {factor: side.text for factor, side in sides.items()}
        file = root / str(self._after.run.result["file"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(mixed_file(texts, cell=self._asked.cell), encoding="utf-8")
        return make_plan(load_pipeline(file, root=root), discover())

    def _computed(self, plan: Plan, workspace: Workspace) -> float:
        asked = self._asked
        if asked.step not in {stage.step for stage in plan.stages}:
            raise RunError(f"it has no step {asked.step}")
        found: dict[str, Any] = {}
        for stage in _needed(plan, asked.step):
            if not (workspace.outputs / stage.out).is_dir():  # else it was laid out as it was
                result = compute_stage(plan, stage.step, workspace, self._workers)
                found = dict(result.measures)
        key = ",".join(f"{name}={value}" for name, value in asked.cell.items())
        measure = found.get(key, {}).get(asked.measure)
        if measure is None or not math.isfinite(measure.value):
            raise RunError(f"it gives no number {asked.text}")
        return float(measure.value)


def _needed(plan: Plan, step: str) -> list[Stage]:
    """Return a step's stage and all that it rests on, in order."""
    made = {stage.out: stage for stage in plan.stages}
    wanted: set[str] = set()
    todo = [plan.stage(step)]
    while todo:
        stage = todo.pop()
        if stage.step not in wanted:
            wanted.add(stage.step)
            todo += [made[dep] for dep in stage.deps if dep in made]
    return [stage for stage in plan.stages if stage.step in wanted]


def _code(root: Path) -> list[str]:
    """Return the Python files of a project, those that git leaves out aside."""
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py")
    return [name for name in listed.split("\0") if name]


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise AdversityError(f"git could not {arguments[0]} in {root}: {said}")
    return done.stdout.decode()
