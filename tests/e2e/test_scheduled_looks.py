"""Three nights of one pipeline: a machine with a clone, and somebody who pushes to both remotes.

What is pulled, pushed, compared and committed, and what a failing gate holds.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from adversity_flows.cli import main
from adversity_flows.runs.looks import past_looks
from adversity_flows.scheduled import retried
from adversity_flows.scheduled.lease import state_folder

if TYPE_CHECKING:
    from pathlib import Path

    from adversity_flows.runs.looks import Look

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("undrawn_charts"),
    pytest.mark.filterwarnings("ignore:_NoneStep"),  # of a library of DVC's
]

FILE = "pipelines/shots.yaml"
PIPELINE = """\
name: shots
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 4, width: 4}}
  predictions: {uses: net, from: test}
gates:
  - predictions.accuracy >= 0.3
  - predictions.accuracy not_worse_than last
schedule: {cron: "0 2 * * *", rev: origin/main}
"""
WHO = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false")


class Clone:
    """A clone of the project."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *WHO, *arguments], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def dvc(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *arguments, "-q"],
            cwd=self.root,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def draw(self, folder: str, count: int, *, swapped: bool = False) -> None:
        """Make `count` images of 16x16 pixels in each of two classes, `swapped` under wrong names."""
        rng = np.random.default_rng([count, *folder.encode()])
        shutil.rmtree(self.root / folder, ignore_errors=True)
        for name, low in (("dark", 0), ("light", 128)):
            low = 128 - low if swapped else low
            (self.root / folder / name).mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(low, low + 128, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(self.root / folder / name / f"{number}.png")

    def share(self, message: str) -> str:
        """Give everything to both remotes."""
        self.dvc("add", "data/train", "data/test")
        self.dvc("push")
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", message)
        self.git("push", "--quiet", "origin", "main")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def clones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Clone, Clone]:
    """Somebody's clone and the machine's, of one bare repository, with one remote of DVC."""
    monkeypatch.setattr(retried, "WAITS", (0.0, 0.0))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    ann = Clone(tmp_path / "ann")
    assert main(["init", str(ann.root)]) == 0
    (ann.root / "pipelines" / "first_look.yaml").unlink()
    (ann.root / FILE).write_text(PIPELINE)
    bare = tmp_path / "bare.git"
    ann.git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    ann.git("branch", "-M", "main")
    ann.git("remote", "add", "origin", str(bare))
    ann.dvc("remote", "add", "--default", "store", str(tmp_path / "store"))
    ann.draw("data/train", 12)
    ann.draw("data/test", 6)
    ann.share("start")
    ann.git("clone", "--quiet", str(bare), str(tmp_path / "machine"))
    return ann, Clone(tmp_path / "machine")


def night(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, capsys: Any, *more: str
) -> tuple[int, str, str, Look]:
    """Look once; return exit code, output, messages and the line that is left."""
    monkeypatch.chdir(clone.root)
    capsys.readouterr()
    code = main(["schedule", "run", FILE, *more])
    out, err = capsys.readouterr()
    return code, out, err, past_looks(clone.root, "shots")[-1]


def test_three_nights(
    clones: tuple[Clone, Clone], monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
) -> None:
    """The first is accepted, the second finds new data, the third fails and moves no pointer."""
    ann, machine = clones

    code, _, err, first = night(machine, monkeypatch, capsys)
    assert code == 0, err
    assert "data verified: data/test, data/train, fetched data/test, data/train\n" in err
    assert "1 of 2 gates undecided, 1 passed" in first.verdict  # nothing was accepted before
    assert "results/shots pushed to origin and DVC's" in err
    assert (first.outcome, first.accepted, first.unpushed) == ("done", first.run, 0)

    ann.draw("data/test", 9)
    new = ann.share("more images")
    code, _, err, second = night(machine, monkeypatch, capsys)
    assert code == 0, err
    assert "data verified: data/test, data/train, fetched data/test\n" in err
    assert "✓ net" in err  # what the new images do not touch was not computed
    assert (second.commit, second.accepted) == (new, second.run)

    ann.draw("data/test", 9, swapped=True)
    ann.share("wrong labels")
    code, out, err, third = night(machine, monkeypatch, capsys)
    assert code == 1, err
    assert third.outcome == "gate failed"
    assert third.gates_failed == ("predictions.accuracy not_worse_than last",)
    assert "gate failed: predictions.accuracy not_worse_than last" in out
    assert (third.accepted, third.unpushed) == (second.run, 0)

    # Somebody else sees it in git ...
    ann.git("fetch", "--quiet", "origin")
    said = ann.git("log", "--first-parent", "--format=%s", "-3", "origin/results/shots")
    assert said.splitlines() == [f"shots: {one.verdict}" for one in (third, second, first)]
    at = "origin/results/shots:results/shots"
    assert json.loads(ann.git("show", f"{at}/accepted.json"))["run"] == second.run
    assert json.loads(ann.git("show", f"{at}/run.json"))["run"] == third.run
    manifest = json.loads(ann.git("show", f"{at}/run/manifest.json"))
    assert manifest["git"] == {"revision": third.commit, "state": "clean"}
    assert manifest["resolved"]["steps"]["net"]["fingerprint"]
    # ... and has the artifacts from DVC's remote, whole, as a user of DVC expects.
    ann.git("switch", "--quiet", "--detach", "origin/results/shots")
    ann.dvc("pull")
    assert (ann.root / "artifacts/shots/predictions/table.parquet").is_file()
    assert ann.dvc("status") == ""
    # The machine's own files and branches are as they were.
    assert machine.git("status", "--porcelain") == ""
    branches = machine.git("branch", "--format=%(refname:short) %(objectname)").splitlines()
    assert branches == [f"main {first.commit}", f"results/shots {third.results}"]

    # A machine that knows nothing compares with the same run, and computes nothing.
    ann.git("clone", "--quiet", str(tmp_path / "bare.git"), str(tmp_path / "other"))
    other = Clone(tmp_path / "other")
    code, _, err, fourth = night(other, monkeypatch, capsys)
    assert code == 1, err
    assert "▸" not in err
    assert fourth.gates_failed == third.gates_failed
    assert fourth.accepted == second.run
    assert (fourth.unpushed, len(past_looks(other.root, "shots"))) == (0, 1)

    # The first machine takes that in; where nothing has changed, nothing is added.
    code, _, err, _ = night(machine, monkeypatch, capsys)
    assert code == 1, err


def test_remotes_that_are_gone(
    clones: tuple[Clone, Clone], monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
) -> None:
    """A commit that must be fetched fails; a run whose results cannot go is kept, and heals."""
    _, machine = clones
    code, _, err, _ = night(machine, monkeypatch, capsys, "--no-push")
    assert code == 0, err
    assert "pushed to" not in err
    (tmp_path / "bare.git").rename(tmp_path / "gone.git")
    (tmp_path / "store").rename(tmp_path / "gone")
    (tmp_path / "store").touch()  # no folder can be made there

    code, _, err, failed = night(machine, monkeypatch, capsys)
    assert code == 3
    assert err.count("error: ") == 1
    assert "`git fetch` failed: fatal: " in err
    assert failed.outcome == "failed"

    code, _, err, held = night(machine, monkeypatch, capsys, "--rev", "main")
    assert code == 3, err
    assert "! `git ls-remote` failed" in err
    assert (held.outcome, held.accepted, held.unpushed) == ("not pushed", held.run, 2)
    assert "PASS: all 2 gates passed" in held.verdict
    assert "; the next look tries again" in held.verdict

    (tmp_path / "gone.git").rename(tmp_path / "bare.git")
    (tmp_path / "store").unlink()
    (tmp_path / "gone").rename(tmp_path / "store")
    code, _, err, healed = night(machine, monkeypatch, capsys)
    assert code == 0, err
    assert healed.repeated
    assert "results/shots pushed to origin and DVC's, 2 commits" in err
    assert healed.unpushed == 0
    assert machine.git("ls-remote", "origin", "results/shots").split()[0] == healed.results


def test_wrong_bytes_are_not_run(
    clones: tuple[Clone, Clone], monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
) -> None:
    """A damaged object of the remote is found, named and not kept; the right one heals the next look."""
    _, machine = clones
    objects = sorted((tmp_path / "store/files/md5").glob("*/*[0-9a-f]"))
    image = next(path for path in objects if path.read_bytes().startswith(b"\x89PNG"))
    whole = image.read_bytes()
    image.chmod(0o644)
    image.write_bytes(whole[:-1] + b"x")
    code, _, err, damaged = night(machine, monkeypatch, capsys)
    assert code == 3, err
    assert err.count("error: ") == 1
    assert re.search("data set data/(test|train) does not hold: of 1 of its files", err), err
    assert "does not hold" in damaged.verdict
    assert not list(machine.root.glob("runs/2*"))
    image.write_bytes(whole)
    code, _, err, _ = night(machine, monkeypatch, capsys)
    assert code == 0, err


def test_a_look_that_is_killed_is_healed_by_the_next(
    clones: tuple[Clone, Clone], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """With kill -9 in the middle of a run: its log comes home, its worktree goes, its line is left."""
    _, machine = clones
    command = "import sys; from adversity_flows.cli import main; sys.exit(main())"
    tree = state_folder(machine.root, "shots") / "tree"
    with subprocess.Popen(
        [sys.executable, "-c", command, "schedule", "run", FILE, "--rev", "main"],
        cwd=machine.root,
        stderr=subprocess.DEVNULL,
    ) as killed:
        until = time.monotonic() + 120
        while not list(tree.glob("runs/2*")) and time.monotonic() < until:
            time.sleep(0.01)
        killed.kill()
    assert past_looks(machine.root, "shots") == []
    (folder,) = [path.name for path in tree.glob("runs/2*")]
    monkeypatch.chdir(machine.root)
    assert main(["schedule", "log"]) == 0
    assert "killed; the next look heals it: process" in capsys.readouterr().out

    code, _, err, look = night(machine, monkeypatch, capsys)
    assert code == 0, err
    assert "! the look before this one was killed (process" in err
    first, second = past_looks(machine.root, "shots")
    assert (first.outcome, first.commit) == ("killed", look.commit)
    assert second == look
    log = (machine.root / "runs" / folder / "log.txt").read_text()
    assert "adversity schedule run pipelines/shots.yaml --rev main" in log
    assert machine.git("worktree", "list").count("\n") == 0
    assert not tree.exists()
    assert machine.git("rev-list", "--first-parent", "--count", "main..results/shots") == "1"


def test_values_that_are_set_stand_on_no_branch(
    clones: tuple[Clone, Clone], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A trial: its run is kept here, the accepted run and the file stay as they are."""
    _, machine = clones
    code, _, err, look = night(machine, monkeypatch, capsys, "--set", "seed=1")
    assert code == 0, err
    assert "the run is not added to results/shots" in err
    assert (look.results, look.accepted) == ("", "")
    manifest = json.loads((machine.root / "runs" / look.run / "manifest.json").read_text())
    assert manifest["git"]["state"] == "dirty"
    assert machine.git("branch", "--format=%(refname:short)") == "main"
    assert "seed" not in (machine.root / FILE).read_text()
