"""A tiny pipeline over text files that stands in for the engine: no plugins, no tensors.

photos (a folder of text files) -> predictions (one row a file) -> attacked (eps added) -> report.
It can also be run as a script, as DVC runs `adversity step`: `fake_pipeline.py FILE STEP`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.errors import AdversityError
from adversity.pipeline.plan.model import Cell, Plan, Stage
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(__file__).resolve()
PIPELINE = """\
# A comment that must survive.
name: tiny
seed: 3
data:
  photos: {uses: dataset/folder, with: {path: data/photos}}
steps:
  predictions: {uses: classifier/length, from: photos}
  attacked: {uses: attack/add, from: predictions, with: {eps: 4/255}}
"""
RESOLVED = {
    "steps": {
        "predictions": {"plugin": "classifier/length", "version": "1.2", "fingerprint": "aaaa"},
        "attacked": {"plugin": "attack/add", "version": "1.2", "fingerprint": "bbbb"},
    }
}
TEMPLATE = json.dumps(
    {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": "a curve of ours",
        "data": {"values": "<DVC_METRIC_DATA>"},
        "mark": "line",
        "encoding": {"x": {"field": "index"}, "y": {"field": "value"}},
    }
)


def command(step: str) -> str:
    """Return what `dvc repro` runs for a step."""
    return f"{sys.executable} {SCRIPT} pipelines/tiny.yaml {step}"


def fake_plan(
    root: Path,
    *,
    name: str = "tiny",
    version: str = "1.2",
    extra: int = 0,
    overrides: tuple[str, ...] = (),
) -> Plan:
    """Return the plan of the tiny pipeline as it stands in `root`."""
    file, resolved = f"pipelines/{name}.yaml", f"pipelines/.resolved/{name}.yaml"
    spec = load_pipeline(Path(file), root=root, overrides=overrides).spec

    def stage(step: str, *deps: str) -> Stage:
        mine = step in {"predictions", "attacked"}
        keys = {file: ("seed", *([f"steps.{step}"] if mine else []))}
        return Stage(
            step=step,
            name=f"{name}-{step}",
            command=command(step).replace("tiny.yaml", f"{name}.yaml"),
            deps=deps,
            params=keys | ({resolved: (f"steps.{step}",)} if mine else {}),
            out=f"artifacts/{name}/{step}",
            metrics=f"metrics/{name}/{step}.json" if step != "report" else None,
        )

    predictions = stage("predictions", "data/photos")
    others = [stage(f"other_{index}", "artifacts/tiny/predictions") for index in range(extra)]
    attacked = stage("attacked", predictions.out)
    report = stage("report", predictions.out, attacked.out, *(other.out for other in others))
    steps: dict[str, Any] = {step: dict(record) for step, record in RESOLVED["steps"].items()}
    steps["predictions"]["version"] = version
    return Plan(
        spec=spec,
        file=file,
        root=root,
        data={},
        steps={},
        stages=(predictions, *others, attacked, report),
        resolved={"steps": steps},
    )


@dataclass(frozen=True)
class Workspace:
    """As the engine's."""

    root: Path
    outputs: Path
    store: Path


@dataclass(frozen=True)
class Shard:
    """As the engine's."""

    index: int
    cell: Cell
    rows: int
    label: str


@dataclass(frozen=True)
class StageResult:
    """As the engine's."""

    step: str
    measures: Any
    notes: tuple[str, ...]
    rows: int


@dataclass
class FakeRun:
    """A stage over text files; `hooks` lets a test stand in the way of a shard."""

    plan: Plan
    stage: Stage
    workspace: Workspace
    shards: tuple[Shard, ...]
    hook: Any = None
    damaged: tuple[str, ...] = ()

    def pending(self) -> tuple[Shard, ...]:
        """Return the shards that are not in the store."""
        return tuple(shard for shard in self.shards if not self._place(shard).is_file())

    def waves(self, *, force: bool = False) -> Iterator[tuple[Shard, ...]]:
        """Yield them all at once."""
        if wave := self.shards if force else self.pending():
            yield wave

    def run_shard(self, shard: Shard) -> None:
        """Compute one shard into the store."""
        if self.hook is not None:
            self.hook(self, shard)
        place = self._place(shard)
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(self._rows(shard)))
        partial.replace(place)

    def finish(self, out: Path, metrics: Path | None) -> StageResult:
        """Write the artifact."""
        out.mkdir()
        rows = [row for shard in self.shards for row in json.loads(self._place(shard).read_text())]
        (out / "table.json").write_text(json.dumps(rows))
        if self.stage.step == "report":
            (out / "plots").mkdir()
            lines = [f"{index},{value}" for index, (_, value) in enumerate(rows)]
            (out / "plots" / "curve.json").write_text(TEMPLATE)
            (out / "plots" / "curve.csv").write_text("\n".join(["index,value", *lines]) + "\n")
        if metrics is not None:
            metrics.write_text(json.dumps({"total": sum(value for _, value in rows)}))
        return StageResult(self.stage.step, {}, (), len(rows))

    def _rows(self, shard: Shard) -> list[Any]:
        if self.stage.step == "predictions":
            path = sorted((self.plan.root / "data/photos").iterdir())[shard.index]
            return [[path.name, len(path.read_text())]]
        rows = []
        for dep in self.stage.deps:
            rows += json.loads((self.workspace.outputs / dep / "table.json").read_text())
        if self.stage.step == "attacked":
            eps = float(Fraction(self.plan.spec.steps["attacked"].parameters["eps"]))
            rows = [[name, value + eps] for name, value in rows]
        return rows

    def _place(self, shard: Shard) -> Path:
        content = json.dumps(self._identity(shard), sort_keys=True)
        name = f"{self.stage.step}-{abs(_stable(content)):016x}.json"
        return self.workspace.store / name

    def _identity(self, shard: Shard) -> Any:
        root = self.plan.root
        deps = {
            dep: [p.read_text() for p in sorted((root / dep).rglob("*")) if p.is_file()]
            for dep in self.stage.deps
        }
        return [shard.index, deps, self.plan.spec.seed, repr(self.plan.spec.steps)]


def _stable(text: str) -> int:
    import zlib

    return zlib.crc32(text.encode()) << 32 | zlib.adler32(text.encode())


def opener(hook: Any = None) -> Any:
    """Return what opens a fake stage."""

    def open_stage(plan: Plan, stage: Stage, workspace: Workspace) -> FakeRun:
        count = 1
        if stage.step == "predictions":
            count = len(list((plan.root / "data/photos").iterdir()))
        shards = tuple(
            Shard(index, Cell(), 1, f"{index + 1}/{count}" if count > 1 else "")
            for index in range(count)
        )
        return FakeRun(plan, stage, workspace, shards, hook)

    return open_stage


def reader(plan: Plan, stage: Stage, workspace: Workspace) -> StageResult:
    """Read a fake result back."""
    rows = json.loads((workspace.outputs / stage.out / "table.json").read_text())
    return StageResult(stage.step, {}, (), len(rows))


def environment_hook(run: FakeRun, shard: Shard) -> None:
    """Do to the inputs what the environment asks for: for tests in child processes."""
    if os.environ.get("FAKE_SLEEP_AT") == f"{run.stage.step}:{shard.index}":
        run.workspace.store.mkdir(parents=True, exist_ok=True)
        (run.plan.root / ".adversity/reached").write_text(str(os.getpid()))
        time.sleep(float(os.environ.get("FAKE_SLEEP", "60")))
    if os.environ.get("FAKE_EDIT_AT") == run.stage.step:
        min((run.plan.root / "data/photos").iterdir()).write_text("edited meanwhile")


def main(arguments: list[str]) -> int:
    """Do `adversity step FILE STEP`, or `run` of all steps."""
    from adversity_flows.dvc.recorder import DvcRecorder
    from adversity_flows.steps.run_steps import StepRecorder, conduct
    from adversity_flows.steps.single_step import step_command

    root = Path.cwd()
    file, step = arguments
    plan = fake_plan(root, name=Path(file).stem, extra=int(os.environ.get("FAKE_EXTRA", "0")))
    workspace = Workspace(root, root, root / ".adversity/store")
    opening = opener(environment_hook)
    try:
        if step == "run":
            with DvcRecorder.open(root) as memory:
                conductor = StepRecorder(plan, workspace, memory, opener=opening, reader=reader)
                conduct(conductor, workers=1)
        else:
            step_command(plan, step, workspace, workers=1, opener=opening, reader=reader)
    except AdversityError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
