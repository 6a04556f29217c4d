"""Data on another disk, linked into the project and permitted by this machine: every door."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from adversity_flows.runs.past_runs import past_runs

FILE = "pipelines/shots.yaml"
RUN = ("run", FILE, "--direct", "--json")

pytestmark = pytest.mark.slow


def dvc(*arguments):
    """Call DVC's command line and return what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def linked(shots, tmp_path):
    """The test images lie on another disk; the project has a link to them, not yet permitted."""
    test, disk = shots.root / "data/test", tmp_path / "disk"
    disk.mkdir()
    shutil.move(test, disk / "photos")
    test.symlink_to(disk / "photos")
    return shots, disk


def states(root, answer, pipeline="shots"):
    """Return what the newest run did with each step."""
    assert answer.code == 0, answer.err
    newest = next(past_runs(root, pipeline))
    return {outcome["step"]: outcome["state"] for outcome in newest.manifest["outcomes"]}


def test_without_permission_the_way_is_said(linked, call, refused):
    """`validate` and `run` name the line, the place, and the command that permits it."""
    shots, disk = linked
    for command in (("validate", FILE), RUN):
        said = refused(call(*command), f"{FILE}:4:", f"and leads to {disk}/photos; permit it with")
        assert f"`dvc remote add --local NAME {disk}/photos`" in said
    shots.holds_nothing_of("predictions")


def test_the_content_counts_and_not_the_place(linked, call):
    """The same bytes by every door and from every disk; a changed image makes its steps stale."""
    shots, disk = linked
    dvc("remote", "add", "--local", "photos", str(disk))
    assert call("validate", FILE).code == 0
    assert set(states(shots.root, call(*RUN)).values()) == {"ran"}
    table = (shots.root / "artifacts/shots/predictions/table.parquet").read_bytes()
    for file in ("dvc.yaml", "dvc.lock", FILE, "artifacts/shots/predictions/measures.json"):
        assert str(disk) not in (shots.root / file).read_text()
    assert "up to date" in dvc("status")

    moved = disk.with_name("moved")
    disk.rename(moved)
    (shots.root / "data/test").unlink()
    (shots.root / "data/test").symlink_to(moved / "photos")
    dvc("remote", "modify", "--local", "photos", "url", str(moved))
    assert json.loads(call(*RUN).out)["run"]["repeated"] is True
    shutil.rmtree(shots.root / "artifacts/shots/predictions")
    shutil.rmtree(shots.root / ".adversity/store")
    (shots.root / "dvc.lock").unlink()
    shutil.rmtree(shots.root / ".dvc/cache")
    dvc("repro")
    assert (shots.root / "artifacts/shots/predictions/table.parquet").read_bytes() == table

    Image.new("RGB", (16, 16), (200, 10, 10)).save(moved / "photos/light/0.png")
    assert "data/test" in dvc("status")
    after = states(shots.root, call(*RUN))
    assert after["net"] == "cached"
    assert after["predictions"] == "ran"
    assert (shots.root / "artifacts/shots/predictions/table.parquet").read_bytes() != table


def test_a_machine_without_the_disk_runs_the_rest(linked, call, refused):
    """A dead link stops its own pipeline with one message, and no other."""
    shots, disk = linked
    dvc("remote", "add", "--local", "photos", str(disk))
    assert call("validate", FILE).code == 0
    states(shots.root, call(*RUN))
    other = shots.root / "pipelines/other.yaml"
    other.write_text(
        shots.file.read_text()
        .replace("name: shots", "name: other")
        .replace("data/test", "data/more")
    )
    shots.draw("data/more", 2)
    shutil.rmtree(disk)
    refused(call(*RUN), f"{FILE}:4:", "data/test")
    answer = call("run", "pipelines/other.yaml", "--direct", "--json")
    assert states(shots.root, answer, "other")["predictions"] == "ran"
