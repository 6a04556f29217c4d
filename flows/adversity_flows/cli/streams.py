"""The standard streams of a process: closed ones, and standard error that nobody reads."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["settle_streams", "silence"]


def settle_streams() -> None:
    """Open closed streams on the null device; let standard error never end a command.

    Left closed, their numbers would be given to the next files that are opened, and what a
    library prints would land in those. What a run says of its progress is not worth the run: it
    goes on with its own exit code when the reader of standard error went away.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number
    sys.stdin = sys.stdin or io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
    sys.stdout = sys.stdout or _text(io.FileIO(1, "w", closefd=False), None)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(_Unread(2, "w", closefd=False), sys.stderr)


def _text(raw: io.FileIO, like: TextIO | None) -> TextIO:
    """Return a stream for text, with encoding and errors of another one."""
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=like.encoding if like else "utf-8",
        errors=like.errors if like else "backslashreplace",
        line_buffering=True,
    )


def silence(number: int) -> None:
    """Let nothing more go to a stream that takes nothing, the interpreter's last flush included."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)


class _Unread(io.FileIO):
    """A file of which nothing is demanded: once it takes no more, the rest is dropped."""

    def write(self, data: bytes) -> int | None:  # type: ignore[override]
        """Write, or drop."""
        try:
            return super().write(data)
        except OSError:
            silence(self.fileno())
            return len(data)
