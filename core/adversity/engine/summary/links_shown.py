"""What the gradient of an attack goes through, link by link, as the report shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.contracts import PostHoc
from adversity.engine.chain.links import parts_of
from adversity.pipeline.plan.routes import every, route_of

if TYPE_CHECKING:
    from adversity.engine.chain.links import Link
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell, PlannedStep
    from adversity.report.values.model import StepSummary

__all__ = ["with_links"]


def with_links(toolbox: Toolbox, summary: StepSummary) -> StepSummary:
    """Add what the gradient of an attack goes through, which only plugins that are set up can say."""
    planned = toolbox.plan.steps[summary.id]
    if planned.role != "attack":
        return summary
    chain, steps = toolbox.plan.victim(planned.id), toolbox.plan.steps
    cells: dict[tuple[str, ...], Cell] = {}  # one for each of the plugins that take turns
    for cell in planned.cells:
        route = every(route_of(chain, cell, steps))
        cells.setdefault(tuple(one.step.entry_of(one.cell).qualified for one in route), cell)
    chains = [parts_of(toolbox.links(chain, cell)) for cell in cells.values()]
    shown: dict[tuple[str, str, str], None] = {
        (link.name, link.label, _gradient(link, planned)): None
        for links in zip(*chains, strict=True)
        for link in links
    }
    heads = ("step", "uses", "gradient")
    return replace(summary, links=tuple(dict(zip(heads, row, strict=True)) for row in shown))


def _gradient(link: Link, planned: PlannedStep) -> str:
    grey, plugin = planned.knowledge == "grey-box", link.ready.plugin
    if grey and (link.samples or link.makes != "predictions"):
        return "not seen by the attack (grey-box)"
    if not planned.goal.of_answer and link.step == planned.against:
        return (
            "exact, of the margin" if plugin.differentiable else "none (it is not differentiable)"
        )
    if link.makes == "scores" and not isinstance(plugin, PostHoc):
        return "none needed (a score does not change the answer)"
    return link.gradient
