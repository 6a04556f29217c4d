"""A source's text without what computes nothing: the same program, and all of it."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import adversity
from adversity.source_text import computing_text, nodes_of

SAID = '''"""A module."""

import math  # for the root


class Root:
    """What it is.

    Of more lines.
    """

    steps = 3
    """How many."""

    def of(self, value):
        "One line."
        # Why.
        text = """kept  

        # kept"""
        return math.sqrt(value), text, f"""{value}

        # kept"""
'''
BARE = '''import math
class Root:
    steps = 3
    def of(self, value):
        text = """kept  

        # kept"""
        return math.sqrt(value), text, f"""{value}

        # kept"""'''


def test_only_what_computes_is_left() -> None:
    """Comments, docstrings and empty lines go; strings that are values stay to the last blank."""
    assert computing_text(SAID.encode()) == BARE.encode()


@pytest.mark.parametrize(
    "change",
    [
        ("for the root", "for another"),
        ("Of more lines.", "Of more lines.\n\n    And more."),
        ("How many.", "How many, and ä."),
        ("        # Why.\n", ""),
        ("\n\n\nclass", "\n\nclass"),
        ("\n", "\r\n"),
    ],
)
def test_what_is_only_said_changes_nothing(change: tuple[str, str]) -> None:
    """Another comment, docstring, spacing or line end is the same text."""
    assert SAID.replace(*change) != SAID
    assert computing_text(SAID.replace(*change).encode()) == BARE.encode()


@pytest.mark.parametrize(
    "change", [("steps = 3", "steps = 4"), ("kept  ", "kept "), ('"""{', '"""\n{')]
)
def test_what_computes_changes_the_text(change: tuple[str, str]) -> None:
    """Another number, or another blank inside a value, is another text."""
    assert computing_text(SAID.replace(*change).encode()) != BARE.encode()


def _meaning(source: bytes) -> str:
    """Return the syntax tree without strings that stand alone: an independent reading."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if isinstance(body, list):
                kept = [
                    one
                    for one in body
                    if not (
                        isinstance(one, ast.Expr)
                        and isinstance(one.value, ast.Constant)
                        and isinstance(one.value.value, str)
                    )
                ]
                setattr(node, field, kept or [ast.Pass()])
    return ast.dump(tree)


def _files() -> list[Path]:
    """Return our own files and some of Python's own."""
    ours = sorted(Path(str(adversity.__file__)).parent.rglob("*.py"))[::8]
    theirs = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    return ours + theirs[::16]


def test_real_files_mean_the_same_without() -> None:
    """In dozens of real files the tree without docstrings is that of the original."""
    import re

    for file in _files():
        source = file.read_bytes()
        text = computing_text(source)
        try:
            left = _meaning(text)
        except SyntaxError:
            # A body of nothing but a docstring is empty now: it computes nothing.
            lines = re.sub(rb"(?m)^(\s*)(class|def|async def)\b", rb"\1\2", text)
            assert lines, file
            continue
        assert left == _meaning(source), file


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_anything_has_a_text(source: bytes) -> None:
    """What is no Python is taken as it is; nothing is an error, and a text is its own text."""
    assert computing_text(computing_text(source)) == computing_text(source)


def test_other_encodings_are_read() -> None:
    """A source that names its encoding is cut at the right places."""
    source = '# coding: latin-1\nx = "é"  # é\n"é"\n'.encode("latin-1")
    assert computing_text(source) == 'x = "é"'.encode()


def test_nodes_of_are_those_of_a_whole_walk() -> None:
    """All are reached but names, operators and contexts, whichever field they lie in."""
    left_out = ast.expr_context | ast.operator | ast.unaryop | ast.cmpop | ast.boolop | ast.alias
    sources = [file.read_bytes() for file in _files()[::4]]
    for source in (*sources, b"match a:\n  case {'b': 'c', **d} | E('f', g='h'): pass"):
        tree = ast.parse(source)
        whole = {id(node) for node in ast.walk(tree) if not isinstance(node, left_out)}
        assert {id(node) for node in nodes_of(tree)} == whole
