"""Three runs of a schedule of one minute, watched from outside, on loopback.

Somebody's clone and the machine's share a bare git repository and a remote of DVC. On the machine
`adversity schedule serve` is at work; the second minute finds new data, the third wrong labels.
What was pulled, computed, pushed, compared, committed and told is read where others would: in the
remotes, in the log of looks, in Prefect, and at a webhook.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = str(Path(sys.executable).with_name("adversity"))
FILE = "pipelines/shots.yaml"
PIPELINE = """\
name: shots
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 12, width: 8}}
  predictions: {uses: net, from: test}
gates:
  - predictions.accuracy >= 0.3
  - predictions.accuracy not_worse_than last
schedule: {cron: "* * * * *", rev: origin/main}
notify:
  when: [passed, undecided, gate_failed, failed, recovered]
  to: [{uses: webhook, with: {url: {env: NIGHTS_HOOK}}}]
"""
WHO = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false")
PATIENCE = 240.0
CLASSES = ("dark", "light")
NIGHTS = (
    ("start", 6, CLASSES),
    ("more images", 9, CLASSES),
    ("wrong labels", 9, CLASSES[::-1]),
)
"""What is pushed before each: its message, images a class, and what dark and light ones are called."""


def called(root: Path, *arguments: str) -> str:
    """Run a command in a clone and return what it writes."""
    done = subprocess.run(arguments, cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def git(root: Path, *arguments: str) -> str:
    """Run git as Ann."""
    return called(root, "git", *WHO, *arguments)


def dvc(root: Path, *arguments: str) -> str:
    """Run DVC."""
    return called(root, sys.executable, "-m", "dvc", *arguments, "-q")


def draw(folder: Path, count: int, names: tuple[str, ...] = CLASSES) -> None:
    """Make `count` dark and as many light images of 16 x 16 pixels, in folders with these names."""
    shutil.rmtree(folder, ignore_errors=True)
    rng = np.random.default_rng([count, *folder.name.encode()])
    for name, low in zip(names, (0, 128), strict=True):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(low, low + 128, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


def share(root: Path, message: str, count: int, names: tuple[str, ...]) -> str:
    """Draw test data and give everything to both remotes; return the commit."""
    draw(root / "data" / "test", count, names)
    dvc(root, "add", "data/train", "data/test")
    dvc(root, "push")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", message)
    git(root, "push", "--quiet", "origin", "main")
    return git(root, "rev-parse", "--short", "HEAD")


def begun(folder: Path) -> tuple[Path, Path]:
    """Make a project of Ann's and its remotes; the machine's clone follows the first push."""
    ann, bare = folder / "ann", folder / "bare.git"
    called(folder, PROGRAM, "init", str(ann))
    (ann / "pipelines" / "first_look.yaml").unlink()
    (ann / FILE).write_text(PIPELINE, "utf-8")
    git(ann, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(ann, "branch", "-M", "main")
    git(ann, "remote", "add", "origin", str(bare))
    dvc(ann, "remote", "add", "--default", "store", str(folder / "store"))
    draw(ann / "data" / "train", 12)
    return ann, bare


@contextmanager
def heard() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Listen on loopback: the address, and every message that comes."""
    messages: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", messages
    finally:
        server.shutdown()


@contextmanager
def served(machine: Path, hook: str) -> Iterator[Path]:
    """Serve the machine's schedules; its messages go into a file."""
    said = machine.parent / "serve.log"
    with said.open("w") as log:
        process = subprocess.Popen(
            [PROGRAM, "schedule", "serve"],
            cwd=machine,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "NIGHTS_HOOK": hook},
        )
        try:
            yield said
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def looks(machine: Path) -> list[dict[str, Any]]:
    """Return the looks that ended, each a line of the machine's log."""
    file = machine / "runs" / "looks" / "shots.jsonl"
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    return [look for line in lines if (look := json.loads(line))["commit"] and not look["repeated"]]


def await_look(machine: Path, number: int) -> dict[str, Any]:
    """Wait for the end of a look that ran something new."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if len(found := looks(machine)) >= number:
            return found[number - 1]
        time.sleep(0.5)
    raise TimeoutError(f"look {number} did not end within {PATIENCE:.0f} s")


def night(
    ann: Path, log: str, pushed: str, look: dict[str, Any], told: list[dict[str, Any]]
) -> dict[str, Any]:
    """Say what a look did, as Ann sees it in git, at the webhook and in what the server says."""
    git(ann, "fetch", "--quiet", "origin")
    branch = "origin/results/shots"
    accepted = json.loads(git(ann, "show", f"{branch}:results/shots/accepted.json"))
    lines = [line.rpartition(" - ")[2].strip() for line in log.splitlines()]
    return {
        "pushed before": pushed,
        "started": look["started"],
        "commit": look["commit"][:7],
        "pulled": next(line for line in lines if line.startswith("data verified")),
        "computed": [" ".join(line.split()[1:]) for line in lines if line.startswith("▸")],
        "outcome": look["outcome"],
        "compared": [gate for message in told for gate in message["gates"]],
        "run": look["run"],
        "accepted": accepted["run"],
        "committed": git(ann, "log", "-1", "--format=%h %s", branch),
        "pushed": [line for line in lines if "pushed to" in line],
        "told": [message["title"] for message in told],
        "in Prefect": next(line for line in lines if line.startswith("Finished in state"))
        .partition("(")[0]
        .removeprefix("Finished in state "),
    }


def main() -> None:
    """Watch three minutes and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the first look alone")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--keep", type=Path, help="a new folder for all that comes of it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        nights = []
        for found in watched(folder.resolve(), NIGHTS[: 1 if given.quick else None]):
            nights.append(found)
            if not given.json:
                print(json.dumps(found, indent=1, ensure_ascii=False), flush=True)
    if given.json:
        whole = {"quick": given.quick, "looks": nights}
        print(json.dumps(whole, indent=1, ensure_ascii=False))


def watched(
    folder: Path, nights: tuple[tuple[str, int, tuple[str, ...]], ...]
) -> Iterator[dict[str, Any]]:
    """Serve, push before each look, and yield what came of it."""
    ann, bare = begun(folder)
    machine = folder / "machine"
    share(ann, *nights[0])
    git(ann, "clone", "--quiet", str(bare), str(machine))
    with heard() as (hook, messages), served(machine, hook) as said:
        for number, pushed in enumerate(nights, start=1):
            if number > 1:
                share(ann, *pushed)
            before, read = len(messages), len(said.read_text("utf-8"))
            look = await_look(machine, number)
            time.sleep(5)  # messages, and Prefect's state, follow the line of the log
            log = said.read_text("utf-8")[read:]
            yield night(ann, log, pushed[0], look, messages[before:])


if __name__ == "__main__":
    main()
