"""One scheduled look at a pipeline, from the lease to the line that tells of it."""

from __future__ import annotations

import secrets
import time
from contextlib import AbstractContextManager, chdir, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.errors import RunError
from adversity.pipeline.read.load import load_pipeline
from adversity.report import verdict
from adversity_flows.exit_codes import FAILED
from adversity_flows.runs.looks import Look, write_look
from adversity_flows.runs.past_runs import FOLDER, PAGE, keep_from_git
from adversity_flows.scheduled.branch import ResultsBranch
from adversity_flows.scheduled.dead_look import dead_look
from adversity_flows.scheduled.git import Git, GitError
from adversity_flows.scheduled.lease import HeldError, Lease, state_folder
from adversity_flows.scheduled.left_results import as_its_results_say
from adversity_flows.scheduled.lent_runs import lend_runs
from adversity_flows.scheduled.prepared import planned, prepare
from adversity_flows.scheduled.published import (
    Remotes,
    commit_results,
    not_pushed,
    push_results,
)
from adversity_flows.scheduled.revision import (
    changed_files,
    found_revision,
    remote_of,
    remotes_of,
)
from adversity_flows.scheduled.workspace import Worktree, bring_home, worktree_of
from adversity_flows.session import RunOptions, run_plan
from adversity_flows.steps.watch import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adversity.pipeline.plan.model import Plan
    from adversity.pipeline.read.spec import ScheduleSpec
    from adversity_flows.runs.finished_run import FinishedRun
    from adversity_flows.steps.watch import Watcher

__all__ = ["LookOptions", "look_at", "new_look"]


def _unwatched(_: Plan) -> AbstractContextManager[Watcher]:
    return nullcontext(Silent())


@dataclass(frozen=True, slots=True)
class LookOptions:
    """How a look is to be done.

    Attributes:
        rev: The revision; that of the schedule if None.
        strict: An undecided gate fails; as the schedule says if None.
        push: Results go to the remotes; as the schedule says if None.
        prefect: Show the steps in Prefect.
        changes: Values that are written into the worktree's pipeline file first: a trial, whose run
            is kept here and stands on no branch.
        command: How it was called, for the run's manifest.
        say: Told what is done, a line each.
        watching: Lends who looks on while a plan runs.
        ended: Told of every look that ended, also of one that was killed before this one.
        name: The id of the look, from who waits for it; a new one if empty.
    """

    rev: str | None = None
    strict: bool | None = None
    push: bool | None = None
    prefect: bool = False
    changes: Sequence[str] = ()
    command: str = "adversity schedule run"
    say: Callable[[str], None] = lambda _: None
    watching: Callable[[Plan], AbstractContextManager[Watcher]] = field(default=_unwatched)
    ended: Callable[[Look], None] = lambda _: None
    name: str = ""


def look_at(root: Path, file: str, options: LookOptions) -> Look:
    """Look at a pipeline once: run what its revision is now, and leave a line that says how it went.

    Args:
        root: The project's folder; nothing in it changes but `runs/`, `.adversity` and DVC's cache.
        file: The pipeline file, relative to it.
        options: How.

    Returns:
        How it ended, also where another look is at work.

    Raises:
        AdversityError: If it came to no verdict; the line says so, too.
        KeyboardInterrupt: Likewise.
    """
    started = time.time()
    look = new_look(file, options.name)
    taken = _Look(root, file, options, look)
    try:
        taken.go()
    except HeldError as error:
        taken.ends(outcome="left out", verdict=str(error))
    except BaseException as error:
        taken.failed(error)
        raise
    finally:
        look = replace(taken.look, seconds=round(time.time() - started, 3))
        _leave(root, look, options)
    return look


def new_look(file: str, name: str = "") -> Look:
    """Return a look that begins now.

    Args:
        file: The pipeline file.
        name: Its id; a new one if empty.
    """
    now = time.gmtime()
    return Look(
        id=name or f"{time.strftime('%Y%m%d-%H%M%S', now)}-{secrets.token_hex(2)}",
        pipeline=Path(file).stem,
        outcome="failed",
        verdict="",
        started=time.strftime("%Y-%m-%dT%H:%M:%SZ", now),
        seconds=0.0,
    )


def _leave(root: Path, look: Look, options: LookOptions) -> None:
    """Tell what became of a look: the one place where every look's end is known."""
    write_look(root, look)
    options.ended(look)


class _Look:
    """A look that is going on.

    Attributes:
        look: What is known of it so far.
    """

    def __init__(self, root: Path, file: str, options: LookOptions, look: Look) -> None:
        self.root, self.look = root, look
        self._file, self._options = file, options
        self._schedule: ScheduleSpec | None = None

    def ends(self, **known: object) -> None:
        """Note what is known."""
        self.look = replace(self.look, **known)  # type: ignore[arg-type]

    def failed(self, error: BaseException) -> None:
        """Note how it failed, if it did not end before."""
        code = getattr(error, "exit_code", FAILED)
        outcome = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        first = str(error).partition("\n")[0] or type(error).__name__
        self.ends(outcome="wrong input" if code == 2 else outcome, verdict=first)

    def go(self) -> None:
        """Take the lease, then do what there is to do."""
        spec = load_pipeline(Path(self._file), root=self.root).spec
        self._schedule = spec.schedule
        self.ends(pipeline=spec.name)
        git = Git(self.root)
        keep_from_git(self.root)
        folder = state_folder(self.root, spec.name)
        with Lease.take(folder, self.look.id, self.look.started) as lease:
            self._tell_of_the_dead(lease, git)
            rev = self._options.rev or (spec.schedule and spec.schedule.rev) or None
            revision = found_revision(git, rev)
            lease.names(revision.commit)
            self.ends(commit=revision.commit)
            self._say_of(git, revision.words)
            branch = ResultsBranch(git, spec.name)
            branch.refuse_checked_out()
            # DVC takes the names of files from the current folder when it asks git about them.
            with worktree_of(git, folder / "tree", revision) as tree, chdir(tree.root):
                remotes = Remotes.of(tree.root, self._remote(git, rev), push=self._pushes)
                self._catch_up(branch, remotes)
                plan = planned(tree, self._file, spec.name, self._options.changes)
                prepare(plan, tree, git, branch, say=self._options.say)
                accepted = lend_runs(branch, self.root, tree.root, plan.name, say=self._options.say)
                self.ends(accepted=accepted)
                finished = self._run(plan)
                lease.refuse_lost()
                self._conclude(tree, finished)
                self._publish(branch, plan, tree, remotes)

    def _tell_of_the_dead(self, lease: Lease, git: Git) -> None:
        """Leave the line of a look that could not leave it itself."""
        dead = lease.dead
        if dead is None:
            return
        self._options.say(f"! the look before this one was killed ({dead.words}); its work goes on")
        left = as_its_results_say(git, dead_look(dead, self.look.pipeline))
        _leave(self.root, left, self._options)

    def _say_of(self, git: Git, words: str) -> None:
        self._options.say(f"{self.look.pipeline} at {words}")
        changed = changed_files(git)
        if changed:
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            self._options.say(
                f"! {changed[0]}{more} changed since the last commit: a scheduled run takes commits "
                "only; commit the change to have it run"
            )

    def _remote(self, git: Git, rev: str | None) -> str | None:
        """Return git's remote for results: that of the revision, or that of the branch."""
        named = (rev or "").partition("/")[0]
        return named if rev and named in remotes_of(git) else remote_of(git)

    def _catch_up(self, branch: ResultsBranch, remotes: Remotes) -> None:
        """Take in the results of other machines, if their remote answers."""
        if remotes.git is None:
            return
        try:
            branch.catch_up(remotes.git)
        except GitError as error:
            self._options.say(f"! {error}: compared with the results that are known here")

    def _run(self, plan: Plan) -> FinishedRun:
        options = RunOptions(
            direct=not self._options.prefect,
            strict=self._is_strict,
            command=self._options.command,
        )
        with self._options.watching(plan) as watcher:
            return run_plan(plan, watcher, options, warn=self._options.say)

    def _conclude(self, tree: Worktree, finished: FinishedRun) -> None:
        """Bring the run home, and note its verdict."""
        moved = bring_home(self.root, tree.root)
        run = moved.get(finished.past.id, finished.past.id)
        _, line = verdict(finished.report)
        self.ends(
            outcome="gate failed" if finished.exit_code else "done",
            verdict=line,
            run=run,
            report=f"runs/{run}/{PAGE}",
            repeated=finished.repeated,
            gates_failed=tuple(
                gate.text for gate in finished.report.gates if gate.verdict in ("fail", "error")
            ),
            accepted=run if finished.accepted and not self._options.changes else self.look.accepted,
        )

    def _publish(self, branch: ResultsBranch, plan: Plan, tree: Worktree, remotes: Remotes) -> None:
        """Commit the run, then push it; a remote that does not take it costs no result."""
        if self._options.changes:
            self._options.say(f"values were set: the run is not added to {branch.name}")
            return
        commit = commit_results(
            branch,
            plan,
            tree.revision,
            self.root / FOLDER / self.look.run,
            accepted=self.look.accepted == self.look.run,
            index=state_folder(self.root, plan.name) / "index",
        )
        self._options.say(
            f"{branch.name}: {commit[:10]}, accepted run {self.look.accepted or 'none'}"
        )
        self.ends(results=commit)
        try:
            push_results(branch, plan, remotes, say=self._options.say)
        except RunError as error:
            why = not_pushed(error)
            self._options.say(f"! {why}")
            if self.look.outcome == "done":
                self.ends(outcome="not pushed", verdict=f"{self.look.verdict}; {why}")
        self.ends(results=branch.tip or commit)
        if remotes.any:
            self.ends(unpushed=len(branch.unpushed()))

    @property
    def _pushes(self) -> bool | None:
        if self._options.push is not None:
            return self._options.push
        return self._schedule.push if self._schedule else None

    @property
    def _is_strict(self) -> bool:
        if self._options.strict is not None:
            return self._options.strict
        return bool(self._schedule and self._schedule.strict)
