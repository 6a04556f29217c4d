"""What of a Python file computes: its text without comments, docstrings and empty lines.

Cut out by position, not taken from the syntax tree: a dump of the tree differs between versions
of Python, and two sources that compute the same have one text wherever they are read.
"""

from __future__ import annotations

import ast
import io
import tokenize
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["computing_text", "nodes_of", "plain_text"]

_Place = tuple[int, int]
"""Line and character, both from 0."""

_PLAIN = frozenset(
    [
        "arg",
        "asname",
        "attr",
        "conversion",
        "ctx",
        "id",
        "is_async",
        "kind",
        "kwd_attrs",
        "level",
        "module",
        "name",
        "names",
        "op",
        "ops",
        "rest",
        "simple",
        "tag",
        "type_comment",
        "type_ignores",
    ]
)
"""Fields in which no string and no call lies: names, numbers, contexts and operators."""


_FIELDS = {
    cls: tuple(field for field in cls._fields if field not in _PLAIN)
    for cls in vars(ast).values()
    if isinstance(cls, type) and issubclass(cls, ast.AST)
}


def nodes_of(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes of a tree, parents first, but for names, contexts and operators of others.

    As `ast.walk`, in a third of its time: a plan reads hundreds of files.
    """
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for field in _FIELDS[type(node)]:
            value = getattr(node, field, None)
            if type(value) is list:
                waiting += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST):
                waiting.append(value)


def plain_text(source: bytes) -> bytes:
    """Return a text without the marks of a platform: byte order mark and line ends."""
    return source.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")


@lru_cache(maxsize=1024)  # plugins share files
def computing_text(source: bytes) -> bytes:
    """Return a Python source without what changes no result.

    Cut out are comments, strings that stand alone as statements (docstrings, and what is said
    of an attribute below it), trailing blanks, and lines that are empty then. Strings that are
    values stay to the last byte, and so does a comment between the parts of one. What cannot be
    parsed stays as it is, but for the marks of a platform.

    Args:
        source: The file's bytes, of any platform.
    """
    plain = plain_text(source)
    try:
        text = plain.decode(tokenize.detect_encoding(io.BytesIO(plain).readline)[0])
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return plain
    # A newline alone ends a line, as for the parser: a form feed or U+2028 does not.
    lines = text.split("\n")
    alone, values = _strings(lines, tree)
    cuts = alone + _comments(lines, alone + values)
    inside = {line for (first, _), (last, _) in values if last > first for line in (first, last)}
    inside.update(line for (first, _), (last, _) in values for line in range(first + 1, last))
    for (first, start), (last, end) in sorted(cuts, reverse=True):
        left = lines[first][:start] + lines[last][end:]
        lines[first : last + 1] = [left] + [""] * (last - first)
    code_lines = [
        line if number in inside else line.rstrip()
        for number, line in enumerate(lines)
        if number in inside or line.strip()
    ]
    return "\n".join(code_lines).encode()


_Spans = list[tuple[_Place, _Place]]


def _strings(lines: list[str], tree: ast.Module) -> tuple[_Spans, _Spans]:
    """Return where strings stand alone as statements, and where they are values."""
    alone, values, docstrings = _Spans(), _Spans(), set[int]()
    for node in nodes_of(tree):  # parents first
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            if isinstance(node.value.value, str):
                docstrings.add(id(node.value))
                alone.append(_span(lines, node))
        elif isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str | bytes)
            and id(node) not in docstrings
        ):
            values.append(_span(lines, node))
    return alone, values


def _comments(lines: list[str], strings: _Spans) -> _Spans:
    """Return the comments: from the first `#` of a line that no string holds to its end."""
    spans = _Spans()
    for number, line in enumerate(lines):
        place = line.find("#")
        while place >= 0 and any(start <= (number, place) < end for start, end in strings):
            place = line.find("#", place + 1)
        if place >= 0:
            spans.append(((number, place), (number, len(line))))
    return spans


def _span(lines: list[str], node: ast.stmt | ast.expr) -> tuple[_Place, _Place]:
    last = (node.end_lineno or node.lineno) - 1
    start = _character(lines[node.lineno - 1], node.col_offset)
    return (node.lineno - 1, start), (last, _character(lines[last], node.end_col_offset or 0))


def _character(line: str, byte: int) -> int:
    """Return the character at a place that the parser counts in bytes of UTF-8."""
    return byte if line.isascii() else len(line.encode()[:byte].decode())
