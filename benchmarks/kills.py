"""Runs that are killed at random moments end in the same tables: threads, processes, Dask, Ray.

A small attack in many shards is computed by a process of its own. Again and again one of these is
ended with signal 9, in turn, at a moment that the seed draws: that process (then it is started once
more), one of its workers, the head of its cluster (then the run has to end with exit code 3, or 2
if it met nobody yet, and is started once more, as the cluster is), and the server of Prefect that
it reports to (`--targets` with `server`; the run goes on). In the end every table has the bytes of
a run that nobody disturbed. Finished shards that are reported once more are work done twice: a step
that a kill met before it was recorded says so again, without computing what is kept. What a process
had at work is lost, and shows in the time.
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
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from clusters import CLUSTERS, cluster

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
TARGETS = ("run", "worker", "head", "server")
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


def started(root: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start the run in a process of its own."""
    call = [PROGRAM, "run", FILE, "-q", *options]
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(call, cwd=root, **quiet)


def tables(root: Path) -> dict[str, bytes]:
    """Return the bytes of every table and every image of an attack."""
    files = [*root.glob("artifacts/**/*.parquet"), *root.glob("artifacts/**/*.safetensors")]
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in sorted(files)}


def workers_of(parent: int) -> list[int]:
    """Return the workers of a run that are its own processes."""
    try:
        below = psutil.Process(parent).children(recursive=True)
    except psutil.Error:
        return []
    return [child.pid for child in below if "spawn_main" in " ".join(_line(child))]


def server_of(root: Path) -> list[int]:
    """Return the server of Prefect that a project's runs report to."""
    try:
        noted = json.loads((root / ".adversity/prefect/server.json").read_text("utf-8"))
        return [int(noted["pid"])] if psutil.pid_exists(int(noted["pid"])) else []
    except (OSError, ValueError, KeyError):
        return []


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


class Campaign:
    """Disturbs runs of one project so many times, each anew where one came to its end."""

    def __init__(self, root: Path, targets: list[str], cluster: Any = None) -> None:
        """Start nothing.

        Args:
            root: The project.
            targets: What is killed, in turn.
            cluster: Whose workers and head are killed; None if the run has its own.
        """
        self.root, self.cluster, self.targets = root, cluster, targets
        self.options = [] if "server" in targets else ["--direct"]
        self.killed = dict.fromkeys(TARGETS, 0)
        self.finished = self.twice = 0
        self.codes: Counter[int] = Counter()
        self.after_head: Counter[int] = Counter()

    def disturb(self, kills: int, calm: float, dice: random.Random) -> int:
        """Kill so many times; return the exit code of the last run, which nobody disturbs."""
        run = started(self.root, *self.options)
        while sum(self.killed.values()) < kills:
            time.sleep(dice.uniform(0.1, calm))
            if run.poll() is not None:
                self.codes[run.returncode] += 1
                if run.returncode == 0:
                    self.count()
                    afresh(self.root)
                run = started(self.root, *self.options)
                continue
            run = self.kill(self.next_target(run), run, dice)
        for _ in range(4):  # a shard may have met three deaths
            code = run.wait()
            if code == 0:
                break
            run = started(self.root, *self.options)
        self.count()
        return code

    def count(self) -> None:
        """Add up the finished shards since everything was last taken away, and those said twice."""
        said = [
            (record["step"], record["shard"])
            for log in self.root.glob("runs/*/log.jsonl")
            for record in map(json.loads, log.read_text("utf-8").splitlines())
            if record["event"] == "shard done"
        ]
        self.finished += len(said)
        self.twice += len(said) - len(set(said))

    def next_target(self, run: subprocess.Popen[bytes]) -> str:
        """Return who was killed least, of those that are there."""
        there = [name for name in self.targets if name in ("run", "head") or self.pids(name, run)]
        return min(there or ["run"], key=lambda name: self.killed[name])

    def pids(self, name: str, run: subprocess.Popen[bytes]) -> list[int]:
        """Return the processes that go by a name now."""
        if name == "server":
            return server_of(self.root)
        return self.cluster.workers() if self.cluster else workers_of(run.pid)

    def kill(
        self, name: str, run: subprocess.Popen[bytes], dice: random.Random
    ) -> subprocess.Popen[bytes]:
        """Kill one, and put back what does not come back by itself; return the run that goes on."""
        if name == "head":
            self.cluster.kill_head()
            self.after_head[run.wait()] += 1
            self.cluster.tend()
            time.sleep(10)
        else:
            pids = [run.pid] if name == "run" else self.pids(name, run)
            try:
                os.kill(dice.choice(pids), signal.SIGKILL)
            except (ProcessLookupError, IndexError):
                return run
            if name == "run":
                run.wait()
            elif name == "worker" and self.cluster:
                time.sleep(0.2)
                self.cluster.tend()
        self.killed[name] += 1
        return started(self.root, *self.options) if name in ("run", "head") else run


def campaign(
    root: Path,
    targets: list[str],
    kills: int,
    calm: float,
    dice: random.Random,
    cluster: Any = None,
) -> dict[str, Any]:
    """Disturb a project's runs; return what became of them."""
    begun, disturbed = time.monotonic(), Campaign(root, targets, cluster)
    code = disturbed.disturb(kills, calm, dice)
    return {
        "killed": disturbed.killed,
        "runs_that_ended_before": disturbed.codes[0],
        "exit_codes_of_others": {str(c): n for c, n in disturbed.codes.items() if c},
        "exit_codes_after_head": {str(c): n for c, n in disturbed.after_head.items()},
        "exit_code": code,
        "seconds": round(time.monotonic() - begun, 1),
        "finished_shards": disturbed.finished,
        "reported_twice": disturbed.twice,
    }


def afresh(root: Path) -> None:
    """Take away all that a run left, so that the next one computes everything."""
    for name in ("artifacts", "metrics", "data", "runs", "dvc.lock", ".adversity", ".dvc/cache"):
        path = root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def main() -> int:
    """Run the campaigns; exit code 1 if a table differs, or a run ended as it should not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30, help="of each runner")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runners", nargs="+", default=["threads", "processes", "dask"])
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=["run", "worker"])
    given = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        undisturbed = project(folder, "retries: 0")
        begun = time.monotonic()
        if started(undisturbed, "--direct").wait():
            raise SystemExit("the run that nobody disturbs failed")
        calm, expected = time.monotonic() - begun, tables(undisturbed)
        for runner in given.runners:
            dice = random.Random(f"{given.seed} {runner}")
            of_it = [name for name in given.targets if name != "head" or runner in CLUSTERS]
            how: Any = (of_it, given.kills, calm, dice)
            if runner in CLUSTERS:
                with cluster(folder, 2, runner) as lent:
                    root = project(folder, f'runner: {runner}, address: "{lent.address}"')
                    row = campaign(root, *how, lent)
            else:
                root = project(folder, f"runner: {runner}")
                row = campaign(root, *how)
            same = tables(root) == expected
            # 2: it met nobody yet; 0: there was nothing left to compute.
            fit = row["exit_codes_after_head"].keys() <= {"0", "2", "3"}
            wrong += not (same and fit and row["exit_code"] == 0)
            print(json.dumps({"runner": runner, "same_tables": same, **row}), flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
