"""The flow `scheduled_run`: one `adversity run` in a process of its own, for the schedule.

Imported by Prefect in the process of a flow run, and by `schedule.py` when it serves; the only
module that imports Prefect at the top, since Prefect must find the flow in it by name.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity_flows.exit_codes import INTERRUPTED
from adversity_flows.prefect_settings import import_prefect
from adversity_flows.server import own_environment

import_prefect()

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State  # noqa: TC002  (Prefect evaluates the annotation)
from prefect.states import Cancelled, Completed, Failed

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["run_command", "scheduled_run", "state_of"]

# The console script may not be on the PATH of a service; its function always is importable.
RUN = "import sys; from adversity_flows.cli import main; sys.exit(main())"
STOP_SECONDS = 20  # a run that is told to stop finishes its shards
LAST_LINES = 3


@flow(name="scheduled_run", persist_result=False)
def scheduled_run(root: str, pipeline: str) -> State[Any]:
    """Run a pipeline as `adversity run` does and end in the state that its exit code means.

    Args:
        root: The project's folder.
        pipeline: The pipeline file, relative to it.
    """
    log = get_run_logger()
    _show_no_tracebacks()
    code, last = run_command(
        [sys.executable, "-c", RUN, "run", pipeline], Path(root), lambda line: log.info("%s", line)
    )
    return state_of(code, last)


def _show_no_tracebacks() -> None:
    """Keep Prefect from tracing a failed state through its own code on the terminal."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(lambda record: record.levelno < logging.ERROR)


def run_command(command: list[str], root: Path, say: Callable[[str], None]) -> tuple[int, str]:
    """Run a command in a project, and end it if this process is told to stop.

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


def state_of(code: int, last: str) -> State[Any]:
    """Return the Prefect state that an exit code of `adversity run` means.

    Args:
        code: 0 done, 1 a gate failed, 2 wrong input, 130 interrupted, 3 and others a failed run.
        last: What the run said at its end.
    """
    message = f"exit code {code}: {last}" if last else f"exit code {code}"
    if code == 0:
        return Completed(message=message)
    if code == INTERRUPTED:
        return Cancelled(name="Interrupted", message=message)
    name = {1: "GateFailed", 2: "WrongInput"}.get(code, "RunFailed")
    return Failed(name=name, message=message)
