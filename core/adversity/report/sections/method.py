"""How it was run: pipeline file, plugins and licences, outcomes, machine, and every number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.report.values.apart import apart_text
from adversity.report.values.blocks import Block, Code, Section, Table, Text
from adversity.report.words.wording import (
    NOTHING,
    cell_text,
    interval_text,
    measure_name,
    plural,
    seconds_text,
    value_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.report.values.model import DataSummary, Provenance, Report

__all__ = ["cost_section", "data_section", "method_section", "raw_section"]

NO_COMMIT = "no commit found: nothing says which version of the project this was"
MAX_ROWS = 200
"""A longer table is cut in the page; the JSON beside it has all rows."""


def data_section(report: Report) -> Section | None:
    """Describe each data set as it was used, quarantined files included."""
    if not report.data:
        return None
    table = Table(
        "data-sets",
        "Data sets as they were used. Content: SHA-256 of ids, labels and bytes.",
        ("data set", "plugin", "n", "classes", "prepare", "content", "facts"),
        tuple(_data_row(item) for item in report.data),
        numeric=frozenset({"n", "classes"}),
    )
    blocks: list[Block] = [table]
    for item in report.data:
        if item.quarantined:
            files = tuple(f"{name}: {why}" for name, why in item.quarantined[:MAX_ROWS])
            count = plural(len(item.quarantined), "file")
            blocks.append(Text(f"{item.id}: {count} could not be used:", items=files))
    return Section("data", "Data", blocks, folded=True)


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


def method_section(report: Report) -> Section:
    """Say how it was run and how to run it again."""
    blocks: list[Block] = []
    run = report.provenance
    if run is not None:
        blocks.append(Code("Run it again", run.command))
    if report.text:
        blocks.append(Code(f"The pipeline file, {report.file}", report.text))
    apart = apart_text(report)
    if apart is not None:
        blocks.append(apart)
    plugins = _plugins(report)
    if plugins.rows:
        blocks.append(plugins)
    if run is not None:
        blocks.extend(_provenance(run))
    return Section("method", "How it was run", blocks, folded=True)


def raw_section(report: Report) -> Section | None:
    """List every measure of every cell."""
    rows = tuple(
        (
            step.id,
            cell_text(cell.cell) or NOTHING,
            measure_name(name),
            value_text(measure),
            interval_text(measure),
            f"{measure.n:,}",
            _pairs(measure.convention),
        )
        for step in report.steps
        for cell in step.cells
        for name, measure in cell.measures.items()
    )
    if not rows:
        return None
    heads = ("step", "cell", "measure", "value", "interval", "n", "convention")
    numeric = frozenset({"value", "interval", "n"})
    caption = "Every measure of every cell."
    if len(rows) > MAX_ROWS:
        caption = (
            f"The first {MAX_ROWS} of {len(rows):,} measures; all are in the JSON of this report."
        )
    table = Table("measures", caption, heads, rows[:MAX_ROWS], numeric=numeric)
    notes = tuple(
        f"{step.id}{f' ({cell_text(cell.cell)})' if cell.cell else ''}: {note}"
        for step in report.steps
        for cell in step.cells
        for note in cell.notes
    ) + tuple(f"{step.id}: {note}" for step in report.steps for note in step.notes)
    blocks: list[Block] = [table]
    if notes:
        blocks.append(Text("Notes", items=notes[:MAX_ROWS]))
    return Section("raw", "All numbers", blocks, folded=True)


def _data_row(item: DataSummary) -> tuple[str, ...]:
    return (
        item.id,
        item.uses,
        f"{item.n:,}",
        f"{item.classes:,}",
        _pairs(item.prepare),
        item.content[:16] or NOTHING,
        _pairs(item.facts),
    )


def _plugins(report: Report) -> Table:
    keys = ("distribution", "version", "licence", "weights_licence", "reference")
    rows: dict[tuple[str, ...], None] = {}
    for step in report.steps:
        inner = [(f"{one['uses']} in {step.uses}", one) for one in step.plugin.get("nested", ())]
        for uses, plugin in [(step.uses, step.plugin), *inner] if step.plugin else ():
            shown = (str(plugin.get(key) or NOTHING) for key in keys)
            rows[(step.id, uses, *shown)] = None
    heads = ("step", "plugin", *(key.replace("_", " ") for key in keys))
    caption = "Plugins, their versions and licences, and the papers they follow."
    return Table("plugins", caption, heads, tuple(rows))


def _provenance(run: Provenance) -> Iterator[Table]:
    facts = {
        "run": run.run_id,
        "started": run.started,
        "took": seconds_text(run.seconds),
        "door": run.door,
        **({f"git {key}": value for key, value in run.git.items()} or {"git": NO_COMMIT}),
        **run.machine,
        **run.versions,
    }
    rows = tuple((key, str(value)) for key, value in facts.items())
    yield Table("run-facts", "This run.", ("what", "value"), rows)
    if run.hashes:
        yield Table(
            "hashes",
            "Hashes of data and artifacts, as DVC has them.",
            ("path", "hash"),
            tuple(sorted(run.hashes.items()))[:MAX_ROWS],
        )


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in values.items()) or NOTHING
