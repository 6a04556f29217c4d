"""The sections of a report in their order; those with nothing to say are left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.report.sections.attacks import attack_section
from adversity.report.sections.data_and_uncertainty import (
    degradation_section,
    uncertainty_section,
)
from adversity.report.sections.defence_gap import illusion_section
from adversity.report.sections.method import cost_section, data_section, method_section, raw_section
from adversity.report.sections.restoration import restoration_section
from adversity.report.sections.summary import caveat_texts, headline_section, summary_charts
from adversity.report.values.blocks import Chart, Section, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.report.values.blocks import Block
    from adversity.report.values.model import Report

__all__ = ["all_charts", "background", "evidence"]


def evidence(report: Report) -> tuple[Section, ...]:
    """Return the sections before the pictures: numbers and charts."""
    made = (
        headline_section(report),
        degradation_section(report),
        restoration_section(report),
        uncertainty_section(report),
        attack_section(report),
        illusion_section(report),
    )
    return _distinct([section for section in made if section is not None])


def background(report: Report) -> tuple[Section, ...]:
    """Return the sections after the pictures: caveats, data, cost, method, raw numbers."""
    caveats = caveat_texts(report, void=False)
    made = (
        Section("caveats", "Caveats", caveats) if caveats else None,
        data_section(report),
        cost_section(report),
        method_section(report),
        raw_section(report),
    )
    return tuple(section for section in made if section is not None)


def all_charts(report: Report) -> tuple[Chart, ...]:
    """Return every chart of the report in order, each once."""
    charts = [*summary_charts(report)]
    for section in evidence(report):
        charts.extend(section.charts())
    return tuple(charts)


def _distinct(sections: Sequence[Section]) -> tuple[Section, ...]:
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

    return tuple(
        replace(section, blocks=[own(block) for block in section.blocks]) for section in sections
    )
