"""Planning: everything is resolved and checked before any work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity._version import __version__
from adversity.contracts import Dataset, MetricBase, Restoration
from adversity.errors import PluginError
from adversity.pipeline.core_source import kept_core_fingerprint
from adversity.pipeline.gates.gate_faults import idle_gates
from adversity.pipeline.gates.gate_text import parse_gates
from adversity.pipeline.plan.check import check_steps
from adversity.pipeline.plan.data_versions import revision_in_keys
from adversity.pipeline.plan.features import kept_in_keys
from adversity.pipeline.plan.in_versions import file_name, versions_in
from adversity.pipeline.plan.measures import check_names, in_keys, measures_of
from adversity.pipeline.plan.model import Plan, PlannedData, PlannedStep, Stage
from adversity.pipeline.plan.origins import Origins
from adversity.pipeline.plan.paths import ancestors
from adversity.pipeline.plan.plugins import PluginFinder
from adversity.pipeline.plan.repeated_views import repeated_views
from adversity.pipeline.plan.resolve import Measured, resolve_data, resolve_metrics
from adversity.pipeline.plan.resolve_steps import resolve_steps
from adversity.pipeline.plan.stages import make_stages
from adversity.pipeline.plan.stop_rules import gates_in_keys
from adversity.pipeline.read.findings import listed, suggestion
from adversity.pipeline.read.project_paths import undeclared
from adversity.provenance import modules_fingerprint
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from adversity.pipeline.read.findings import Findings
    from adversity.pipeline.read.load import Loaded
    from adversity.registry import Registry

__all__ = ["ENGINE", "REPORT", "make_plan"]

ENGINE = (
    "clipping.py",
    "contracts",
    "data",
    "engine/__init__.py",
    "engine/attack",
    "engine/calls",
    "engine/chain",
    "engine/set_up",
    "engine/stages",
    "file_names.py",
    "ignored.py",
    "metrics",
    "numerals.py",
    "outside.py",
    "pipeline/gates/gate_text.py",
    "pipeline/gates/rulings.py",
    "pipeline/gates/verdicts.py",
    "pipeline/plan/chain.py",
    "pipeline/plan/features.py",
    "pipeline/plan/folded.py",
    "pipeline/plan/in_versions.py",
    "pipeline/plan/paths.py",
    "pipeline/plan/routes.py",
    "pipeline/plan/probing.py",
    "pipeline/plan/recorded.py",
    "pipeline/plan/stop_rules.py",
    "project.py",
    "seeding.py",
    "shapes.py",
    "ziggurat.py",
)
"""What of the core computes numbers: a change of its source makes every step stale."""
REPORT = (
    "engine/summary",
    "pipeline/plan/engine_measures.py",
    "pipeline/plan/measures.py",
    "pipeline/plan/misjudged.py",
    "report",
)
"""What of the core is in a report beside those: a change makes the report stale."""


def make_plan(loaded: Loaded, registry: Registry) -> Plan:
    """Resolve a pipeline file.

    Args:
        loaded: The file.
        registry: Where its plugins are found.

    Raises:
        PipelineError: With every finding, each `file:line: message`.
    """
    findings = loaded.findings()
    finder = PluginFinder(loaded, registry, findings)
    data = resolve_data(loaded, finder, findings)
    steps = resolve_steps(loaded, finder, findings)
    measured = _with_always(registry, resolve_metrics(loaded, finder, findings))
    metrics = [metric for _, metric in measured]
    check_steps(loaded, data, steps, registry.kinds, metrics, findings)
    check_names(loaded, measured, steps.values(), findings)
    _check_measured(loaded, steps, findings)
    _check_limits(loaded, findings)
    gates = parse_gates(loaded, steps, metrics, findings)
    findings.raise_any()
    resolved = _resolved(data, steps, measured, loaded.spec.run.device, findings)
    if deciding := gates_in_keys(steps, gates):
        resolved["gates"] = deciding
    packaged = _packaged(data, resolved["data"], findings)
    findings.raise_any()
    stages = make_stages(loaded, data, steps, metrics)
    return Plan(
        spec=loaded.spec,
        file=loaded.file,
        root=loaded.root,
        data=data,
        steps=steps,
        stages=stages,
        gates=gates,
        resolved=resolved,
        packaged=packaged,
        warnings=(
            *_warnings(steps, stages),
            *_undeclared(loaded.root, steps),
            *idle_gates(gates, measures_of(metrics, steps.values())),
        ),
        matrix={name: loaded.labels(name) for name in loaded.spec.matrix},
        metrics=tuple(metrics),
    )


def _check_measured(loaded: Loaded, steps: Mapping[str, PlannedStep], findings: Findings) -> None:
    """Refuse a pipeline in which nothing is measured or fitted: it would end well, and say nothing."""
    works = any(planned.has_artifact for planned in steps.values())
    if not works and len(steps) == len(loaded.spec.steps):
        findings.add(
            ("steps",),
            f"nothing is measured: of {listed(steps)} no step classifies, scores, attacks or measures, "
            "and images in between are not stored; add a step that uses a classifier, or a metric, "
            "from: one of them",
        )


def _check_limits(loaded: Loaded, findings: Findings) -> None:
    """Refuse limits of what is no step: nothing would be limited."""
    for name in loaded.spec.run.limits:
        if name not in loaded.spec.steps:
            hint = suggestion(name, loaded.spec.steps)
            findings.add(("run", "limits", name), f"there is no step {name}{hint}")


def _with_always(registry: Registry, named: Sequence[Measured]) -> tuple[Measured, ...]:
    """Add the metrics that every pipeline computes, unless the file names them; by name."""
    names = {entry.qualified for entry, _ in named}
    metrics = list(named)
    for entry in registry.entries():
        cls = entry.cls if entry.status == "ok" else None
        if cls is not None and issubclass(cls, MetricBase) and cls.always:
            metrics += [] if entry.qualified in names else [(entry, cls())]
    return tuple(sorted(metrics, key=lambda measured: measured[0].qualified))


def _resolved(
    data: Mapping[str, PlannedData],
    steps: Mapping[str, PlannedStep],
    metrics: Sequence[Measured],
    device: str,
    findings: Findings,
) -> dict[str, Any]:
    """Return what a result depends on besides its part of the file: plugins, source, device."""
    origins = Origins(findings)
    known = in_keys(steps, [metric for _, metric in metrics]) | kept_in_keys(steps)
    return {
        "adversity": __version__,
        "core": {
            "device": device.partition(":")[0],  # which of several cards changes nothing
            "engine": {"plugin": "the engine", "fingerprint": kept_core_fingerprint(*ENGINE)},
            "report": _report(steps, findings),
        },
        "data": {
            name: origins.of(versions[0].entry, [versions[0].plugin], ("data", name))
            | revision_in_keys(*versions)
            for name in dict.fromkeys(map(file_name, data))
            for versions in [tuple(versions_in(data, name))]
        },
        "steps": {
            id_: origins.of_step(planned) | known.get(id_, {}) for id_, planned in steps.items()
        },
        "metrics": {
            entry.qualified: origins.of(entry, [metric], ("metrics",)) for entry, metric in metrics
        },
    }


def _packaged(
    data: Mapping[str, PlannedData], resolved: Mapping[str, Mapping[str, Any]], findings: Findings
) -> dict[str, dict[str, Any]]:
    """Return what each packaged data set on disk depends on, whatever its parameters are."""
    return {
        planned.entry.name: {
            **resolved[file_name(id_)],
            "content": _content(planned.plugin, planned, findings),
        }
        for id_, planned in data.items()
        if isinstance(planned.plugin, Dataset) and planned.plugin.packaged
    }


def _content(dataset: Dataset, planned: PlannedData, findings: Findings) -> str | None:
    try:
        return dataset.packaged_content()
    except Exception as error:  # noqa: BLE001  (whatever a plugin raises is said of its line)
        findings.add(
            ("data", planned.id),
            f"{planned.entry.label}: its packaged content cannot be hashed: "
            f"{type(error).__name__}: {error}; reinstall the package it comes from, or tell the "
            "plugin's author",
        )
        return None


def _report(steps: Mapping[str, PlannedStep], findings: Findings) -> dict[str, Any]:
    """Return what the report depends on beside what it shows: its source, and that of sections."""
    record: dict[str, Any] = {"plugin": "the report", "fingerprint": kept_core_fingerprint(*REPORT)}
    kinds = {planned.entry.kind: class_of(planned.entry).describes for planned in steps.values()}
    foreign = {name: kind.sections for name, kind in sorted(kinds.items()) if kind.sections}
    try:
        sections = {name: modules_fingerprint(*places) for name, places in foreign.items()}
    except PluginError as error:
        findings.add(("steps",), f"sections of the report: {error}")
        return record
    return record | ({"sections": sections} if sections else {})


def _warnings(steps: Mapping[str, PlannedStep], stages: tuple[Stage, ...]) -> list[str]:
    warnings = []
    for view, names in repeated_views(stages, steps).items():
        if issubclass(class_of(steps[view].entry), Restoration):
            warnings.append(
                f"{steps[view].line}: {view} is computed again in each of {', '.join(names)}; "
                "views are not stored"
            )
    used = _used(steps)
    for id_, planned in steps.items():
        if not planned.is_measured and id_ not in used:
            warnings.append(f"{planned.line}: nothing uses {id_}")
    return warnings


def _undeclared(root: Path, steps: Mapping[str, PlannedStep]) -> list[str]:
    """Warn of files that a plugin takes as text: it may look for them elsewhere."""
    messages = {
        f"{planned.line}: {entry.label}: {name}: {text} lies in the project, and the plugin takes it "
        "as text, so it may be looked for elsewhere; it is hashed. In the plugin, give the "
        "parameter the type ProjectFile or ProjectFolder": None
        for planned in steps.values()
        if planned.definition == planned.id
        for entry in planned.plugin_entries
        for plugin in planned.plugins_of(entry)
        for name, text in undeclared(root, plugin)
    }
    return list(messages)


def _used(steps: Mapping[str, PlannedStep]) -> set[str]:
    used: set[str] = set()
    for planned in steps.values():
        used |= {planned.definition} - {planned.id}
        used |= set(planned.nested)
        if planned.role != "view":
            for name in (*planned.reads, *planned.fitted_by):
                used |= {name} | ancestors(name, steps)
    return used
