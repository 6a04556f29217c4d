"""The flow `scheduled_run`: one `adversity schedule run` in a process of its own.

Imported by Prefect in the process of a flow run, and by `schedule.py` when it serves; the only
module that imports Prefect at the top, since Prefect must find the flow in it by name.
"""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections import deque
from collections.abc import Sequence  # noqa: TC003  (Prefect evaluates the annotation)
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.errors import AdversityError
from adversity_flows.prefect_flows.begun_run import begin_run
from adversity_flows.prefect_flows.run_names import run_name
from adversity_flows.prefect_flows.server import own_environment
from adversity_flows.prefect_flows.settings import import_prefect
from adversity_flows.prefect_flows.states import state_of, verdict_message
from adversity_flows.runs.past_runs import read_run

import_prefect()

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State  # noqa: TC002  (Prefect evaluates the annotation)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["run_command", "scheduled_run", "verdict_said"]

# The console script may not be on the PATH of a service; its function always is importable.
RUN = "import sys; from adversity_flows.cli import main; sys.exit(main())"
STOP_SECONDS = 20  # a run that is to stop finishes its shards
LAST_LINES = 3
VERDICTS = {0, 1}  # exit codes of a run that came to a verdict


@flow(name="scheduled_run", flow_run_name=run_name, persist_result=False)
def scheduled_run(root: str, pipeline: str, changes: Sequence[str] = ()) -> State[Any]:
    """Look at a pipeline once and end in the state that the exit code of the look means.

    Args:
        root: The project's folder.
        pipeline: The pipeline file, relative to it.
        changes: Values set in the worktree's file first, as `--set` takes them.
    """
    log = get_run_logger()
    _show_no_tracebacks()
    _outlive_listeners()
    begin_run(Path(root))
    settings = [word for change in changes for word in ("--set", change)]
    code, last = run_command(
        [sys.executable, "-c", RUN, "schedule", "run", pipeline, "--prefect", *settings],
        Path(root),
        lambda line: log.info("%s", line),
    )
    return state_of(code, verdict_said(Path(root), last) if code in VERDICTS else last)


def _show_no_tracebacks() -> None:
    """Keep Prefect from tracing a failed state through its own code on the terminal."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(lambda record: record.levelno < logging.ERROR)


def _outlive_listeners() -> None:
    """Go on where the worker that reads our output is killed; rich would end this process."""
    for name in ("", "prefect", "prefect.flow_runs"):
        for handler in logging.getLogger(name).handlers:
            console = getattr(handler, "console", None)
            if console is not None:
                console.on_broken_pipe = partial(_fall_silent, console)


def _fall_silent(console: Any) -> None:
    console.quiet = True


def run_command(command: list[str], root: Path, say: Callable[[str], None]) -> tuple[int, str]:
    """Run a command in a project, and end it if this process is to stop.

    Args:
        command: Program and arguments.
        root: The folder it runs in.
        say: Told every line that it writes.

    Returns:
        Its exit code and the last lines that it wrote.
    """
    last: deque[str] = deque(maxlen=LAST_LINES)
    process = subprocess.Popen(
        command,
        cwd=root,
        env=own_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        for line in process.stdout or ():
            if text := line.rstrip():
                say(text)
                last.append(text)
        return process.wait(), "\n".join(last)
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Leave no run behind: ask it to stop, then make it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


def verdict_said(root: Path, last: str) -> str:
    """Return the verdict of the run that the command's last lines name; else those lines.

    Args:
        root: The project's folder.
        last: The last lines that `adversity schedule run` wrote.
    """
    named = re.findall(r"report: runs/([^/\s]+)/", last)
    try:
        past = read_run(root, named[-1]) if named else None
    except AdversityError:  # a damaged manifest
        past = None
    if past is None:
        return last
    return verdict_message(past.manifest["verdict_line"], past.manifest.get("problems", ()))
