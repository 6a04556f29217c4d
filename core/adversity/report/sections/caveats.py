"""The section with every caveat that does not void a figure: those stand at the top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.sections.register import section
from adversity.report.sections.summary import caveat_texts
from adversity.report.values.blocks import Section

if TYPE_CHECKING:
    from adversity.report.values.model import Report

__all__ = ["caveat_section"]


@section(order=1100)
def caveat_section(report: Report) -> Section | None:
    """List the caveats; None where there are none."""
    caveats = caveat_texts(report, void=False)
    return Section("caveats", "Caveats", caveats) if caveats else None
