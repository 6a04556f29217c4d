"""What the tables say of a trap."""

from __future__ import annotations

from typing import NamedTuple


class Trap(NamedTuple):
    """What it is and where it was met, `project#issue`; what is done; node ids of tests."""

    what: str
    against: str
    tests: tuple[str, ...]
