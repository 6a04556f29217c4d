"""What one check of `adversity doctor` found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Check", "Level"]

Level = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found.

    Attributes:
        name: What was looked at.
        level: `ok`; `warning`: something is missing that not every run needs; `wrong`: runs fail.
        found: What is there.
        fix: The command or step that fixes it; empty if nothing is to be done.
    """

    name: str
    level: Level
    found: str
    fix: str = ""
