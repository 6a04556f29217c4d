"""What killed processes had begun to write is gone after the next run that computes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from adversity.data.atomic import atomic_write
from adversity_flows.dvc.replace import beside, clean_up

KILLED = """
import os, signal, sys
from pathlib import Path
from adversity.data.atomic import atomic_write

def die(partial):
    partial.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)

atomic_write(Path(sys.argv[1]), die)
"""


@pytest.mark.parametrize(
    "place",
    [
        ".adversity/store/ab/cd/64-00000.parquet",
        "runs/ledger/0123/4567/89-ab.parquet",
        "runs/20261122-141502-smoke/manifest.json",
        "runs/accepted/smoke.json",
        "pipelines/smoke.yaml",
        "pipelines/.resolved/smoke.yaml",
        "dvc.yaml",
    ],
)
def test_a_partial_file_of_a_killed_process_is_removed(tmp_path, place):
    """Killed with SIGKILL in the middle of a file, its process leaves half of it: it goes."""
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode < 0
    (left,) = path.parent.iterdir()
    assert left.name.endswith(".part")
    clean_up(tmp_path, tmp_path / "runs/ledger")
    assert list(path.parent.iterdir()) == []


def test_what_is_whole_or_being_written_stays(tmp_path):
    """Finished files, files of a living process, and the user's own are not touched."""
    ledger = tmp_path / "elsewhere/ledger"
    for name in ("runs/a.json", "pipelines/x.part", "dvc.lock"):
        atomic_write(tmp_path / name, lambda partial: partial.write_text("whole"))

    def look(partial):
        partial.write_text("half")
        clean_up(tmp_path, ledger)
        assert partial.is_file()

    atomic_write(ledger / "page.parquet", look)
    mine = beside(tmp_path / "dvc.lock")
    mine.write_text("ours")
    dead = mine.with_name("dvc.lock.tmp-999999999")
    dead.write_text("half")
    clean_up(tmp_path, ledger)
    found = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert found == {
        "runs/a.json",
        "pipelines/x.part",
        "dvc.lock",
        mine.name,
        "elsewhere/ledger/page.parquet",
    }
