"""A real pipeline through Prefect, next to the same one without."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adversity.engine.set_up.workspace import Workspace
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover
from adversity_flows.dvc.recorder import DvcRecorder
from adversity_flows.prefect_flows.run_pipeline import run_with_prefect
from adversity_flows.steps.run_steps import StepRecorder, conduct

SMOKE = Path(__file__).parents[3] / "pipelines" / "smoke.yaml"


def in_project(root: Path, door: Any, watcher: Any) -> tuple[Any, ...]:
    """Run the smoke pipeline in a project of its own and return the outcomes."""
    (root / "pipelines").mkdir(parents=True, exist_ok=True)
    shutil.copy(SMOKE, root / "pipelines")
    if not (root / ".dvc").exists():
        for init in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
            subprocess.run(init, cwd=root, check=True)
    loaded = load_pipeline(root / "pipelines" / "smoke.yaml", root=root)
    with DvcRecorder.open(root) as memory:
        conductor = StepRecorder(make_plan(loaded, discover()), Workspace.of(root), memory)
        return tuple(door(conductor, watcher, workers=2))


def files(root: Path) -> dict[str, bytes]:
    """Return every file that the pipeline leaves in the project, by path."""
    kept = [root / "dvc.lock", root / "dvc.yaml"]
    kept += [path for top in ("artifacts", "metrics", "data") for path in (root / top).rglob("*")]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in kept if path.is_file()}


@pytest.mark.slow
def test_prefect_and_the_direct_loop_leave_the_same_bytes(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, watcher: Any
) -> None:
    """All artifacts, metrics and `dvc.lock` are equal, and a second run finds nothing stale."""
    direct = tmp_path_factory.mktemp("direct")
    through_prefect = in_project(tmp_path, run_with_prefect, watcher)
    directly = in_project(direct, conduct, watcher)
    assert [outcome.state for outcome in through_prefect] == ["ran"] * len(directly)
    ours, theirs = files(tmp_path), files(direct)
    assert sorted(ours) == sorted(theirs)
    assert {path for path in ours if ours[path] != theirs[path]} == set()
    again = in_project(tmp_path, run_with_prefect, watcher)
    assert {outcome.state for outcome in again} == {"cached"}
