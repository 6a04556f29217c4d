"""What the terminal can show: colour, a live block, width and signs."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import click

from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COLOURS", "Terminal"]

COLOURS = ("auto", "always", "never")
PIPED_WIDTH = 100
_PLAIN: dict[str, str | int | None] = {
    "✓": "+",
    "✗": "x",
    "▸": ">",
    "·": "-",
    "≥": ">=",
    "≤": "<=",
    "≈": "~",
    "→": "->",
    "…": "...",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
}
"""What is written where the encoding has no such sign."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """One output stream and what it can show.

    Attributes:
        stream: Where text goes.
        colour: Escape sequences are understood and welcome.
        tty: A person looks at it.
        live: A block may be drawn again and again.
        width: Columns.
        unicode: Signs such as ✓ can be written.
    """

    stream: IO[str]
    colour: bool
    tty: bool
    live: bool
    width: int
    unicode: bool

    @classmethod
    def of(cls, stream: IO[str] | None = None, *, colour: str = "auto") -> Terminal:
        """Look at a stream (standard error if not given) and at the environment.

        Args:
            stream: The stream.
            colour: `auto`, `always` or `never`; beats the environment.
        """
        stream = stream or sys.stderr
        tty = _isatty(stream)
        dumb = os.environ.get("TERM") == "dumb"
        return cls(
            stream=stream,
            colour=_wants_colour(colour, os.environ, tty=tty and not dumb),
            tty=tty,
            live=tty and not dumb and not os.environ.get("CI"),
            width=shutil.get_terminal_size().columns if tty else PIPED_WIDTH,
            unicode=_writes_signs(stream),
        )

    @classmethod
    def stdout(cls, *, colour: str = "auto") -> Terminal:
        """Look at standard output, where results go."""
        return cls.of(sys.stdout, colour=colour)

    def say(self, text: str = "") -> None:
        """Write a line."""
        text = without_secrets(text)
        shown = text if self.unicode else text.translate(str.maketrans(_PLAIN))
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        shown = shown.encode(encoding, "backslashreplace").decode(encoding)
        click.echo(shown, file=self.stream, color=self.colour)

    def paint(self, text: str, colour: str, *, bold: bool = False) -> str:
        """Return the text in a colour where there are colours; colour is never alone."""
        return click.style(text, fg=colour, bold=bold) if self.colour else text

    def dim(self, text: str) -> str:
        """Return the text less prominent where that can be shown."""
        return click.style(text, dim=True) if self.colour else text


def _wants_colour(choice: str, environment: Mapping[str, str], *, tty: bool) -> bool:
    if choice != "auto":
        return choice == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return tty


def _isatty(stream: IO[str]) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _writes_signs(stream: IO[str]) -> bool:
    try:
        "✓▸≥".encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
