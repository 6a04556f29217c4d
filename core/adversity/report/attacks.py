"""The section on attacks: the threat model in words, robust accuracy against the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.report.blocks import Block, Section, Table, Text
from adversity.report.curves import intervals_in_words, line_charts, row_chart
from adversity.report.reading import across, matching, panel, record, slug
from adversity.report.wording import (
    NOTHING,
    cell_text,
    eps_text,
    measure_name,
    measure_text,
    parse_number,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.contracts.values import Measure
    from adversity.report.blocks import Chart
    from adversity.report.model import Report, StepSummary

__all__ = ["attack_section"]

_NORMS = {"linf": "L∞", "l2": "L2", "l1": "L1"}
_OPTIONS = ("steps", "step_size", "random_start", "restarts", "targeted", "target", "loss")


def attack_section(report: Report) -> Section | None:
    """Say who attacked what with which budget, and what was left of the accuracy."""
    attacks = [step for step in report.steps if step.kind == "attack" and step.cells]
    if not attacks:
        return None
    blocks: list[Block] = [*_curves(report, attacks)]
    for step in attacks:
        blocks.append(_threat(report, step))
        if step.links and not _is_control(step):
            blocks.append(_links(step))
    blocks.append(_results(report, attacks))
    return Section("attacks", "Attacks", blocks)


def _curves(report: Report, attacks: Sequence[StepSummary]) -> Iterator[Chart]:
    """Draw robust accuracy against eps, a chart for each norm, with the clean accuracy at 0."""
    for norm in dict.fromkeys(str(step.threat.get("norm", "")) for step in attacks):
        own = [step for step in attacks if str(step.threat.get("norm", "")) == norm]
        axis = across((cell for step in own for cell in step.cells), "eps")
        records, measures = _points(report, own, axis, norm)
        name = _NORMS.get(norm, norm) or "attack"
        if not records:
            continue
        key = slug(f"robust-accuracy-{norm}")
        if axis is None or len({item["x"] for item in records}) < 2:
            rows = [(plain(label), measure) for label, measure in measures]
            yield row_chart(key, "robust accuracy", rows)
            continue
        unit = f"{name} budget eps, in 1/255" if axis == "eps" and norm == "linf" else plain(axis)
        yield from line_charts(
            records,
            key=key,
            title=f"Robust accuracy by {axis} ({name})",
            x=f"{unit} (0: not attacked)" if axis == "eps" else unit,
            y="robust accuracy",
            intervals=intervals_in_words([measure for _, measure in measures]),
        )


def _points(
    report: Report, attacks: Sequence[StepSummary], axis: str | None, norm: str
) -> tuple[list[dict[str, Any]], list[tuple[str, Measure]]]:
    """Collect chart records and labelled measures, the unattacked accuracy at 0 included."""
    factor = 255.0 if axis == "eps" and norm == "linf" else 1.0
    records: list[dict[str, Any]] = []
    measures: list[tuple[str, Measure]] = []
    begun: set[str] = set()
    for step in attacks:
        for cell in step.cells:
            measure = cell.measures.get("robust_accuracy")
            if measure is None:
                continue
            series = ", ".join(part for part in (_name(step), panel(cell.cell, axis)) if part)
            clean = unattacked(report, step, cell.cell)
            if series not in begun and clean is not None and axis == "eps":
                records.append(record(clean, series=series, x=0.0))
                measures.append((f"{series}, not attacked", clean))
            begun.add(series)
            x = parse_number(cell.cell.get(axis, "")) if axis else 0.0
            if x is not None:
                records.append(record(measure, series=series, x=round(x * factor, 6)))
                measures.append((", ".join([_name(step), cell_text(cell.cell)]), measure))
    return records, measures


def unattacked(report: Report, step: StepSummary, cell: Any) -> Measure | None:
    """Return the accuracy of the attacked step in the same cell, before the attack."""
    by_id = {item.id: item for item in report.steps}
    current = by_id.get(step.against or "")
    seen: set[str] = set()
    while current is not None and current.id not in seen:
        seen.add(current.id)
        found = matching(current, cell)
        if found is not None and "accuracy" in found.measures:
            return found.measures["accuracy"]
        current = by_id.get(current.source[0]) if current.source else None
    return None


def _name(step: StepSummary) -> str:
    method = step.uses.partition("/")[2] or step.uses
    knowledge = f", {step.knowledge}" if step.knowledge and not _is_control(step) else ""
    return plain(f"{step.id} ({method}{knowledge})")


def _threat(report: Report, step: StepSummary) -> Text:
    """Write the threat model as a paragraph."""
    norm = str(step.threat.get("norm", ""))
    eps = str(step.threat.get("eps", ""))
    values = report.matrix.get(eps[1:], ()) if eps.startswith("$") else ((eps,) if eps else ())
    budget = ", ".join(eps_text(value, norm) for value in values)
    start = step.source[0] if step.source else (step.path[-2] if len(step.path) > 1 else "data")
    words = [
        (
            f"{step.uses} changes the pictures of {start} to change the answer of "
            f"{step.against or 'the classifier'}."
        ),
        f"Budget: {_NORMS.get(norm, norm)} norm of at most {budget}, on the [0, 1] scale."
        if norm and budget
        else "",
        _settings(step),
        _knowledge(step),
        *step.notes,
    ]
    return Text(plain(" ".join(word for word in words if word)), lead=plain(f"{step.id}."))


def _is_control(step: StepSummary) -> bool:
    return step.uses.endswith("/random_noise")


def _settings(step: StepSummary) -> str:
    parameters = step.cells[0].parameters if step.cells else {}
    said = [
        f"{name.replace('_', ' ')}: {str(parameters[name]).lower()}"
        for name in _OPTIONS
        if parameters.get(name) is not None and (name != "target" or parameters.get("targeted"))
    ]
    return f"Settings: {', '.join(said)}." if said else ""


def _knowledge(step: StepSummary) -> str:
    if _is_control(step):
        return (
            "It is the control: random noise within the budget, which needs no knowledge. An "
            "attack that does not beat it found nothing."
        )
    if step.knowledge == "white-box":
        return "White-box: the adversary computes through the whole chain, defences included."
    if step.knowledge == "grey-box":
        return (
            "Grey-box: the adversary computes on the classifier alone and is judged on the whole "
            "chain; an adversary who knows the chain can do better, so no gate may rest on this."
        )
    return f"Knowledge: {step.knowledge}." if step.knowledge else ""


def _links(step: StepSummary) -> Table:
    heads = tuple(dict.fromkeys(key for link in step.links for key in link))
    names = {"step": "link", "uses": "plugin", "gradient": "gradient"}
    return Table(
        slug(f"links-{step.id}"),
        f"What the gradient of {plain(step.id)} went through, from the pictures to the answer.",
        tuple(names.get(head, head.replace("_", " ")) for head in heads),
        tuple(tuple(str(link.get(head, NOTHING)) for head in heads) for link in step.links),
    )


def _results(report: Report, attacks: Sequence[StepSummary]) -> Table:
    names = [
        name
        for name in ("robust_accuracy", "attack_success")
        if any(name in cell.measures for step in attacks for cell in step.cells)
    ]
    rows = []
    for step in attacks:
        for cell in step.cells:
            clean = unattacked(report, step, cell.cell)
            rows.append(
                (
                    step.id,
                    cell_text(cell.cell) or NOTHING,
                    measure_text(clean) if clean else NOTHING,
                    *(
                        measure_text(cell.measures[name]) if name in cell.measures else NOTHING
                        for name in names
                    ),
                    " ".join(cell.notes) or NOTHING,
                )
            )
    heads = tuple(measure_name(name) for name in names)
    return Table(
        "attack-results",
        "Before and after the attack. A picture that was wrong from the start counts as not "
        "robust.",
        ("attack", "cell", "accuracy before", *heads, "notes"),
        tuple(rows),
        numeric=frozenset({"accuracy before", *heads}),
    )
