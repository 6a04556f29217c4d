"""One number of a pipeline whose data, model and parameters each come from one of two runs."""

from __future__ import annotations

import math
import shutil
import tempfile
from contextlib import contextmanager
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import AdversityError, RunError
from adversity.git import git_says
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.plan.paths import makers, reached
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover
from adversity.report.values.paired import cell_key
from adversity_flows.dvc.laid_out import lay_out
from adversity_flows.why.mixed_file import FACTORS, is_model, mixed_file, slices, texts_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.engine.summary.recorded_run import RecordedRun
    from adversity.pipeline.plan.model import Plan
    from adversity_flows.runs.figure import Figure

__all__ = ["Combinations", "differing"]

_IN_STORE = ".adversity/store"


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
        self,
        root: Path,
        before: RecordedRun,
        after: RecordedRun,
        figure: Figure,
        *,
        workers: int = 1,
    ) -> None:
        """Compute nothing yet.

        Args:
            root: The project's folder.
            before: The earlier run.
            after: The later one.
            figure: The number.
            workers: Shards at the same time.
        """
        self._root, self._figure, self._workers = root, figure, workers
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
        file.write_text(mixed_file(texts, cell=self._figure.cell), encoding="utf-8")
        return make_plan(load_pipeline(file, root=root), discover())

    def _computed(self, plan: Plan, workspace: Workspace) -> float:
        figure = self._figure
        if figure.step not in {stage.step for stage in plan.stages}:
            raise RunError(f"it has no step {figure.step}")
        needed = reached((figure.step,), makers(plan))
        found: dict[str, Any] = {}
        for stage in plan.stages:
            laid_out = (workspace.outputs / stage.out).is_dir()  # as it was
            if stage.step in needed and not laid_out:
                result = compute_stage(plan, stage.step, workspace, self._workers)
                found = dict(result.measures)
        orders = permutations(figure.cell.items())  # the file at hand may name them in another one
        keys = [key for order in orders if (key := cell_key(dict(order))) in found]
        measure = found[keys[0]].get(figure.name) if keys else None
        if measure is None or not math.isfinite(measure.value):
            raise RunError(f"it gives no number {figure}")
        return float(measure.value)


def _code(root: Path) -> list[str]:
    """Return the Python files of a project, those that git leaves out aside."""
    asked = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py")
    return [name for name in _git(root, *asked).split("\0") if name]


def _git(root: Path, *arguments: str) -> str:
    answer = git_says(root, *arguments)
    if answer is None:
        raise AdversityError(f"`git {arguments[0]}` failed in {root}: `git status` there says why")
    return answer
