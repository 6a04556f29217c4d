"""Where a run reads and writes, and what its files are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.pipeline.plan.model import Cell

__all__ = ["Workspace", "slug"]


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where a run reads and writes.

    Attributes:
        root: The project: data and pipelines lie under it.
        outputs: Under which `Stage.out` and `Stage.metrics` lie; the root, but for
            `adversity.run(into=...)`.
        store: The content-addressed store.
        processors: Types of the processors that compute, where other machines do; of more than
            one, nobody knows which computed what.
    """

    root: Path
    outputs: Path
    store: Path
    processors: tuple[str, ...] = ()

    @classmethod
    def of(cls, root: Path) -> Workspace:
        """Return the usual workspace of a project."""
        return cls(root, root, root / ".adversity" / "store")


def slug(cell: Cell) -> str:
    """Return the cell's key as a file name: `severity=3,eps=4%2F255`, or `all`."""
    return quote(cell.key, safe="=,.") or "all"
