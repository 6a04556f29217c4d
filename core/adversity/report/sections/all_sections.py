"""The sections of a report, found and in their order; those with nothing to say are left out."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from adversity.report import sections
from adversity.report.sections.register import IMAGES, registered
from adversity.report.sections.summary import summary_charts
from adversity.report.values.blocks import Chart, Section, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adversity.report.values.blocks import Block
    from adversity.report.values.model import Report

__all__ = ["all_charts", "background", "evidence"]


def evidence(report: Report) -> tuple[Section, ...]:
    """Return the sections before the example images: numbers and charts."""
    return _said(report, behind=False)


def background(report: Report) -> tuple[Section, ...]:
    """Return the sections behind the images: caveats, data, cost, method, raw numbers."""
    return _said(report, behind=True)


def all_charts(report: Report) -> tuple[Chart, ...]:
    """Return every chart of the report in order, each once."""
    parts = (*evidence(report), *background(report))
    return (*summary_charts(report), *(chart for part in parts for chart in part.charts()))


def _said(report: Report, *, behind: bool) -> tuple[Section, ...]:
    """Return what the sections on one side of the images say."""
    _find()
    said = (item.says(report) for item in registered() if (item.order > IMAGES) is behind)
    return _distinct(part for part in said if part is not None)


@lru_cache(maxsize=1)
def _find() -> None:
    """Import each module of this folder in the order of names, so that all are registered."""
    for name in sorted(module.name for module in iter_modules(sections.__path__)):
        import_module(f"{sections.__name__}.{name}")


def _distinct(parts: Iterable[Section]) -> tuple[Section, ...]:
    """Number the ids of blocks that would be equal: names in any script can share a slug."""
    seen: set[str] = set()

    def own(block: Block) -> Block:
        if not isinstance(block, Chart | Table):
            return block
        name, count = block.id, 1
        while name in seen:
            count += 1
            name = f"{block.id}-{count}"
        seen.add(name)
        return replace(block, id=name)

    return tuple(replace(part, blocks=[own(block) for block in part.blocks]) for part in parts)
