"""The section on what each step cost, and why it ran or did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.sections.register import section
from adversity.report.values.blocks import Section, Table
from adversity.report.words.wording import NOTHING, plural, seconds_text

if TYPE_CHECKING:
    from adversity.report.values.model import Report

__all__ = ["cost_section"]


@section(order=1300)
def cost_section(report: Report) -> Section | None:
    """Show what each step cost and why it ran or did not."""
    run = report.provenance
    if run is None or not run.outcomes:
        return None
    rows = tuple(
        (
            item.step,
            item.state,
            item.reason,
            seconds_text(item.seconds) if item.state != "cached" else NOTHING,
        )
        for item in run.outcomes
    )
    ran = sum(item.state == "ran" for item in run.outcomes)
    caption = f"{ran} of {plural(len(rows), 'step')} ran in {seconds_text(run.seconds)}."
    heads = ("step", "outcome", "reason", "time")
    table = Table("outcomes", caption, heads, rows, numeric=frozenset({"time"}))
    return Section("cost", "Cost", [table])
