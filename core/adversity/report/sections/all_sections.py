"""The sections of a report, found and in their order; those with nothing to say are left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from adversity.errors import PluginError
from adversity.report import sections
from adversity.report.sections.register import FIRST, IMAGES, registered
from adversity.report.sections.story import story
from adversity.report.sections.summary import summary_charts
from adversity.report.values.blocks import Chart, Section, Table, Text

if TYPE_CHECKING:
    from adversity.report.sections.register import Registered
    from adversity.report.values.blocks import Block
    from adversity.report.values.model import Report

__all__ = ["Contents", "contents"]


@dataclass(frozen=True, slots=True)
class Contents:
    """All charts and sections of a report; no two charts, and no two tables, share an id.

    Attributes:
        story: What happened, in sentences.
        first: The sections of the first screen, before the gates.
        summary: The charts of the first screen.
        evidence: The sections before the example images: numbers and charts.
        background: The sections behind them: caveats, data, cost, method, raw numbers.
    """

    story: tuple[Text, ...]
    first: tuple[Section, ...]
    summary: tuple[Chart, ...]
    evidence: tuple[Section, ...]
    background: tuple[Section, ...]

    @property
    def sections(self) -> tuple[Section, ...]:
        """All sections behind the first screen, in order."""
        return (*self.evidence, *self.background)

    @property
    def charts(self) -> tuple[Chart, ...]:
        """All charts in order, each once."""
        first = (chart for part in self.first for chart in part.charts())
        return (
            *first,
            *self.summary,
            *(chart for part in self.sections for chart in part.charts()),
        )


def contents(report: Report) -> Contents:
    """Return what a report is made of, beside its gates, texts and images.

    Raises:
        PluginError: If a section fails.
    """
    _find()
    distinct = _Distinct()
    summary = tuple(map(distinct.chart, summary_charts(report)))
    parts = [(item.order, _shown(item, report)) for item in registered()]
    shown = [(order, distinct.section(part)) for order, part in parts if part is not None]
    return Contents(
        story(report),
        tuple(part for order, part in shown if order <= FIRST),
        summary,
        tuple(part for order, part in shown if FIRST < order <= IMAGES),
        tuple(part for order, part in shown if order > IMAGES),
    )


def _shown(item: Registered, report: Report) -> Section | None:
    """Return what a section says; one that fails is named, since it fails every report."""
    try:
        return item.says(report)
    except Exception as error:
        raise PluginError(
            f"section {item.name} of the report raised {type(error).__name__}: {error}; "
            "report it to its author"
        ) from error


@lru_cache(maxsize=1)
def _find() -> None:
    """Import each module of this folder in the order of names, so that all are registered."""
    for name in sorted(module.name for module in iter_modules(sections.__path__)):
        import_module(f"{sections.__name__}.{name}")


class _Distinct:
    """Numbers the ids of blocks that would be equal: names in any script can share a slug."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def section(self, part: Section) -> Section:
        """Return a section whose blocks have ids of their own."""
        return replace(part, blocks=[self._block(block) for block in part.blocks])

    def chart(self, chart: Chart) -> Chart:
        """Return a chart with an id of its own."""
        return replace(chart, id=self._free(chart.id))

    def _block(self, block: Block) -> Block:
        if isinstance(block, Chart):
            return self.chart(block)
        return replace(block, id=self._free(block.id)) if isinstance(block, Table) else block

    def _free(self, id_: str) -> str:
        name, count = id_, 1
        while name in self._seen:
            count += 1
            name = f"{id_}-{count}"
        self._seen.add(name)
        return name
