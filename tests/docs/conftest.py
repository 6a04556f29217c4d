"""Reading the fenced blocks of a page, for every test of the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_NOTE = re.compile(r"<!-- (not run|file|end of|exit): (.+?) -->")


@dataclass
class Block:
    """A fenced block: what it is, where it stands, and what the comments above it say."""

    language: str
    line: int
    text: str
    notes: dict[str, str] = field(default_factory=dict)


def _blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page, in order."""
    notes: dict[str, str] = {}
    inside: Block | None = None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if inside is not None:
            if line.startswith("```"):
                yield inside
                inside, notes = None, {}
            else:
                inside.text += line + "\n"
        elif line.startswith("```"):
            inside = Block(line[3:].strip(), number, "", notes)
        elif found := _NOTE.fullmatch(line.strip()):
            notes[found[1]] = found[2]
        elif line.strip():
            notes = {}


@pytest.fixture(scope="session")
def blocks_of() -> Callable[[Path], Iterator[Block]]:
    """Return the function that reads a page."""
    return _blocks
