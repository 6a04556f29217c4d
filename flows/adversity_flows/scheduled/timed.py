"""A look that must end in time: `schedule: {timeout: 2h}`.

It is done by a process of its own. The one that waits for it kills it when its time is over, with
all that it started, and leaves what the look cannot leave any more: the end of its run, and its line.
A look within one process could hold its own watch up.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adversity.errors import AdversityError, RunError
from adversity.pipeline.read.interval import interval_of
from adversity.pipeline.read.load import load_pipeline
from adversity_flows.exit_codes import FAILED, INTERRUPTED
from adversity_flows.runs.looks import past_looks, write_look
from adversity_flows.runs.past_runs import FOLDER, PAGE, note_end, read_run
from adversity_flows.runs.run_log import RunLog
from adversity_flows.scheduled.dead_look import dead_look
from adversity_flows.scheduled.git import Git
from adversity_flows.scheduled.lease import HeldError, Lease, state_folder
from adversity_flows.scheduled.left_results import as_its_results_say
from adversity_flows.scheduled.look import new_look
from adversity_flows.scheduled.process_tree import end_tree
from adversity_flows.scheduled.workspace import LENT, bring_home, remove_worktree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from adversity_flows.runs.looks import Look

__all__ = ["TimedOutError", "Timeout", "look_in_time", "name_from_outside", "timeout_of"]

STOP_SECONDS = 60.0
"""So long a look that is interrupted may take to end: its shards at work end first."""
_GIVEN = "ADVERSITY_LOOK"
"""Tells a look which id it has, and by which pipe it learns that nobody waits for it any more."""
_RUN = "import sys; from adversity_flows.cli import main; sys.exit(main())"


class TimedOutError(RunError):
    """A look took longer than its schedule allows, and was killed."""


@dataclass(frozen=True, slots=True)
class Timeout:
    """How long a look may take.

    Attributes:
        written: As the file says it: `2h`.
        seconds: Wall time.
        pipeline: The pipeline's name, kept in case somebody edits the file meanwhile.
    """

    written: str
    seconds: float
    pipeline: str


def timeout_of(root: Path, file: str) -> Timeout | None:
    """Return how long looks at a pipeline may take; None if for ever, or if nobody can tell.

    Args:
        root: The project's folder.
        file: The pipeline file, relative to it; what is wrong with it is for the look to say.
    """
    try:
        spec = load_pipeline(root / file, root=root).spec
    except AdversityError:
        return None
    written = spec.schedule and spec.schedule.timeout
    if not written:
        return None
    return Timeout(written, interval_of(written).total_seconds(), spec.name)


def name_from_outside() -> str:
    """Return the id that this process's look has from the one that waits for it; empty without.

    This process then ends with that one, as if it were killed itself.
    """
    pipe, _, name = os.environ.pop(_GIVEN, "").partition(":")
    if name:
        threading.Thread(target=_end_with, args=(int(pipe),), daemon=True).start()
    return name


def look_in_time(
    root: Path, file: str, timeout: Timeout, arguments: Sequence[str], ended: Callable[[Look], None]
) -> int:
    """Do a look in a process of its own, and kill it when its time is over.

    Args:
        root: The project's folder.
        file: The pipeline file, relative to it.
        timeout: How long it may take.
        arguments: Of the command line, which does the look.
        ended: Told of a look that was killed.

    Returns:
        The exit code of the look, also where this process was interrupted and passed that on.

    Raises:
        TimedOutError: It was killed. Its run says so, and so does its line.
        RunError: Somebody else killed it; the next look leaves its line.
    """
    look = new_look(file)
    process, mine = _started(look.id, arguments)
    try:
        code = process.wait(timeout.seconds)
    except subprocess.TimeoutExpired:
        _kill(process)
        return _cut_off(root, look, timeout, ended)
    except KeyboardInterrupt:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        return INTERRUPTED
    finally:
        _kill(process)
        os.close(mine)
    if code < 0:
        raise RunError(
            f"the look was killed (signal {-code}); run again: it goes on from finished shards"
        )
    return code


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        end_tree(process.pid)
        process.wait()


def _started(name: str, arguments: Sequence[str]) -> tuple[subprocess.Popen[bytes], int]:
    """Start the process of a look; return it with the end of the pipe that is open while we live."""
    theirs, mine = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", _RUN, *arguments],
            env=os.environ | {_GIVEN: f"{theirs}:{name}"},
            pass_fds=[theirs],
        )
    finally:
        os.close(theirs)
    return process, mine


def _end_with(pipe: int) -> None:
    os.read(pipe, 1)  # nobody writes: it returns when the other end is closed
    end_tree(os.getpid())


def _cut_off(root: Path, look: Look, timeout: Timeout, ended: Callable[[Look], None]) -> int:
    """Leave what a look that was killed could not; one that had left its line is as it said.

    One whose results stand on their branch came to a verdict, which its line and its exit code say.
    """
    name = timeout.pipeline
    why = (
        f"it took longer than schedule.timeout, {timeout.written}, and was ended with all that it had "
        "started; finished shards are kept, and the next look goes on from them"
    )
    folder = state_folder(root, name)
    try:
        with Lease.take(folder, look.id, look.started) as lease:
            if left := _line_of(root, name, look.id):
                return left.exit_code  # only telling of it took too long
            if lease.dead is not None and lease.dead.look != look.id:
                _leave(root, as_its_results_say(Git(root), dead_look(lease.dead, name)), ended)
            commit = lease.dead.commit if lease.dead and lease.dead.look == look.id else ""
            run = _end_runs(root, folder, why)
    except HeldError:  # the next look was faster: it healed this one, and told of it
        if _line_of(root, name, look.id):
            raise TimedOutError(_said(why)) from None
        commit = run = ""
    page = f"{FOLDER}/{run}/{PAGE}" if run and (root / FOLDER / run / PAGE).is_file() else ""
    took = round(time.time() - _begun(look), 3)
    left = replace(look, pipeline=name, outcome="timed out", verdict=why, seconds=took)
    found = as_its_results_say(Git(root), replace(left, commit=commit, run=run, report=page))
    _leave(root, found, ended)
    if found.outcome != "timed out":
        return found.exit_code
    raise TimedOutError(_said(why))


def _said(why: str) -> str:
    return f"the look timed out: {why}"


def _leave(root: Path, look: Look, ended: Callable[[Look], None]) -> None:
    write_look(root, look)
    ended(look)


def _line_of(root: Path, pipeline: str, name: str) -> Look | None:
    return next((one for one in past_looks(root, pipeline) if one.id == name), None)


def _end_runs(root: Path, folder: Path, why: str) -> str:
    """Say in the runs of a look's worktree how they ended, and bring them home; return the last."""
    git = Git(root)
    tree = folder / "tree"
    inside = tree / git.prefix
    error = TimedOutError(_said(why))
    for place in sorted((inside / FOLDER).glob("[0-9]*")):
        past = read_run(inside, place.name)
        if past is None or (place / LENT).exists() or past.manifest.get("state") != "running":
            continue
        RunLog(place).failed(error, FAILED)
        note_end(past, state="failed", error=str(error), exit_code=FAILED)
    moved = bring_home(root, inside) if inside.is_dir() else {}
    remove_worktree(git, tree)
    return max(moved.values(), default="")


def _begun(look: Look) -> float:
    from datetime import datetime

    return datetime.fromisoformat(look.started).timestamp()
