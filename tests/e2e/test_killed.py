"""A run that is killed loses nothing that was finished, and ends in the same bytes."""

from __future__ import annotations

import re
import signal
import subprocess

import pytest

pytestmark = pytest.mark.slow

MANY_SHARDS = (
    "seed: 0",
    "seed: 0\nrun: {shard_size: 8, workers: 1, images: 0}",
)
LONGER = ("{norm: linf, eps: $eps}", "{norm: linf, eps: $eps, steps: 10}")
STRONGER = ("attack/fgsm", "attack/pgd")
SHARDS = 2 * 64 // 8

MOMENTS = (
    ("pathlib.Path", "rename", 1),  # before the old outputs are moved away
    ("pathlib.Path", "rename", 2),  # before the new ones take their place
    ("adversity_flows.dvc.recorder.DvcRecorder", "record", 1),  # in place, but not recorded
    (
        "adversity_flows.dvc.lockfile.LockFile",
        "write",
        1,
    ),  # in DVC's run cache, but not in dvc.lock
)
KILLED_AT = """
import os, pkgutil, re, signal, sys
from adversity_flows.cli import main

place, name, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
owner = pkgutil.resolve_name(place)
original = getattr(owner, name)
calls = []

def deadly(*arguments, **keywords):
    if re.search("smoke[/-]attacked", str(arguments)):
        calls.append(arguments)
        if len(calls) == last:
            os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **keywords)

setattr(owner, name, deadly)
sys.exit(main(["run", "pipelines/smoke.yaml", "--direct"]))
"""


@pytest.fixture(scope="module")
def edited(finished):
    """The finished project with a long attack in many shards, in which that is yet to run."""
    project = finished.copy("edited")
    project.edit(*MANY_SHARDS)
    project.edit(*STRONGER)
    project.edit(*LONGER)
    return project


@pytest.fixture(scope="module")
def uninterrupted(edited):
    """The same after a run that nothing interrupted.

    What is killed is a process with a seed of its hashes of its own; that a report's bytes do not
    hang on it is in test_three_doors.py.
    """
    project = edited.copy("uninterrupted")
    answer = project.run()
    assert set(answer.ran) == {"attacked", "report"}
    return project


def kept(reason):
    """Return how many shards a reason says are kept."""
    found = re.search(r"\((\d+) of (\d+) shards kept\)", reason)
    assert found is not None, reason
    assert int(found[2]) == SHARDS
    return int(found[1])


def test_killed_in_an_attack_only_unfinished_shards_are_computed_again(
    edited, uninterrupted, tmp_path, program, clean_environment
):
    """After kill -9 at the fourth shard the same command keeps those and gives the same bytes."""
    project = edited.copy(str(tmp_path / "killed"))
    with subprocess.Popen(
        [program("adversity"), "run", "pipelines/smoke.yaml", "--direct", "-v"],
        cwd=project.root,
        env=clean_environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as child:
        lines = (line for line in child.stderr if line.startswith("   attacked"))
        seen = [next(lines) for _ in range(4)]
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert seen[-1].split("shard ")[1].startswith(f"4/{SHARDS}")
    again = project.run("-v")
    assert set(again.ran) == {"attacked", "report"}
    finished = kept(again.ran["attacked"])
    assert 4 <= finished < SHARDS
    computed = [line for line in again.err.splitlines() if line.startswith("   attacked")]
    assert len(computed) == SHARDS - finished
    assert project.differences(uninterrupted) == []
    assert list(project.root.rglob("*.tmp-*")) == []


def test_killed_again_and_again_while_it_ends_a_step_no_shard_is_computed_again(
    uninterrupted, finished, tmp_path, put_program
):
    """After kill -9 at each moment of putting in place and recording: the same bytes in the end."""
    project = uninterrupted.copy(str(tmp_path / "killed"))
    project.restore(finished)
    killed_at = put_program("killed-at", KILLED_AT)
    for place, name, call in MOMENTS:
        killed = project.call(killed_at, place, name, str(call), code=None)
        assert killed.code == -signal.SIGKILL, (name, killed)
        assert kept(killed.ran["attacked"]) == SHARDS
    answer = project.run()
    assert set(answer.ran) == {"report"}
    assert re.search(r"^ ✓ attacked +restored from an earlier run", answer.err, re.MULTILINE)
    assert project.differences(uninterrupted) == []
    assert "up to date" in project.dvc("status").out
    left = [path for path in project.root.rglob("*") if re.search(r"\.(tmp|old)-\d+", path.name)]
    assert left == []
