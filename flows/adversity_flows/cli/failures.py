"""What a person sees when something goes wrong, and the exit code that says it to machines."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import tempfile
import time
import traceback
from typing import TYPE_CHECKING

import click

from adversity.errors import AdversityError, InputError, PipelineError
from adversity.registry.quoting import visible
from adversity_flows.cli.streams import silence
from adversity_flows.exit_codes import BROKEN_PIPE, FAILED, INTERRUPTED
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["debugging", "message_of", "run_guarded"]

_FULL = {errno.ENOSPC, errno.EDQUOT}
_LIMITS = {
    errno.EFBIG: "the limit of file sizes is reached; raise it (`ulimit -f`)",
    errno.EMFILE: "this process may open no more files; raise the limit (`ulimit -n`)",
    errno.ENFILE: "the machine may open no more files; end what is not needed",
    errno.ENAMETOOLONG: "a path is too long for the file system; move the project to a shorter one",
    errno.EIO: "the disk or its connection fails; look at the system's log",
}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_debug = False


def debugging(*, on: bool) -> None:
    """Show tracebacks of errors from now on, or do not."""
    global _debug  # it is read after click's context has ended
    _debug = on


def run_guarded(call: Callable[[], object]) -> int:
    """Run the command line; turn every way it can end into a message and an exit code.

    Args:
        call: Returns None for success, or an exit code.
    """
    debugging(on=False)
    try:
        _refuse_stripped_python()
        result = call()
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        if sys.stderr.isatty():
            _say("")  # the terminal's own ^C stands in the line
        _say("interrupted: what is finished is kept, the same command goes on from there")
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    except (Exception, SystemExit) as error:  # noqa: BLE001  (the last that can say something)
        return _failed(error)
    return result if isinstance(result, int) else 0


def _refuse_stripped_python() -> None:
    """Refuse `python -OO`: what draws a report reads the docstrings of its own library."""
    if sys.flags.optimize > 1:
        raise InputError(
            f"expected a Python with docstrings, got one at optimisation {sys.flags.optimize}; "
            "unset PYTHONOPTIMIZE or set it to 1"
        )


def message_of(error: AdversityError) -> str:
    """Write an error as people see it: one message, or a list of findings."""
    if isinstance(error, PipelineError) and len(error.findings) > 1:
        findings = "\n".join(f"  {visible(finding)}" for finding in error.findings)
        count = f"{'more than ' if error.more else ''}{len(error.findings)}"
        first = "; these were found first" if error.more else ""
        return f"error: {count} things are wrong{first}:\n{findings}"
    lines = error.findings if isinstance(error, PipelineError) else str(error).split("\n")
    return "error: " + "\n  ".join(visible(line) for line in lines)


def _failed(error: BaseException) -> int:
    """Say what went wrong and return the exit code of it."""
    if _debug:
        _say("".join(traceback.format_exception(error)).rstrip("\n"))
    if isinstance(error, AdversityError):
        _say(message_of(error))
        return error.exit_code
    if isinstance(error, OSError) and error.errno in _FULL:
        _say(f"error: the disk is full ({error}); make room and run again, what is finished stays")
        return FAILED
    if isinstance(error, OSError) and error.errno in _LIMITS:
        _say(f"error: {error}: {_LIMITS[error.errno]} and run again, what is finished stays")
        return FAILED
    if isinstance(error, OSError) and error.errno in _REFUSED:
        _say(
            f"error: cannot use {visible(str(error.filename))}: {error.strerror or error}; give the project "
            "rights to be written, or move it to another folder"
        )
        return FAILED
    first = next(iter(str(error).splitlines()), "")
    _say(f"internal error: {type(error).__name__}: {visible(first)}")
    _say(f"Please report it; details in {_write_log(error)}")
    return FAILED


def _write_log(error: BaseException) -> str:
    """Keep the traceback in a file and return where."""
    lines = [f"adversity {' '.join(sys.argv[1:])}\n", *traceback.format_exception(error)]
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    try:
        # A folder for all users: made anew under a name that nobody can prepare a link under.
        handle, path = tempfile.mkstemp(prefix=f"adversity-{stamp}-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as log:
            log.write(without_secrets("".join(lines)))
    except OSError:
        return "the traceback that --debug shows"
    return path


def _say(text: str) -> None:
    """Write to standard error, whatever it can show."""
    with contextlib.suppress(OSError):
        text = without_secrets(text)
        encoding = sys.stderr.encoding or "utf-8"
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _reader_gone() -> int:
    """Let nothing more go to the reader of standard output that went away."""
    with contextlib.suppress(OSError, ValueError):
        silence(sys.stdout.fileno())
    return BROKEN_PIPE
