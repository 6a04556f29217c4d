"""Which scheduled runs are so old that DVC's cache need not hold their outputs any more.

Their commits stay on the results branch, with every number; a remote of DVC keeps what was pushed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity_flows.scheduled.branch import ResultsBranch
from adversity_flows.scheduled.published import Remotes
from adversity_flows.scheduled.revision import remote_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from adversity_flows.scheduled.git import Git

__all__ = ["OldRun", "old_runs"]

_DAY = 86400
_RESULTS = "results/"


@dataclass(frozen=True, slots=True)
class OldRun:
    """A scheduled run on a results branch.

    Attributes:
        pipeline: The pipeline's name.
        run: Its id.
        commit: The commit that holds it.
    """

    pipeline: str
    run: str
    commit: str


def old_runs(git: Git, *, keep: int, days: float, named: Collection[str] = ()) -> list[OldRun]:
    """Return the scheduled runs that nobody needs any more, newest first.

    Accepted ones stay, those that a tag, a branch or a worktree stands on, those that something else
    than their results branch leads to, and those that no remote has yet although there is one.

    Args:
        git: The project's repository.
        keep: So many of the newest of each pipeline stay.
        days: Those that were committed in so many days stay.
        named: Revisions that pipelines name, which stay, too.
    """
    refs = dict(_refs(git))
    pipelines = sorted({found for name in refs if (found := _pipeline_of(name))})
    kept = {commit for one in named if (commit := _commit(git, one))}
    return [
        one
        for name in pipelines
        for one in _of_pipeline(git, name, refs, kept, keep=keep, days=days)
    ]


def _of_pipeline(
    git: Git, pipeline: str, refs: dict[str, str], kept: set[str], *, keep: int, days: float
) -> Iterator[OldRun]:
    branch = ResultsBranch(git, pipeline)
    tips = {commit for name, commit in refs.items() if _pipeline_of(name) == pipeline}
    others = {commit for name, commit in refs.items() if _pipeline_of(name) != pipeline}
    on_runs = {commit for commit in others if _run_at(branch, commit)}
    stays = kept | tips | on_runs | _not_pushed(git, branch)
    accepted = {str(branch.record("accepted.json", tip).get("run", "")) for tip in tips}
    old = time.time() - days * _DAY
    runs: list[str] = []
    for commit, written in _commits(git, tips, others - on_runs):
        run = _run_at(branch, commit)
        if not run:
            continue  # code, which stays
        if run not in runs:
            runs.append(run)
        young = len(runs) <= keep or written >= old
        if not (young or run in accepted or commit in stays):
            yield OldRun(pipeline, run, commit)


def _run_at(branch: ResultsBranch, commit: str) -> str:
    return str(branch.record("run.json", commit).get("run", ""))


def _not_pushed(git: Git, branch: ResultsBranch) -> set[str]:
    """Return the commits that a remote still has to get."""
    there = Remotes.of(git.root, remote_of(git), push=None).any
    return set(branch.unpushed()) if there else set()


def _commits(git: Git, tips: set[str], without: set[str]) -> Iterator[tuple[str, float]]:
    """Yield commits and when they were written, newest first."""
    words = ["log", "--date-order", "--format=%H %ct", *sorted(tips), "--not", *sorted(without)]
    for line in git.do(*words).decode().splitlines():
        commit, _, written = line.partition(" ")
        yield commit, float(written)


def _refs(git: Git) -> Iterator[tuple[str, str]]:
    """Yield the names of branches, tags and what is checked out somewhere, with their commits."""
    places = ("refs/heads", "refs/remotes", "refs/tags")
    for name in (git.says("for-each-ref", "--format=%(refname)", *places) or "").splitlines():
        if commit := _commit(git, name):
            yield name, commit
    for line in (git.says("worktree", "list", "--porcelain") or "").splitlines():
        if line.startswith("HEAD "):
            yield line, line.removeprefix("HEAD ")


def _pipeline_of(name: str) -> str:
    """Return whose results branch, here or of a remote, a name is; empty if it is none."""
    kind, _, rest = name.removeprefix("refs/").partition("/")
    if kind == "remotes":
        rest = rest.partition("/")[2]
    elif kind != "heads":
        return ""
    return rest.removeprefix(_RESULTS) if rest.startswith(_RESULTS) else ""


def _commit(git: Git, name: str) -> str | None:
    return git.says("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
