"""From finished artifacts to what the report says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.contracts.fitted import UNLABELLED
from adversity.engine.calls.blocks import one_thread
from adversity.engine.calls.device import whole_float32
from adversity.engine.set_up.toolbox import Toolbox
from adversity.engine.stages.apart import found_apart, found_splits
from adversity.engine.stages.read_result import read_result
from adversity.engine.summary.adversary import adversary_facts
from adversity.engine.summary.comparisons import with_comparisons
from adversity.engine.summary.defence_gap import defence_gaps
from adversity.engine.summary.estimates import estimates
from adversity.engine.summary.gains import all_gains
from adversity.engine.summary.links_shown import with_links
from adversity.engine.summary.method_comparisons import compared_methods
from adversity.engine.summary.method_of import sides_of, with_methods
from adversity.engine.summary.model_facts import with_facts
from adversity.engine.summary.over_seeds import with_means_over_seeds
from adversity.engine.summary.page_images import page_images
from adversity.engine.summary.set_sizes import set_sizes
from adversity.engine.summary.worst_case import with_worst_cases
from adversity.pipeline.plan.data_versions import revision_facts
from adversity.pipeline.plan.engine_measures import OF_DECISIONS
from adversity.pipeline.plan.nested import all_nested
from adversity.pipeline.plan.paths import read_by
from adversity.pipeline.plan.recorded import recorded
from adversity.registry.entry import UNKNOWN_LICENCE, class_of, licence_of
from adversity.report.doubts.caveats import caveats
from adversity.report.values.model import CellResult, DataSummary, Report, StepSummary
from adversity.report.words.reading import with_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from adversity.data.ledger import Ledger
    from adversity.engine.set_up.workspace import Workspace
    from adversity.engine.stages.stage import StageResult
    from adversity.pipeline.plan.model import Plan, PlannedStep
    from adversity.report.values.model import GateResult, Provenance

__all__ = ["build_report", "nested_records", "summarise"]


def build_report(
    plan: Plan,
    workspace: Workspace,
    *,
    gates: Sequence[GateResult] = (),
    provenance: Provenance | None = None,
    tracked: bool = False,
    ledger: Ledger | None = None,
    shown: Path | None = None,
) -> Report:
    """Gather everything a report says from the artifacts of a finished run.

    Args:
        plan: The pipeline.
        workspace: Where its artifacts lie.
        gates: Their verdicts.
        provenance: Of the run.
        tracked: Whether it is for the copy that DVC tracks: without images and without
            the file's text, since comments, gates and `run:` are in no key.
        ledger: What was attacked before, for the worst case over all attacks; without one, the
            report does not speak of it. The tracked copy has none: it must not depend on what
            else was run.
        shown: The folder where views of the images that are shown lie and are kept; None to compute
            each. The report is the same.

    Raises:
        StorageError: If an artifact is missing.
    """
    one_thread()
    whole_float32(plan.spec.run.device)
    for planned in plan.steps.values():
        kind = class_of(planned.entry).describes
        for place in kind.sections:
            kind.load(place)
    toolbox = Toolbox(plan, workspace)
    measured = summarise(plan, workspace, toolbox, ledger)
    steps = with_facts(toolbox, (with_links(toolbox, one) for one in measured.values()))
    sides, steps = sides_of(plan), with_methods(plan, steps)
    data = tuple(_data(toolbox, name) for name in plan.data)
    apart = found_apart(toolbox)
    gaps = defence_gaps(toolbox)
    images = {} if tracked else page_images(toolbox, shown)
    text = "" if tracked else (plan.root / plan.file).read_text(encoding="utf-8")
    return Report(
        pipeline=plan.name,
        file=plan.file,
        text=text,
        seed=plan.spec.seed,
        matrix=plan.matrix,
        data=data,
        steps=steps,
        gates=tuple(gates),
        apart=apart,
        splits=found_splits(toolbox, apart),
        caveats=caveats(data, steps, gaps, apart, gates),
        **all_gains(toolbox, steps, sides),
        illusions=gaps,
        set_sizes=set_sizes(toolbox),
        estimates=estimates(toolbox),
        sides=sides,
        compared=compared_methods(toolbox, steps, sides, gates),
        provenance=provenance,
        **images,
    )


def summarise(
    plan: Plan,
    workspace: Workspace,
    toolbox: Toolbox | None = None,
    ledger: Ledger | None = None,
) -> dict[str, StepSummary]:
    """Return every step with what it measured, by id, in the file's order.

    Nothing is set up for it: what plugins say of themselves `build_report` adds.
    """
    toolbox = toolbox or Toolbox(plan, workspace)
    artifacts = {stage.step for stage in plan.stages}
    steps: dict[str, StepSummary] = {}
    for step in plan.spec.steps:
        planned = plan.steps[step]
        result = read_result(plan, plan.stage(step), workspace) if step in artifacts else None
        steps[step] = _step(toolbox, planned, result)
    steps = with_comparisons(toolbox, steps)
    if ledger is not None:
        steps = with_worst_cases(toolbox, steps, ledger)
    fits = {name: recorded(plan.steps[name]) for name in steps}
    known = plan.measures
    on_decisions = known | dict(OF_DECISIONS)
    told = (
        with_words(
            (step,), fits[name] or (known if plan.steps[name].goal.of_answer else on_decisions)
        )[0]
        for name, step in steps.items()
    )
    return {step.id: step for step in with_means_over_seeds(told, sides_of(plan))}


def _step(toolbox: Toolbox, planned: PlannedStep, result: StageResult | None) -> StepSummary:
    entry = planned.entry
    cls: Any = entry.cls
    turns = _taking_turns(planned)
    own = {} if turns else _record(cls, entry.distribution, entry.version)
    inner = {"plugins": turns, "nested": nested_records(planned)}
    return StepSummary(
        id=planned.id,
        uses=toolbox.plan.uses(planned.id),
        kind=entry.kind,
        makes=cls.makes,
        image_role=cls.describes.image_role,
        source=planned.source,
        against=planned.against,
        by=planned.by,
        path=toolbox.plan.chain(planned.id).ids if planned.source else (),
        **_fitted_by(toolbox.definition_of(planned.id)),
        plugin={**own, **{key: records for key, records in inner.items() if records}},
        cells=_cells(toolbox, planned, result) if result and result.measures else (),
        notes=result.notes if result else (),
        **adversary_facts(toolbox, planned),
        **_compared(toolbox.plan, planned),
    )


def _fitted_by(definition: PlannedStep) -> dict[str, Any]:
    """Return what fitted a step's plugin: its first source, and all where their names tell more."""
    sources = dict(definition.fit_on or {})
    first = next(iter(sources.values()), None)
    named = len(sources) > 1 or UNLABELLED in sources
    return {"fit_on": first, "fit_sources": sources if named else {}}


def _compared(plan: Plan, planned: PlannedStep) -> dict[str, Any]:
    """Return what a step reads beside its path: tables that it, or one before it, compares with."""
    read = read_by(planned.id, plan.steps).difference(plan.chain(planned.id).ids)
    return {"compared": tuple(name for name in (*plan.spec.data, *plan.steps) if name in read)}


def _taking_turns(planned: PlannedStep) -> list[dict[str, Any]]:
    """Return what the report says of each plugin, where a variable of the matrix names several."""
    entries = planned.plugin_entries
    return [
        {
            "uses": f"{entry.kind}/{entry.name}",
            **_record(entry.cls, entry.distribution, entry.version),
        }
        for entry in entries
        if len(entries) > 1
    ]


def nested_records(planned: PlannedStep) -> list[dict[str, Any]]:
    """Return what the report says of the plugins in a step's parameters, each once."""
    plugins: dict[str, dict[str, Any]] = {}
    for plugin in planned.plugins.values():
        for nested in all_nested(plugin):
            inner: Any = nested.plugin
            record = _record(type(inner), nested.distribution, nested.version)
            plugins[nested.uses] = {"uses": f"{inner.kind}/{inner.name}", **record}
    return list(plugins.values())


def _record(cls: Any, distribution: str, version: str) -> dict[str, Any]:
    return {
        "distribution": distribution,
        "version": version,
        "summary": cls.summary(),
        "reference": cls.reference,
        "licence": licence_of(cls) or UNKNOWN_LICENCE,
        "weights_licence": cls.weights_licence,
    }


def _cells(toolbox: Toolbox, planned: PlannedStep, result: StageResult) -> tuple[CellResult, ...]:
    results = []
    for cell in result.cells(planned):
        measures = result.measures[cell.key]
        count = max((measure.n for measure in measures.values()), default=0)
        parameters = toolbox.plugin(planned.id, cell).parameters
        results.append(CellResult(cell.as_dict(), count, measures, (), parameters))
    return tuple(results)


def _data(toolbox: Toolbox, name: str) -> DataSummary:
    planned = toolbox.plan.data[name]
    source = toolbox.source(name, planned.cell)
    return DataSummary(
        id=name,
        uses=f"{planned.entry.kind}/{planned.entry.name}",
        n=len(source),
        classes=len(set(source.targets[source.targets >= 0].tolist())),
        prepare=dict(source.prepare),
        quarantined=source.quarantined,
        facts=source.describe() | revision_facts(planned),
        content=source.content,
        images="clean" if toolbox.starts_clean(name, planned.cell) else "degraded",
        references=source.references_count,
        target_names=source.target_names,
        cell=planned.cell.as_dict(),
    )
