"""What is known of measures before anything runs: those of metrics, and those of the engine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from adversity.contracts import (
    Attack,
    CellMetric,
    Classifier,
    Decide,
    ImageMetric,
    Metric,
    MetricBase,
    Regressor,
    Uncertainty,
)
from adversity.contracts.goal import GOALS
from adversity.pipeline.plan.asked import given
from adversity.pipeline.plan.engine_measures import OF_ANSWERS, OF_ATTACKS, OF_DATA, OF_DECISIONS
from adversity.pipeline.plan.misjudged import misjudges
from adversity.pipeline.plan.recorded import recorded
from adversity.pipeline.read.findings import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adversity.contracts import MeasureInfo
    from adversity.contracts.goal import Goal
    from adversity.pipeline.plan.model import PlannedStep
    from adversity.pipeline.read.findings import Findings, KeyPath
    from adversity.pipeline.read.load import Loaded
    from adversity.registry import Entry

__all__ = [
    "ATTACKS_ALONE",
    "can_have",
    "check_names",
    "goal_of",
    "in_keys",
    "known_behind",
    "known_of",
    "measures_of",
    "undecided",
]

ATTACKS_ALONE = frozenset[str]().union(*(goal.columns for goal in GOALS.values()))
"""Columns that only the table of an attack has; which of them, its goal says."""

_BY_DECISION = {
    "sets": frozenset({"sets", "set_size", "in_set"}),
    "accept": frozenset({"accepted"}),
}
"""Columns that only the table of a method has which decides so."""


def measures_of(
    metrics: Iterable[MetricBase], steps: Iterable[PlannedStep] = ()
) -> dict[str, MeasureInfo]:
    """Return every measure that a run can have, with what is known of it.

    What the engine knows of its own measures holds, whatever a metric declares.

    Args:
        metrics: Those of the pipeline.
        steps: Of the plan; some may be metrics.
    """
    measures: dict[str, MeasureInfo] = {}
    steps = tuple(steps)
    classes: list[type[MetricBase] | None] = [*map(type, metrics), *map(_metric_of, steps)]
    for cls in filter(None, dict.fromkeys(classes)):
        measures |= cls.declared()
    measures = measures | dict(OF_DATA) | dict(OF_ATTACKS)
    for planned in steps:
        measures = recorded(planned) | _given_by(planned, measures) | measures
    return measures


def _given_by(planned: PlannedStep, known: Mapping[str, MeasureInfo]) -> dict[str, MeasureInfo]:
    """Return what a step gives that folds cells; nothing of others.

    Args:
        planned: The step.
        known: What is known of the measures of other steps.
    """
    measures: dict[str, MeasureInfo] = {}
    for plugin in planned.plugins.values():
        if planned.role == "measure" and isinstance(plugin, CellMetric):
            measures |= given(planned, plugin, known)
    return measures


def _metric_of(planned: PlannedStep) -> type[MetricBase] | None:
    """Return the class of the metric that a step is; None for other steps."""
    cls = planned.entry.cls
    if planned.role == "measure" and cls is not None and issubclass(cls, MetricBase):
        return cls
    return None


def check_names(
    loaded: Loaded,
    measured: Iterable[tuple[Entry, MetricBase]],
    steps: Iterable[PlannedStep],
    findings: Findings,
) -> None:
    """Refuse metrics that measure something under a name that is taken.

    A measure is stored, judged and shown by its name alone: one of the two would be lost.

    Args:
        loaded: The file.
        measured: The metrics of a pipeline, each with where it comes from.
        steps: Of the plan; some may be metrics.
        findings: Where to say it.
    """
    owners = dict.fromkeys((*OF_DATA, *OF_ATTACKS), "Adversity itself")
    of_all = {
        entry.qualified: (entry, type(metric), _place(loaded, entry)) for entry, metric in measured
    }
    for planned in steps:
        if (cls := _metric_of(planned)) is not None:
            place: KeyPath = ("steps", planned.id, "uses")
            of_all.setdefault(planned.entry.qualified, (planned.entry, cls, place))
    # The one to leave out comes last: what the file names, and what others bring.
    ordered = sorted(of_all.values(), key=lambda one: (not one[1].always, not one[0].built_in))
    for entry, metric, where in ordered:
        names = _names(metric)
        shared: dict[str, list[str]] = {}
        for name in names:
            if name in owners:
                shared.setdefault(owners[name], []).append(name)
        for owner, taken in shared.items():
            findings.add(
                where,
                f"{entry.label} and {owner} both measure {listed(taken)}, and a measure has one "
                f"name; {_remedy(entry, metric, where)}, or ask its author to rename the measure",
            )
        owners = {**dict.fromkeys(names, entry.label), **owners}


def _names(metric: type[MetricBase]) -> tuple[str, ...]:
    """Return the names that a metric measures under, as far as it says them."""
    column = (metric.name,) if issubclass(metric, ImageMetric) else ()
    return tuple(metric.declared()) or column


def _place(loaded: Loaded, entry: Entry) -> KeyPath:
    """Return where a file names a metric."""
    uses = (f"{entry.kind}/{entry.name}", f"{entry.kind}/{entry.qualified}")
    named = [index for index, spec in enumerate(loaded.spec.metrics) if spec.uses in uses]
    return ("metrics", *named[:1])


def _remedy(entry: Entry, metric: type[MetricBase], where: KeyPath) -> str:
    """Say how a pipeline does without a metric."""
    if where[0] == "steps":
        return f"leave the step {where[1]} out"
    if metric.always and not entry.in_project:
        return f"uninstall it or set ADVERSITY_BLOCK={entry.kind}/{entry.qualified}"
    return f"leave {entry.name} out of metrics:"


def known_of(
    planned: PlannedStep | Literal["data"],
    metrics: Iterable[MetricBase],
    steps: Mapping[str, PlannedStep],
) -> dict[str, MeasureInfo] | None:
    """Return the measures that a step, or a data set, can have; None where that is not known.

    A metric that does not say what it produces may give anything. What a step can have depends
    on the columns of its table: those that only attacks have are missing elsewhere, and so are
    those of prediction sets and of accepted answers.

    Args:
        planned: The step, or `data` for a data set.
        metrics: Those of the pipeline.
        steps: Of the plan; a step that folds gives what others measure.
    """
    if planned == "data":
        return dict(OF_DATA)
    if planned.role == "define":
        return recorded(planned)
    own = _metric_of(planned)
    if own is not None and issubclass(own, CellMetric):
        return _given_by(planned, _folded(planned, steps, metrics)) or None
    if own is not None:
        return own.declared() or None
    fitting = _fitting(planned, metrics)
    return _declared(planned, fitting) if all(metric.produces for metric in fitting) else None


def known_behind(
    planned: PlannedStep, steps: Mapping[str, PlannedStep], metrics: Iterable[MetricBase]
) -> dict[str, MeasureInfo]:
    """Return what is known of the measures of a step, as a metric that folds its cells gets it.

    A step that folds hands on what is known of the measures that it folds: it may give them under
    their own names.

    Args:
        planned: The step whose cells are folded.
        steps: Of the plan.
        metrics: Those of the pipeline.
    """
    own = _metric_of(planned)
    if own is None:
        return _declared(planned, _fitting(planned, metrics))
    behind = _folded(planned, steps, metrics) if issubclass(own, CellMetric) else {}
    return behind | own.declared() | _given_by(planned, behind)


def _folded(
    planned: PlannedStep, steps: Mapping[str, PlannedStep], metrics: Iterable[MetricBase]
) -> dict[str, MeasureInfo]:
    """Return what is known of the measures that a step folds; nothing where that one is faulty."""
    upstream = steps.get(planned.upstream)
    return {} if upstream is None else known_behind(upstream, steps, metrics)


def in_keys(
    steps: Mapping[str, PlannedStep], metrics: Iterable[MetricBase]
) -> dict[str, dict[str, str]]:
    """Return, for each step that folds, the hash of what is known of the measures that it folds.

    Their ranges bound the interval of a mean, their titles stand in its plot.
    """
    metrics = tuple(metrics)
    folding = [
        step for step in steps.values() if issubclass(_metric_of(step) or object, CellMetric)
    ]
    return {step.id: {"measures": _hash(_folded(step, steps, metrics))} for step in folding}


def _hash(known: Mapping[str, MeasureInfo]) -> str:
    record = {name: asdict(info) for name, info in known.items()}
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _fitting(planned: PlannedStep, metrics: Iterable[MetricBase]) -> list[MetricBase]:
    """Return the metrics of the pipeline that can measure a step."""
    goal, missing = goal_of(planned), undecided(planned)
    return [
        metric
        for metric in metrics
        if not isinstance(metric, Metric)
        or (
            can_have(type(metric), goal)
            and not missing.intersection(metric.wants)
            and misjudges(type(metric), planned) is None
        )
    ]


def _declared(planned: PlannedStep, metrics: Iterable[MetricBase]) -> dict[str, MeasureInfo]:
    """Return what metrics declare, and what the engine does where a step is an attack."""
    measures: dict[str, MeasureInfo] = {}
    for metric in metrics:
        measures |= metric.declared()
    goal = goal_of(planned)
    if goal is None:
        return measures
    return measures | dict(OF_ANSWERS if goal.of_answer else OF_DECISIONS)


def goal_of(planned: PlannedStep) -> Goal | None:
    """Return what an attack is after; None for other steps."""
    return planned.goal if planned.role == "attack" else None


def can_have(metric: type[Metric], goal: Goal | None) -> bool:
    """Say whether a table can have the columns that a metric needs and no other.

    Args:
        metric: The metric.
        goal: Of the attack whose table it is; None for other tables.
    """
    missing = ATTACKS_ALONE if goal is None else ATTACKS_ALONE - goal.columns
    columns = () if goal is None else ("start_correct", goal.open, goal.reached)
    present = frozenset[str](columns)
    return not missing.intersection(metric.wants) and not present.intersection(metric.unless)


def undecided(planned: PlannedStep) -> frozenset[str]:
    """Return the columns that a step lacks, since its method does not decide so.

    Nothing is known of the table of a kind that others bring.
    """
    classes = [entry.cls for entry in planned.plugin_entries]
    ours = (Attack, Classifier, Regressor, Uncertainty)
    if not all(cls is not None and issubclass(cls, ours) for cls in classes):
        return frozenset()
    decided = {cls.decides for cls in classes if cls is not None and issubclass(cls, Decide)}
    missing = (columns for what, columns in _BY_DECISION.items() if what not in decided)
    return frozenset[str]().union(*missing)
