"""Runs that are killed at random moments end in the same tables: threads, processes, a Dask cluster.

A small attack in many shards is computed by a process of its own. Again and again either that
process (then it is started once more) or one of its workers is ended with signal 9, in turn, at a
moment that the seed draws. In the end every table has the bytes of a run that nobody disturbed.
Finished shards that are reported once more are work done twice: a step that a kill met before it was
recorded says so again, without computing what is kept. What a process had at work is lost, and
shows in the time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from scale import cluster

PIPELINE = """\
name: kills
data:
  train: {{uses: dataset/digits, with: {{split: train, limit: 400}}}}
  test: {{uses: dataset/digits, with: {{split: test, limit: 96}}}}
matrix:
  eps: [4/255, 16/255]
steps:
  net: {{uses: classifier/small_cnn, fit_on: train, with: {{epochs: 3}}}}
  clean: {{uses: net, from: test}}
  attacked:
    uses: attack/pgd
    from: test
    against: clean
    with: {{norm: linf, eps: $eps, steps: 20}}
run: {{shard_size: 8, images: 0, workers: 2, {run}}}
"""
FILE = "pipelines/kills.yaml"
PROGRAM = str(Path(sys.executable).with_name("adversity"))


def project(folder: Path, run: str) -> Path:
    """Make a project with the pipeline in it."""
    root = folder / run.partition(",")[0].replace(": ", "-")
    call = [PROGRAM, "init", str(root)]
    subprocess.run(call, check=True, capture_output=True)
    shutil.rmtree(root / "pipelines")
    (root / "pipelines").mkdir()
    (root / FILE).write_text(PIPELINE.format(run=run), "utf-8")
    return root


def started(root: Path) -> subprocess.Popen[bytes]:
    """Start the run in a process of its own."""
    call = [PROGRAM, "run", FILE, "--direct", "-q"]
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(call, cwd=root, **quiet)


def tables(root: Path) -> dict[str, bytes]:
    """Return the bytes of every table and every image of an attack."""
    files = [*root.glob("artifacts/**/*.parquet"), *root.glob("artifacts/**/*.safetensors")]
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in sorted(files)}


def workers_of(parent: int, others: list[int]) -> list[int]:
    """Return the workers of a run, and those of its cluster."""
    try:
        below = psutil.Process(parent).children(recursive=True)
    except psutil.Error:
        below = []
    return [child.pid for child in below if "spawn_main" in " ".join(_line(child))] + others


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def campaign(
    root: Path, kills: int, calm: float, dice: random.Random, others: list[int]
) -> dict[str, Any]:
    """Disturb runs so many times, each anew where one came to its end; let the last one end."""
    run, done, ended = started(root), {"run": 0, "worker": 0}, 0
    begun = time.monotonic()
    while sum(done.values()) < kills:
        time.sleep(dice.uniform(0.1, calm))
        if run.poll() is not None:
            ended += run.returncode == 0
            if run.returncode == 0:
                afresh(root)
            run = started(root)
            continue
        workers = workers_of(run.pid, others)
        of_worker = workers and sum(done.values()) % 2 == 1
        target = dice.choice(workers) if of_worker else run.pid
        try:
            os.kill(target, signal.SIGKILL)
        except ProcessLookupError:
            continue
        done["worker" if of_worker else "run"] += 1
        others[:] = [pid for pid in others if pid != target]
        if target == run.pid:
            run.wait()
            run = started(root)
    code = run.wait()
    for _ in range(3):  # a shard may have met three deaths
        if code == 0:
            break
        code = started(root).wait()
    computed = [
        (record["step"], record["shard"])
        for log in root.glob("runs/*/log.jsonl")
        for record in map(json.loads, log.read_text("utf-8").splitlines())
        if record["event"] == "shard done"
    ]
    return {
        "killed": done,
        "runs_that_ended_before": ended,
        "exit_code": code,
        "seconds": round(time.monotonic() - begun, 1),
        "finished_shards": len(computed),
        "reported_twice": len(computed) - len(set(computed)),
    }


def afresh(root: Path) -> None:
    """Take away all that a run left, so that the next one computes everything."""
    for name in ("artifacts", "metrics", "data", "runs", "dvc.lock", ".adversity", ".dvc/cache"):
        path = root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def main() -> int:
    """Run the campaigns; exit code 1 if a table differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30, help="of each runner")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runners", nargs="+", default=["threads", "processes", "dask"])
    given = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        undisturbed = project(folder, "retries: 0")
        begun = time.monotonic()
        if started(undisturbed).wait():
            raise SystemExit("the run that nobody disturbs failed")
        calm, expected = time.monotonic() - begun, tables(undisturbed)
        for runner in given.runners:
            dice = random.Random(f"{given.seed} {runner}")
            if runner == "dask":
                with cluster(folder, 1 + given.kills // 2 + 1) as address:
                    root = project(folder, f'runner: dask, address: "{address}"')
                    here = psutil.Process().children(recursive=True)
                    pids = [p.pid for p in here if "dask_worker" in " ".join(_line(p))]
                    row = campaign(
                        root, given.kills, calm, dice, pids[:-1]
                    )  # one is left to finish
            else:
                root = project(folder, f"runner: {runner}")
                row = campaign(root, given.kills, calm, dice, [])
            same = tables(root) == expected
            wrong += not same
            print(json.dumps({"runner": runner, "same_tables": same, **row}), flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
