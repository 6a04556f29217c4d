"""The earlier runs that the gates of a pipeline name: the last accepted one, those of commits."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from adversity.errors import InputError
from adversity.pipeline.gates.earlier import Earlier, EarlierRun
from adversity.pipeline.gates.gate_text import LAST
from adversity_flows.runs.accepted_runs import accepted_run
from adversity_flows.runs.paired_changes import changes_since
from adversity_flows.runs.recorded_runs import past_run, revision_run

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan
    from adversity_flows.dvc.revision import Revision

__all__ = ["commits_named", "earlier_runs", "refuse_unknown_commits"]

_COMMIT_DIGITS = 12


def earlier_runs(plan: Plan, outputs: Path) -> Earlier:
    """Return how this run differs from each that its gates name; a run that is not there is missing.

    Args:
        plan: The pipeline.
        outputs: Where this run's artifacts lie.

    Raises:
        InputError: If a gate names a commit that there is not.
        StorageError: If a table of either run is damaged, or one of a commit can be had neither
            from DVC's cache nor from its remote.
    """
    found = {}
    for than in dict.fromkeys(gate.than for gate in plan.gates if gate.than):
        run = _accepted(plan, outputs) if than == LAST else _of_commit(plan, outputs, than)
        if run is not None:
            found[than] = run
    return found


def commits_named(plan: Plan) -> dict[str, str]:
    """Return what gates call commits, each with the line of the first gate that does."""
    named = reversed([gate for gate in plan.gates if gate.than not in ("", LAST)])
    return {gate.than: gate.line for gate in named}


def refuse_unknown_commits(plan: Plan) -> None:
    """Refuse a gate that compares with a commit that there is not, before anything is computed.

    Raises:
        InputError: If there is one.
    """
    for than in commits_named(plan):
        _revision(plan, than).close()


def _accepted(plan: Plan, outputs: Path) -> EarlierRun | None:
    past = accepted_run(plan.root, plan.name)
    if past is None or not past.result.is_file():
        return None
    changes = changes_since(past_run(past), plan, outputs, than=LAST)
    return EarlierRun("the last accepted run", changes)


def _of_commit(plan: Plan, outputs: Path, than: str) -> EarlierRun:
    with closing(_revision(plan, than)) as revision:
        name = f"{than} ({revision.commit[:_COMMIT_DIGITS]})"
        if plan.name not in revision.pipelines:
            return EarlierRun(
                name,
                f"it has no results of {plan.name}; run the pipeline there and commit dvc.lock",
            )
        run = revision_run(revision, plan.name)
        return EarlierRun(name, changes_since(run, plan, outputs, than=than))


def _revision(plan: Plan, than: str) -> Revision:
    from adversity_flows.dvc.revision import Revision

    found = Revision.named(plan.root, than)
    if found is None:
        raise InputError(
            f"{commits_named(plan)[than]}: expected `last`, or a branch, a tag or a commit that git "
            f"knows here, got {than!r}; correct it, or fetch it: `git fetch --tags`"
        )
    return found
