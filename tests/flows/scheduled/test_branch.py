"""A commit a run, on a branch that nobody checks out, from several machines."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from adversity.errors import InputError
from adversity_flows.scheduled import retried as waiting
from adversity_flows.scheduled.branch import ResultsBranch
from adversity_flows.scheduled.git import Git, GitError

if TYPE_CHECKING:
    from pathlib import Path


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)
    return done.stdout.decode().strip()


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two clones of one bare repository; git knows nobody there."""
    monkeypatch.setattr(waiting, "WAITS", (0.0, 0.0))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    first, second, bare = (tmp_path / name for name in ("first", "second", "bare"))
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(tmp_path, "clone", "--quiet", str(bare), str(first))
    git(first, "switch", "--quiet", "--create", "main")
    (first / "code").write_text("one")
    git(first, "add", ".")
    git(first, "commit", "--quiet", "-m", "start")
    git(first, "push", "--quiet", "-u", "origin", "main")
    git(tmp_path, "clone", "--quiet", str(bare), str(second))
    return [first, second]


def add(root: Path, run: str) -> str:
    """Commit a run."""
    branch = ResultsBranch(Git(root), "net")
    files = {"results/net/run/manifest.json": json.dumps({"id": run}).encode(), "dvc.lock": b"x\n"}
    return branch.commit(git(root, "rev-parse", "main"), files, f"run {run}", root / "index")


def test_a_commit_has_the_code_and_the_results(machines: list[Path]) -> None:
    """Nothing that is checked out changes, nor the index; git need not know who commits."""
    root = machines[0]
    (root / "code").write_text("edited")
    git(root, "add", "code")
    before = git(root, "status", "--porcelain")
    one, two = add(root, "1"), add(root, "2")
    assert git(root, "status", "--porcelain") == before
    assert not (root / "index").exists()
    assert git(root, "show", f"{two}:code") == "one"
    assert git(root, "show", f"{two}:dvc.lock") == "x"
    main = git(root, "rev-parse", "main")
    assert git(root, "rev-list", "--first-parent", two).split() == [two, one, main]
    assert git(root, "log", "-1", "--format=%an %s", two) == "adversity run 2"
    assert ResultsBranch(Git(root), "net").record("run/manifest.json") == {"id": "2"}


def test_what_is_on_one_machine_only_is_known(machines: list[Path]) -> None:
    """Until it is pushed, also by another try."""
    branch = ResultsBranch(Git(machines[0]), "net")
    assert branch.unpushed() == []
    one, two = add(machines[0], "1"), add(machines[0], "2")
    assert branch.unpushed() == [two, one]
    branch.push("origin")
    branch.note_pushed()
    assert branch.unpushed() == []
    three = add(machines[0], "3")
    assert branch.unpushed() == [three]


def test_another_machine_goes_on_from_there(machines: list[Path]) -> None:
    """What it has not is fetched, and is not its own to push."""
    one = add(machines[0], "1")
    ResultsBranch(Git(machines[0]), "net").push("origin")
    other = ResultsBranch(Git(machines[1]), "net")
    other.catch_up("origin")
    assert (other.tip, other.unpushed()) == (one, [])
    two = add(machines[1], "2")
    assert git(machines[1], "rev-parse", f"{two}^1") == one


def test_two_machines_at_once_lose_nothing(machines: list[Path]) -> None:
    """The branch holds both runs, and the newest one's files, whoever pushes last."""
    ours, theirs = (ResultsBranch(Git(root), "net") for root in machines)
    newest, oldest = add(machines[0], "20261123"), add(machines[1], "20261122")
    ours.push("origin")
    theirs.push("origin")
    assert git(machines[1], "rev-list", "--parents", "-1", "results/net").split()[1:] == [
        oldest, newest,
    ]  # fmt: skip
    assert theirs.record("run/manifest.json") == {"id": "20261123"}
    ours.catch_up("origin")
    assert ours.tip == theirs.tip
    ours.push("origin")


def test_a_branch_that_somebody_has_checked_out_is_not_moved(machines: list[Path]) -> None:
    """Its folder would look edited."""
    branch = ResultsBranch(Git(machines[0]), "net")
    branch.refuse_checked_out()
    add(machines[0], "1")
    git(machines[0], "switch", "--quiet", "results/net")
    with pytest.raises(InputError, match=r"results/net .* is checked out in .*first; switch"):
        branch.refuse_checked_out()


def test_a_remote_that_refuses_is_said(machines: list[Path], tmp_path: Path) -> None:
    """A hook's word is passed on; the commit stays to be pushed."""
    hook = tmp_path / "bare/hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho no results here >&2\nexit 1\n")
    hook.chmod(0o755)
    branch = ResultsBranch(Git(machines[0]), "net")
    commit = add(machines[0], "1")
    with pytest.raises(GitError, match="pre-receive hook declined"):
        branch.push("origin")
    assert branch.unpushed() == [commit]
