"""Which scheduled runs may lose their outputs, and which never do."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from adversity_flows.scheduled.branch import ResultsBranch
from adversity_flows.scheduled.git import Git
from adversity_flows.scheduled.old_runs import old_runs

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86400
NOW = 1_700_000_000
"""Runs were committed long ago, a day apart."""
COUNT = 6


class Nights:
    """Six nights of the pipeline `net`; the third run is accepted.

    Attributes:
        commits: Of the runs, oldest first.
    """

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.says("init", "-q", "-b", "main")
        for key, value in (("name", "Ann"), ("email", "ann@example.org")):
            self.says("config", f"user.{key}", value)
        self.says("commit", "-q", "--allow-empty", "-m", "start")
        (root / ".dvc").mkdir()
        (root / ".dvc" / "config").write_text("")
        self.git = Git(root)
        branch = ResultsBranch(self.git, "net")
        self.commits = []
        for night in range(COUNT):
            monkeypatch.setenv("GIT_COMMITTER_DATE", f"{NOW + night * DAY} +0000")
            files = {
                "run.json": {"run": f"r{night}"},
                "accepted.json": {"run": f"r{min(night, 2)}"},
                "run/manifest.json": {"id": f"r{night}"},
            }
            stored = {f"results/net/{name}": json.dumps(it).encode() for name, it in files.items()}
            code = self.says("rev-parse", "HEAD")
            self.commits.append(branch.commit(code, stored, f"night {night}", root / "index"))
        monkeypatch.delenv("GIT_COMMITTER_DATE")

    def says(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def old(self, keep: int = 1, days: float = 0.0, named: tuple[str, ...] = ()) -> list[str]:
        found = old_runs(self.git, keep=keep, days=days, named=named)
        assert {one.pipeline for one in found} <= {"net"}
        assert [self.commits[int(one.run[1:])] for one in found] == [one.commit for one in found]
        return [one.run for one in found]


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """A repository with the runs of six nights, and no remote."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    return Nights(tmp_path, monkeypatch)


def test_the_newest_and_the_accepted_stay(nights: Nights) -> None:
    """The accepted one however old it is; by age, younger ones than so many days stay."""
    assert nights.old(keep=1) == ["r4", "r3", "r1", "r0"]
    assert nights.old(keep=3) == ["r1", "r0"]
    assert nights.old(keep=6) == []
    assert nights.old(days=1e6) == []


@pytest.mark.parametrize("name", ["refs/tags/paper", "refs/heads/mine", "refs/remotes/x/mine"])
def test_what_somebody_named_stays_alone(nights: Nights, name: str) -> None:
    """A tag or a branch on a run keeps that run, and not those before it."""
    nights.says("update-ref", name, nights.commits[3])
    assert nights.old() == ["r4", "r1", "r0"]


def test_what_a_pipeline_names_stays(nights: Nights) -> None:
    """A gate compares with it, or data are pinned to it; a name that is none keeps nothing."""
    assert nights.old(named=(nights.commits[1][:12], "no-such")) == ["r4", "r3", "r0"]
    assert nights.old(named=("results/net~2",)) == ["r4", "r1", "r0"]


def test_what_is_checked_out_stays(nights: Nights) -> None:
    """Somebody looks at a night's artifacts."""
    nights.says("checkout", "-q", "--detach", nights.commits[0])
    assert nights.old() == ["r4", "r3", "r1"]


def test_what_other_work_is_built_on_stays(nights: Nights) -> None:
    """A branch that took results in has them, and all before them, in its history."""
    tree = nights.says("rev-parse", "main^{tree}")
    work = nights.says("commit-tree", tree, "-p", nights.commits[3], "-m", "more")
    nights.says("update-ref", "refs/heads/work", work)
    assert nights.old() == ["r4"]


def test_what_a_remote_has_to_get_stays(nights: Nights, tmp_path: Path) -> None:
    """Nothing goes that is nowhere else; the results branch as a remote has it is no further name."""
    nights.says("remote", "add", "origin", str(tmp_path / "elsewhere.git"))
    assert nights.old() == []
    nights.says("update-ref", "refs/adversity/pushed/net", nights.commits[3])
    nights.says("update-ref", "refs/remotes/origin/results/net", nights.commits[3])
    assert nights.old() == ["r1", "r0"]


def test_a_repository_without_results_has_none(nights: Nights) -> None:
    """Nor has one whose branch was deleted."""
    nights.says("update-ref", "-d", "refs/heads/results/net")
    assert nights.old() == []
