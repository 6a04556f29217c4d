"""What a killed run left in `.adversity/tmp` goes when the next one begins."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from adversity.engine.public.shard_order import run_mark
from adversity_flows.runs import run_marks
from adversity_flows.runs.past_runs import RunFolder
from adversity_flows.runs.run_marks import new_name

if TYPE_CHECKING:
    from pathlib import Path

NAMES = "from adversity_flows.runs.run_marks import new_name; print(new_name())"


def marks(root: Path, *names: str) -> list[Path]:
    """Leave the marks of runs."""
    found = [run_mark(root, name) for name in names]
    for path in found:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)
    return found


def test_marks_of_dead_processes_go(tmp_path: Path) -> None:
    """One that lives keeps its mark; so do another machine's, and a name that nobody gave."""
    said = subprocess.run([sys.executable, "-c", NAMES], capture_output=True, text=True, check=True)
    dead, mine = said.stdout.strip(), new_name()
    machine, pid, began, _ = mine.split("x")
    reused = f"{machine}x{pid}x{int(began) - 60_000}x0"  # another process had our number before
    gone = marks(tmp_path, dead, reused)
    stays = marks(tmp_path, mine, dead.replace(machine, "c0ffee", 1), "ofnobody", "axbxcxd")
    RunFolder(tmp_path, "nightly").make()
    assert [path.exists() for path in gone] == [False, False]
    assert all(path.exists() for path in stays)


def test_a_project_without_marks_is_left_as_it_is(tmp_path: Path) -> None:
    """Nothing is made to look for them."""
    RunFolder(tmp_path, "nightly").make()
    assert not (tmp_path / ".adversity" / "tmp").exists()


def test_old_marks_that_name_no_process_go(tmp_path: Path) -> None:
    """Those of earlier versions: older than a day, while no process that is older works here."""
    root = tmp_path / "project"
    root.mkdir()
    old, other = marks(root, "0" * 32, "of-nobody-in-particular")
    now = time.time()
    os.utime(other, (now - 2 * 86_400,) * 2)
    with subprocess.Popen(["sleep", "600"], cwd=root) as worker:
        later = psutil.Process(worker.pid).create_time() + 86_400 * 1.5
        with pytest.MonkeyPatch.context() as patch:
            os.utime(old, (now + 1,) * 2)  # the process was there before the mark ...
            patch.setattr(run_marks.time, "time", lambda: later)  # ... a day and a half ago
            RunFolder(root, "nightly").make()
            assert old.exists()
        worker.kill()
    (young,) = marks(root, "1" * 32)  # to the clock of before it was old
    for path, age in ((old, 2), (young, 0.5)):
        os.utime(path, (now - age * 86_400,) * 2)
    RunFolder(root, "nightly").make()
    assert [path.exists() for path in (old, young, other)] == [False, True, True]
