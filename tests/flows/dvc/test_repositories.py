"""Where a project may lie, and what is said of files that git left in conflict."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys

import pytest

from adversity.errors import InputError, StorageError
from adversity_flows.dvc.repository import (
    dvc_errors,
    missing_repositories,
    open_repository,
    refuse_unfit_path,
)
from adversity_flows.dvc.sync import sync
from adversity_flows.runs.past_runs import keep_from_git
from adversity_flows.steps.run_steps import conduct

CONFLICT = "<<<<<<< HEAD\n  a: 1\n=======\n  a: 2\n>>>>>>> theirs\n"


@pytest.fixture
def synced(project, fake):
    """The project with its dvc.yaml written."""
    sync(project, [fake.fake_plan(project)])
    return project


def git(folder, *arguments):
    """Call git and return what it says."""
    return subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def test_dvc_in_a_folder_of_a_git_repository_is_a_project(tmp_path):
    """The git repository above is the project's: after `dvc init --subdir` nothing is missing."""
    git(tmp_path, "init", "--quiet")
    project = tmp_path / "work" / "trust"
    project.mkdir(parents=True)
    assert missing_repositories(project) == ["dvc init --subdir"]
    with pytest.raises(InputError, match="dvc init --subdir"):
        open_repository(project)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--subdir"], cwd=project, check=True)
    assert missing_repositories(project) == []
    repository = open_repository(project)
    assert repository.root_dir == str(project)
    repository.close()


def test_a_folder_without_repositories_is_told_both_commands(tmp_path):
    """Where there is neither, git comes first; with git alone, DVC is made beside it."""
    assert missing_repositories(tmp_path) == ["git init", "dvc init"]
    (tmp_path / ".git").mkdir()
    assert missing_repositories(tmp_path) == ["dvc init"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"x{b}", r"no '{', got .*/x\{b\}/project"),
        (b"x{", r"no '{', got .*/x\{/project"),
        (b"}", r"no '}', got .*/\}/project"),
        (b"a\xffb", r"UTF-8 text, got .*/a\\xffb/project"),
        (b"\xc3\xa9\xe9", r"UTF-8 text, got .*/é\\xe9/project"),
    ],
    ids=["braces", "open", "closed", "one byte", "half a letter"],
)
def test_a_path_that_cannot_be_worked_in_is_refused(tmp_path, name, said):
    """The message names what is wrong and the folder, before anything is opened or made."""
    with pytest.raises(InputError, match=f"{said}.*; .*rename the folder") as caught:
        refuse_unfit_path(tmp_path / os.fsdecode(name) / "project")
    str(caught.value).encode()  # what is shown is text


def test_every_other_character_may_stand_in_a_path(tmp_path):
    """Line ends, patterns, quotes, variables and what URLs and shells take for their own."""
    refuse_unfit_path(tmp_path / '-a\nb[a]*? it\'s "q" a%20b%s#c $HOME;a&b|c`d`\t\\!~ é@x,y:w')


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.ENAMETOOLONG, "a folder with a shorter path, then"), (errno.EACCES, "room or rights")],
)
def test_what_the_system_refuses_comes_with_what_helps(tmp_path, number, advice):
    """Room does not help where the project's own path uses up the length of paths."""
    with pytest.raises(StorageError, match=advice), dvc_errors(tmp_path, "record stage net"):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    "name",
    [
        "dvc.lock",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("dvc.yaml", "data/photos.dvc")),
    ],
)
def test_a_merge_conflict_is_named_with_its_way_out(synced, conductor, project, name):
    """The file and the line stand in the message; dvc.lock may be deleted without a loss."""
    conduct(conductor())
    path = project / name
    path.parent.mkdir(exist_ok=True)
    whole = path.read_text() if path.exists() else "outs:\n"
    path.write_text(whole + CONFLICT)
    line = whole.count("\n") + 1
    with pytest.raises(InputError, match=f"{name}:{line}: expected YAML, got a merge conflict"):
        conduct(conductor())
    if name == "dvc.lock":
        path.unlink()
        assert {outcome.state for outcome in conduct(conductor())} == {"cached"}


def test_folders_of_this_clone_alone_stay_out_of_git(synced, conductor, project):
    """In a repository that was there before, `git add -A` stages no store and no run."""
    (project / ".gitignore").unlink(missing_ok=True)
    shutil.rmtree(project / ".adversity", ignore_errors=True)
    conduct(conductor())
    keep_from_git(project)
    (project / "runs" / "20261128-101913-x").mkdir()
    (project / "runs" / "20261128-101913-x" / "manifest.json").write_text("{}")
    git(project, "add", "--all")
    staged = git(project, "diff", "--cached", "--name-only").splitlines()
    assert "dvc.lock" in staged
    assert not [name for name in staged if name.startswith((".adversity/", "runs/"))]
