"""Shards a second with one and with two workers, and what a shard costs beside its own work.

One attack on digits is cut into shards of equal size. Each contender computes them into a store of
its own, after a shard for each worker that is not counted: so neither the start of a process nor
its plan is. The work of a shard is timed by the worker; what is left of the workers' wall time is
the overhead, in which they waited.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.distributions import distribution_version
from adversity.engine.public.open_stage import open_stage
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.provenance import processor
from adversity.registry import discover
from adversity_flows.runners.dask_cluster import DaskCluster
from adversity_flows.runners.processes import Processes
from clusters import cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.engine.stages.stage import StageRun
    from adversity.pipeline.plan.model import Plan

PIPELINE = """\
name: scale
data:
  train: {{uses: dataset/digits, with: {{split: train, limit: 400}}}}
  test: {{uses: dataset/digits, with: {{split: test, limit: 256}}}}
matrix:
  eps: [{eps}]
steps:
  net: {{uses: classifier/small_cnn, fit_on: train, with: {{epochs: 3}}}}
  clean: {{uses: net, from: test}}
  attacked:
    uses: attack/pgd
    from: test
    against: clean
    with: {{norm: linf, eps: $eps, steps: {steps}}}
run: {{shard_size: {size}, images: 0}}
"""
SIZE = 32
SHARDS_A_CELL = 256 // SIZE


def planned(root: Path, name: str, *, cells: int = 1, size: int = SIZE, steps: int = 40) -> Plan:
    """Write a pipeline with so many cells into a file of its own, which workers plan, and plan it."""
    file = root / "pipelines" / f"{name}.yaml"
    file.parent.mkdir(exist_ok=True)
    eps = ", ".join(f"{8 + number}/2550" for number in range(cells))
    file.write_text(PIPELINE.format(eps=eps, size=size, steps=steps), "utf-8")
    return make_plan(load_pipeline(file, root=root), discover())


class Timed:
    """Notes the seconds of each shard's own work."""

    def __init__(self, *given: Any, **named: Any) -> None:
        """Take what the runner takes."""
        super().__init__(*given, **named)
        self.seconds: list[float] = []

    def ask(self, order: Any, *, at: str | None = None) -> Any:
        """Ask, and note what the worker says."""
        answer = super().ask(order, at=at)  # type: ignore[misc]
        self.seconds.append(answer.seconds)
        return answer


class TimedProcesses(Timed, Processes):
    """Processes, timed."""


class TimedCluster(Timed, DaskCluster):
    """A Dask cluster, timed."""


def measured(runner: Any, stage_run: StageRun, workers: int) -> dict[str, Any]:
    """Compute all shards; return what they took, without the first of each worker."""
    warm, counted = stage_run.shards[:workers], stage_run.shards[workers:]
    places = runner.places(workers)
    with ThreadPoolExecutor(places) as pool:
        list(pool.map(lambda shard: runner.run_shard(stage_run, shard), warm))
        runner.seconds.clear()
        started, own, load = time.monotonic(), time.process_time(), os.getloadavg()[0]
        list(pool.map(lambda shard: runner.run_shard(stage_run, shard), counted))
        wall, own = time.monotonic() - started, time.process_time() - own
    work = sum(runner.seconds)
    return {
        "workers": workers,
        "shards": len(counted),
        "wall_s": round(wall, 2),
        "shards_per_s": round(len(counted) / wall, 3),
        "work_per_shard_s": round(work / len(counted), 4),
        "overhead_per_shard_ms": round(1000 * (wall * workers - work) / len(counted), 1),
        "run_cpu_per_shard_ms": round(1000 * own / len(counted), 2),
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
    }


def contenders(
    root: Path, seconds: float, counts: tuple[int, ...]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each contender with what was measured of it."""
    plan = planned(root, "first")
    place = Workspace(root, root, root / "store")
    for step in ("data:digits", "net"):
        compute_stage(plan, step, place, 1)
    first = open_stage(plan, plan.stage("attacked"), place)
    first.run_shard(first.shards[0])
    began = time.monotonic()
    first.run_shard(first.shards[1])
    count = math.ceil(seconds / (time.monotonic() - began))
    work = planned(root, "work", cells=max(1, math.ceil(count / SHARDS_A_CELL)))
    tiny = planned(root, "tiny", size=1, steps=1)  # nearly nothing but overhead
    for name, plan in (("attack", work), ("tiny", tiny)):
        for workers in counts:
            runner: Any = TimedProcesses(workers)
            with runner:
                yield f"{name}, processes", one(runner, plan, root, f"{name}-p{workers}", workers)
            with cluster(root, workers) as lent:
                runner = TimedCluster(lent.address, device="cpu", warn=print)
                with runner:
                    yield f"{name}, dask", one(runner, plan, root, f"{name}-d{workers}", workers)


def one(runner: Any, plan: Plan, root: Path, store: str, workers: int) -> dict[str, Any]:
    """Measure one contender, with a store of its own."""
    workspace = Workspace(root, root, root / ".adversity" / store)
    return measured(runner, open_stage(plan, plan.stage("attacked"), workspace), workers)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="work of one worker")
    parser.add_argument("--quick", action="store_true", help="a few shards; no figure counts")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    machine = {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "torch": str(distribution_version("torch")),
    }
    seconds, counts = (1.0, (2,)) if given.quick else (given.seconds, (1, 2))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, row in contenders(Path(folder), seconds, counts):
            rows.append({"contender": name, **row})
            if not given.json:
                print(json.dumps(rows[-1]), flush=True)
    if given.json:
        print(json.dumps({"quick": given.quick, "machine": machine, "rows": rows}, indent=1))
    else:
        print(json.dumps(machine))


if __name__ == "__main__":
    main()
