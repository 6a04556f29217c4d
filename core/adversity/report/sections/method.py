"""How it was run: pipeline file, plugins and licences, machine, versions and hashes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adversity.report.sections.register import section
from adversity.report.values.apart import apart_text
from adversity.report.values.blocks import MAX_ROWS, Block, Code, Section, Table
from adversity.report.values.paired import cell_key
from adversity.report.words.wording import NOTHING, seconds_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.report.values.model import Provenance, Report

__all__ = ["method_section"]

NO_COMMIT = "no commit found: nothing says which version of the project this was"

_IN_PROJECT = "of this project"
"""What stands for the version of a plugin that a file of the project defines."""


@section(order=1400)
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
    classifiers = _classifiers(report)
    if classifiers.rows:
        blocks.append(classifiers)
    if run is not None:
        blocks.extend(_provenance(run))
    return Section("method", "How it was run", blocks, folded=True)


def _plugins(report: Report) -> Table:
    keys = ("distribution", "version", "licence", "weights_licence", "reference")
    rows: dict[tuple[str, ...], None] = {}
    for step in report.steps:
        several = [(one["uses"], one) for one in step.plugin.get("plugins", ())]
        inner = [(f"{one['uses']} in {step.uses}", one) for one in step.plugin.get("nested", ())]
        own = several or [(step.uses, step.plugin)]
        for uses, plugin in [*own, *inner] if step.plugin else ():
            said = {**plugin, "version": plugin.get("version") or _IN_PROJECT}
            shown = (str(said.get(key) or NOTHING) for key in keys)
            rows[(step.id, uses, *shown)] = None
    heads = ("step", "plugin", *(key.replace("_", " ") for key in keys))
    caption = "Plugins, their versions and licences, and the papers they follow."
    return Table("plugins", caption, heads, tuple(rows))


def _classifiers(report: Report) -> Table:
    """List what classifiers say of themselves: where weights come from, what goes in."""
    steps: dict[tuple[Any, ...], list[str]] = {}
    for step in report.steps:
        for uses, where, facts in step.models:
            place = f"{step.id} [{cell_key(where)}]" if where else step.id
            steps.setdefault((uses, tuple(_flat(facts))), []).append(place)
    rows = tuple(
        (", ".join(ids), uses, name, value)
        for (uses, facts), ids in steps.items()
        for name, value in facts
    )
    caption = "Classifiers: where they come from, and what is done to the images they are given."
    return Table("classifiers", caption, ("step", "plugin", "what", "value"), rows)


def _flat(facts: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        words = f"{above}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(value, f"{words}, ")
        elif isinstance(value, (list, tuple)):
            yield words, ", ".join(map(str, value)) or NOTHING
        else:
            yield words, str(value)


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
