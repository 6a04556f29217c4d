"""Where the ledger of attacks lies: beside the runs, one for all worktrees of a project."""

from __future__ import annotations

import subprocess

from adversity_flows.runs.attack_ledger import ledger_of


def test_it_lies_beside_the_runs(project):
    """Asking for it makes no folder."""
    assert ledger_of(project).root == project / "runs" / "ledger"
    assert not (project / "runs").exists()


def test_a_worktree_writes_into_the_ledger_of_its_project(project, tmp_path):
    """What a run in a worktree found is not lost with the worktree."""
    tree = tmp_path / "tree"
    subprocess.run(["git", "worktree", "add", "--quiet", str(tree)], cwd=project, check=True)
    assert (tree / ".git").is_file()
    assert ledger_of(tree).root == project / "runs" / "ledger"


def test_what_only_looks_like_a_worktree_keeps_its_own(project, tmp_path):
    """A submodule, a broken link, a repository that is no project: none reaches elsewhere."""
    for number, link in enumerate(("gitdir: ../../.git/modules/inner", "gitdir:", "\x00", "")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / ".git").write_text(link)
        assert ledger_of(folder).root == folder / "runs" / "ledger"
    plain = tmp_path / "plain"
    subprocess.run(["git", "clone", "--quiet", str(project), str(plain)], check=True)
    subprocess.run(["git", "rm", "-rq", ".dvc"], cwd=plain, check=True)
    tree = tmp_path / "other"
    subprocess.run(["git", "worktree", "add", "--quiet", str(tree)], cwd=plain, check=True)
    assert ledger_of(tree).root == tree / "runs" / "ledger"
