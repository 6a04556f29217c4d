"""Text as Markdown that shows it as it is: no markup, no HTML, no edge of a table of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["code", "plain", "table", "written"]

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~$&])")
_BLOCK = re.compile(r"^(\d*)([-+=:.)])")
"""What would begin a list, a heading or a field at the beginning of a line."""
_CODE = re.compile(r"(`[^`]+`)")


def plain(text: str) -> str:
    r"""Return text on one line, every sign of markup escaped.

    Example:
        >>> plain("a | b <i> _c_")
        'a \\| b \\<i\\> \\_c\\_'
    """
    return _BLOCK.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", " ".join(text.split())))


def code(text: str) -> str:
    r"""Return text on one line in the type of code; a bar in it would end a table's cell.

    Example:
        >>> code("a|b")
        '`a\\|b`'
    """
    line = " ".join(text.split()).replace("|", "\\|")
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {line} {fence}" if longest else f"{fence}{line}{fence}"


def written(text: str) -> str:
    r"""Return text of ours on one line: what stands between backticks is code, the rest is plain.

    Example:
        >>> written("`a|b` holds for |x| < 1")
        '`a\\|b` holds for \\|x\\| \\< 1'
    """
    parts = _CODE.split(text)
    return "".join(
        code(part.strip("`")) if n % 2 else _spaced(part) for n, part in enumerate(parts)
    )


def _spaced(text: str) -> str:
    """Escape a part of a line; the spaces at its ends belong to the line."""
    return _MARKUP.sub(r"\\\1", re.sub(r"\s+", " ", text))


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a table.

    Args:
        head: The columns' titles, as Markdown.
        rows: Of cells that are Markdown already: `plain`, `code` or `written`.
    """
    titles = list(head)
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
