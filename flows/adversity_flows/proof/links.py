"""The links of the chain that made a number: what each is, with its parameters and its hash."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from adversity.pipeline.plan.in_versions import versions_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from adversity.contracts import MetricBase
    from adversity.pipeline.plan.model import Cell, Plan, PlannedData, PlannedStep
    from adversity_flows.proof.subject import Subject
    from adversity_flows.runs.figure import Figure

__all__ = ["Link", "links_of", "metric_of"]


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the chain.

    Attributes:
        name: The step or data set; the measure, for its metric.
        uses: Its plugin.
        parameters: The plugin's, with every default.
        hash: Of data its content's, else that of the plugin's source, as the run recorded it.
        fitted: Of a plugin that learned, the hash of what it found; empty for others.
    """

    name: str
    uses: str
    parameters: Mapping[str, Any]
    hash: str
    fitted: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def metric_of(plan: Plan, figure: Figure) -> MetricBase | None:
    """Return the metric that measured a number; None where the engine itself did."""
    planned = plan.steps[figure.step]
    if planned.role == "measure":
        return planned.plugins[planned.cells[0]]  # type: ignore[return-value]  # that is its role
    return next((one for one in plan.metrics if figure.name in one.declared()), None)


def links_of(
    subject: Subject, plan: Plan, figure: Figure, wanted: Mapping[str, Sequence[Cell]]
) -> list[Link]:
    """Return the links from the data to the number, in the order in which one rests on the other.

    Args:
        subject: The run.
        plan: Its pipeline.
        figure: The number.
        wanted: The cells, by step, whose tables it is made of: its own first, and those of the attacks
            that it is held against.
    """
    [cell, *others] = wanted[figure.step]
    starts = {plan.chain(name).start for name in _ends(plan, figure.step)}
    data = (one for start in starts for one in versions_in(plan.data, start, cell))
    links = [_of_data(subject, one) for one in sorted(data, key=lambda one: one.id)]
    links += [_of_step(subject, plan, step, cell) for step in _on_the_way(plan, figure.step)]
    compared = {figure.step: others} | {k: v for k, v in wanted.items() if k != figure.step}
    links += _beside(subject, plan, compared, {link.name for link in links})
    metric = metric_of(plan, figure)
    if metric is not None and plan.steps[figure.step].role != "measure":
        label = f"metric/{metric.name}"
        records = subject.resolved.get("metrics", {}).values()
        record: Mapping[str, Any] = next((one for one in records if one.get("plugin") == label), {})
        hash_ = str(record.get("fingerprint", ""))
        links.append(Link(figure.name, label, metric.parameters, hash_))
    return links


def _beside(
    subject: Subject, plan: Plan, wanted: Mapping[str, Sequence[Cell]], known: Collection[str]
) -> Iterator[Link]:
    """Yield the attacks that a number is held against, each behind what stands before it alone."""
    seen = set(known)
    for id_, cells in wanted.items():
        for cell in cells:
            for step in _on_the_way(plan, id_):
                name = f"{id_}[{cell.key}]" if step.id == id_ and cell.key else step.id
                if name not in seen:
                    seen.add(name)
                    yield replace(_of_step(subject, plan, step, cell), name=name)


def _on_the_way(plan: Plan, step: str) -> Iterator[PlannedStep]:
    """Yield the steps that images and answers go through, and of an attack its victim's links."""
    ends = _ends(plan, step)
    parts = dict.fromkeys(part.id for name in ends for part in plan.chain(name).parts)
    for part in list(parts):
        if plan.steps[part].role == "attack" and plan.steps[part].against is not None:
            parts |= dict.fromkeys(one.id for one in plan.victim(part).parts)
    yield from (one for id_, one in plan.steps.items() if id_ in parts and id_ != step)
    yield plan.steps[step]


def _ends(plan: Plan, step: str) -> tuple[str, ...]:
    """Return a step, and that whose table it is compared with."""
    planned = plan.steps[step]
    return (step, *planned.reads) if planned.role == "measure" else (step,)


def _of_data(subject: Subject, planned: PlannedData) -> Link:
    told: Mapping[str, Any] = next(
        (one for one in subject.run.result["data"] if one["id"] == planned.id), {}
    )
    parameters = {**planned.plugin.parameters, **planned.prepare}
    uses = f"{planned.entry.kind}/{planned.entry.name}"
    return Link(planned.id, uses, parameters, str(told.get("content", "")))


def _of_step(subject: Subject, plan: Plan, step: PlannedStep, cell: Cell) -> Link:
    definition = plan.steps[step.definition]
    own = definition.own(cell)
    plugin = definition.plugins.get(own) or next(iter(definition.plugins.values()))
    entry = definition.entry_of(own)
    record = subject.resolved.get("steps", {}).get(step.id, {})
    record = record.get("plugins", {}).get(entry.qualified, record)
    fitted = ""
    if definition.fit_on is not None:
        fitted = subject.hashes.get(plan.stage(definition.id).out, "")
    uses = f"{entry.kind}/{entry.name}"
    return Link(step.id, uses, plugin.parameters, str(record.get("fingerprint", "")), fitted)
