"""Text that strangers wrote, made fit for our messages: one line, printable, short.

Names, docstrings and exceptions of a plugin reach a terminal, JSON and pages. Quoted here,
they cannot colour a terminal, break a line, turn the direction of writing or fail to encode.
"""

from __future__ import annotations

import traceback
from pathlib import Path

__all__ = ["error_text", "shown", "trace_text", "visible", "where_raised"]

_LONGEST = 300
"""Characters of an exception's text; some libraries put whole pages into theirs."""


def visible(text: str) -> str:
    r"""Return text with everything unprintable written as an escape.

    Example:
        >>> visible("red \x1b[31m")
        'red \\x1b[31m'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def error_text(error: BaseException, *, longest: int | None = _LONGEST) -> str:
    """Return an exception on one line, even if its own text fails.

    Args:
        error: What was raised.
        longest: Characters that are kept; all of them if None.
    """
    text = " ".join(traceback.format_exception_only(error)[-1].split())
    # pydantic ends its texts with a link to its own pages, which would hide our remedy.
    text = visible(text).split(" For further information visit ")[0]
    return text if longest is None or len(text) <= longest else f"{text[: longest - 1]}…"


def trace_text(error: BaseException) -> str:
    """Return the traceback of an exception, its lines kept and printable."""
    lines = "".join(traceback.format_exception(error)).split("\n")
    return "\n".join(visible(line) for line in lines)


def where_raised(error: BaseException, module: str) -> str:
    """Return ` (file, line n)` of the last line of a package that led to an exception, or nothing.

    Args:
        error: What was raised, perhaps deep inside a library.
        module: A module of the package whose author is to look.
    """
    if isinstance(error, SyntaxError):
        file, line = error.filename or "", error.lineno
    else:
        top = module.partition(".")[0]
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if top in Path(frame.filename).with_suffix("").parts
        ]
        if not frames:
            return ""
        file, line = frames[-1].filename, frames[-1].lineno
    return f" ({visible(Path(file).name)}, line {line})" if file and line else ""


def shown(item: object) -> str:
    """Show a foreign object shortly; its own `repr` may fail."""
    try:
        text = repr(item)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  (a foreign repr must not hide the report)
        text = "an object whose repr fails"
    return f"{visible(text[:60])} ({visible(type(item).__name__)})"
