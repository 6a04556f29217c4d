"""Which commit is taken, and what is said where there is none."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from adversity.errors import InputError
from adversity_flows.scheduled import retried as waiting
from adversity_flows.scheduled.git import Git, GitError
from adversity_flows.scheduled.revision import changed_files, found_revision, remote_of

if TYPE_CHECKING:
    from pathlib import Path


def git(root: Path, *arguments: str) -> str:
    who = (
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.org",
        "-c",
        "protocol.file.allow=always",
    )
    done = subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)
    return done.stdout.decode().strip()


def commit(root: Path, text: str) -> str:
    (root / "file").write_text(text)
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", text)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def clones(tmp_path: Path) -> tuple[Path, Path]:
    """Somebody's clone and the machine's, of one bare repository with one commit."""
    somebody, machine, bare = (tmp_path / name for name in ("somebody", "machine", "bare"))
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(tmp_path, "clone", "--quiet", str(bare), str(somebody))
    git(somebody, "switch", "--quiet", "--create", "main")
    commit(somebody, "one")
    git(somebody, "push", "--quiet", "-u", "origin", "main")
    git(tmp_path, "clone", "--quiet", str(bare), str(machine))
    return somebody, machine


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "WAITS", (0.0, 0.0))


def test_without_a_name_it_is_what_is_checked_out(clones: tuple[Path, Path]) -> None:
    """A branch with its name; a detached head, too."""
    _, machine = clones
    head = git(machine, "rev-parse", "HEAD")
    assert found_revision(Git(machine), None).words == f"main ({head[:10]})"
    git(machine, "switch", "--quiet", "--detach")
    assert found_revision(Git(machine), None).commit == head


def test_a_branch_of_a_remote_is_as_it_is_there_now(clones: tuple[Path, Path]) -> None:
    """It is fetched; the branch of this clone stays where it is, and so do its files."""
    somebody, machine = clones
    new = commit(somebody, "two")
    git(somebody, "tag", "v2")
    git(somebody, "push", "--quiet", "origin", "main", "v2")
    repository = Git(machine)
    assert found_revision(repository, "main").commit != new
    assert found_revision(repository, "origin/main").commit == new
    assert (machine / "file").read_text() == "one"
    assert git(machine, "tag") == ""
    assert found_revision(repository, "v2").commit == new  # fetched, since nothing here has it


def test_an_unknown_name_is_refused_with_the_nearest(clones: tuple[Path, Path]) -> None:
    """In one sentence; a branch that the remote lacks is no fault of the network."""
    repository = Git(clones[1])
    with pytest.raises(InputError, match=r"got 'mian', which is none; did you mean main\?"):
        found_revision(repository, "mian")
    with pytest.raises(InputError, match="got 'origin/gone', which is none"):
        found_revision(repository, "origin/gone")
    with pytest.raises(InputError, match="got '--all', which is none"):
        found_revision(repository, "--all")


def test_a_remote_that_is_gone_is_asked_three_times(
    clones: tuple[Path, Path], tmp_path: Path
) -> None:
    """And then said; the last commit that is known of it is not taken for it."""
    (tmp_path / "bare").rename(tmp_path / "moved")
    with pytest.raises(GitError, match=r"`git fetch` failed: fatal: .*bare"):
        found_revision(Git(clones[1]), "origin/main")


def test_what_is_not_committed_is_named(clones: tuple[Path, Path]) -> None:
    """Of tracked files alone: others are nobody's commit."""
    _, machine = clones
    (machine / "new").write_text("x")
    assert changed_files(Git(machine)) == []
    (machine / "file").write_text("x")
    assert changed_files(Git(machine)) == ["file"]


def test_the_remote_is_that_of_the_branch(clones: tuple[Path, Path], tmp_path: Path) -> None:
    """Else `origin`, else the only one; of several others none is guessed."""
    _, machine = clones
    assert remote_of(Git(machine)) == "origin"
    git(machine, "remote", "rename", "origin", "hub")
    git(machine, "switch", "--quiet", "--create", "other")
    assert remote_of(Git(machine)) == "hub"
    git(machine, "remote", "add", "second", str(tmp_path / "bare"))
    assert remote_of(Git(machine)) is None


@pytest.mark.parametrize(
    ("make", "said"),
    [
        ((), "expected a git repository, got a plain folder.*git init"),
        (("init", "--quiet"), "expected a git repository with a commit, got none yet.*git add"),
    ],
)
def test_without_a_commit_there_is_nothing_to_take(tmp_path: Path, make, said: str) -> None:
    """The message says what is missing and how to go on."""
    if make:
        git(tmp_path, *make)
    with pytest.raises(InputError, match=said):
        Git(tmp_path)


def test_the_project_may_lie_below_the_repository(clones: tuple[Path, Path]) -> None:
    """As after `dvc init --subdir`."""
    _, machine = clones
    (machine / "a/b").mkdir(parents=True)
    repository = Git(machine / "a/b")
    assert (repository.prefix, repository.top) == ("a/b/", machine)
