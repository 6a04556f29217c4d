"""The pipeline of a worktree, planned, with its data and its earlier results in their places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.errors import InputError, PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.edit import edited, replace_content
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover
from adversity_flows.dvc import resolved
from adversity_flows.dvc.fetched import DamagedError, fetch_needed
from adversity_flows.dvc.lock_entries import bring_entries
from adversity_flows.dvc.sync import sync_pipeline
from adversity_flows.dvc.tracked import missing_data
from adversity_flows.scheduled.retried import retried

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adversity.pipeline.plan.model import Plan
    from adversity_flows.scheduled.branch import ResultsBranch
    from adversity_flows.scheduled.git import Git
    from adversity_flows.scheduled.workspace import Worktree

__all__ = ["planned", "prepare"]

_WRITTEN = ("dvc.lock", "dvc.yaml", resolved.FOLDER)
"""What a run writes that git may track."""


def planned(tree: Worktree, file: str, name: str, changes: Sequence[str] = ()) -> Plan:
    """Plan a pipeline as the commit has it.

    Args:
        tree: The commit.
        file: The pipeline file, relative to the project.
        name: The pipeline's name in the user's folder.
        changes: Values that are written into the worktree's file first, as `--set` takes them.

    Raises:
        InputError: If the commit lacks the file, or has another pipeline in it.
        PipelineError: With every finding in it.
    """
    path = tree.root / file
    if not path.is_file():
        raise InputError(
            f"expected {file} in {tree.revision.words}, got a commit without it; commit it: "
            f"`git add {file} && git commit`"
        )
    plan = make_plan(load_pipeline(path, root=tree.root, overrides=changes), discover())
    if plan.name != name:
        raise InputError(
            f"{file}: expected the pipeline {name} in {tree.revision.words}, got {plan.name}; "
            "commit its new name"
        )
    if changes:
        replace_content(path, edited(path, changes))
    return make_plan(load_pipeline(path, root=tree.root), discover()) if changes else plan


def prepare(
    plan: Plan, tree: Worktree, git: Git, branch: ResultsBranch, *, say: Callable[[str], None]
) -> None:
    """Bring the records of earlier runs, fetch and verify the data, and refuse what is missing.

    Args:
        plan: The pipeline.
        tree: Its worktree.
        git: The project's repository.
        branch: The pipeline's results.
        say: Told which data are verified and which came.

    Raises:
        DamagedError: If data are not what the commit names.
        InputError: If data are nowhere.
        RunError: If a remote does not answer, three times.
    """
    _let_git_pass_over(git, tree)
    resolved.write(plan)
    sync_pipeline(plan)
    bring_entries(plan, branch.text("dvc.lock") or "")
    fetched = retried(lambda: fetch_needed(plan), unless=lambda e: isinstance(e, DamagedError))
    if fetched.data:
        came = f", fetched {', '.join(fetched.fetched)}" if fetched.fetched else ""
        say(f"data verified: {', '.join(fetched.data)}{came}")
    absent = missing_data(plan)
    if absent:
        raise PipelineError(
            [
                f"{finding} (it is neither in {tree.revision.words} nor tracked by DVC there; "
                "`dvc add` it, commit and `dvc push`)"
                for finding in absent
            ]
        )


def _let_git_pass_over(git: Git, tree: Worktree) -> None:
    """Let the run's record of git say `clean`: what a run itself writes is no edit."""
    listed = git.do("ls-files", "-z", *_WRITTEN, within=tree.root).decode().split("\0")
    if names := [name for name in listed if name]:
        git.do("update-index", "--skip-worktree", *names, within=tree.root)
