"""The rules of steps that measure: what a metric may be used on, by its shape.

What can be known before anything runs is refused here; whether two tables hold the same samples
is known when they are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import CellMetric, ImageMetric, Metric
from adversity.pipeline.plan.asked import needed
from adversity.pipeline.plan.engine_measures import AFTERWARDS
from adversity.pipeline.plan.measures import ATTACKS_ALONE, can_have, goal_of, known_of, undecided
from adversity.pipeline.plan.misjudged import misjudges
from adversity.pipeline.plan.probing import unprobed
from adversity.pipeline.read.findings import listed, suggestion
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adversity.contracts import MetricBase
    from adversity.pipeline.plan.model import PlannedData, PlannedStep
    from adversity.pipeline.read.spec import StepSpec

__all__ = ["MeasureRules"]

Finding = tuple[str, str]
"""The key under the step, and the message."""
_IMAGES = "images, of a data set, a degradation, a restoration or an attack"
_TABLES = "the table of a step, such as predictions, scores or adversarial images"


class MeasureRules:
    """Checks steps whose plugin is a metric."""

    def __init__(
        self,
        data: Mapping[str, PlannedData],
        steps: Mapping[str, PlannedStep],
        metrics: Sequence[MetricBase],
    ) -> None:
        """Look at steps that are resolved; a faulty one is missing, and was complained of.

        Args:
            data: The data sets.
            steps: The steps.
            metrics: Those of the pipeline, which measure every step.
        """
        self._data = data
        self._steps = steps
        self._metrics = metrics

    def rules(self, planned: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Yield what is wrong with a step that measures; nothing of others."""
        cls = class_of(planned.entry)
        if planned.role == "define" and issubclass(cls, ImageMetric | Metric | CellMetric):
            yield from self._defined(planned, spec)
        if planned.role != "measure":
            return
        yield from self._by(planned, cls)
        if issubclass(cls, ImageMetric):
            yield from self._images(planned)
            yield from self._neither(planned, "it measures images")
        elif issubclass(cls, Metric):
            yield from self._tables(planned, cls)
        elif issubclass(cls, CellMetric):
            yield from self._table(planned, "from", planned.upstream, rows=False)
            yield from self._cells(planned)

    def _defined(self, planned: PlannedStep, spec: StepSpec) -> Iterator[Finding]:
        """Refuse keys that say what is measured where nothing is."""
        for key in ("against", "over", "by"):
            if getattr(spec, key):
                yield "uses", f"{planned.entry.label} needs from:, what it measures, beside {key}:"

    def _by(self, planned: PlannedStep, cls: type[object]) -> Iterator[Finding]:
        """Refuse groups of samples where cells are folded, and where a variable has the name."""
        if planned.by is None:
            return
        if issubclass(cls, CellMetric):
            label = planned.entry.label
            yield "by", f"by: is for a metric of images or rows; {label} goes over whole cells"
        if any(planned.by in step.variables for step in self._steps.values()):
            yield (
                "by",
                (
                    f"{planned.by} is a variable of the matrix, whose cells are measured each by "
                    "itself; by: names an attribute of samples, or group: rename the variable"
                ),
            )

    def _neither(self, planned: PlannedStep, why: str) -> Iterator[Finding]:
        """Refuse a second table and folded cells."""
        label = planned.entry.label
        if planned.against is not None:
            yield "against", f"against: is for a metric that compares two tables; {label}: {why}"
        if planned.over:
            yield "over", f"over: is for a metric that goes over cells; {label}: {why}"

    def _images(self, planned: PlannedStep) -> Iterator[Finding]:
        name = planned.upstream
        made = self._steps.get(name)
        is_image = name in self._data or (made is not None and made.role in ("view", "attack"))
        if not is_image and made is not None:
            yield "from", f"{planned.entry.label} measures {_IMAGES}; {name} is {_left_by(made)}"

    def _tables(self, planned: PlannedStep, cls: type[Metric]) -> Iterator[Finding]:
        label = planned.entry.label
        if planned.over:
            yield (
                "over",
                f"over: is for a metric that goes over cells; {label} measures each by itself",
            )
        yield from self._table(planned, "from", planned.upstream)
        if cls.compares == "nothing":
            if planned.against is not None:
                yield "against", f"{label} compares its table with no other; drop against:"
        elif planned.against is None:
            yield "uses", f"{label} compares two tables; name the second one with against:"
        else:
            yield from self._table(planned, "against", planned.against)
        for key, name in (("from", planned.upstream), ("against", planned.against)):
            if (table := self._steps.get(name or "")) is not None:
                yield from ((key, fault) for fault in _column_faults(label, cls, table))

    def _table(
        self, planned: PlannedStep, key: str, name: str, *, rows: bool = True
    ) -> Iterator[Finding]:
        """Check that a step leaves a table, with rows in it."""
        made = self._steps.get(name)
        label = planned.entry.label
        if name in self._data:
            yield key, f"{label} works on {_TABLES}; {name} is a data set"
        elif made is not None and not made.is_measured:
            yield key, f"{label} works on {_TABLES}; {name} is {_left_by(made)}"
        elif made is not None and rows and issubclass(class_of(made.entry), CellMetric):
            yield key, f"{label} works on {_TABLES}; {name} folds cells and keeps no rows"

    def _cells(self, planned: PlannedStep) -> Iterator[Finding]:
        """Check that the folded variables are those of the step, and its measures there."""
        label, upstream = planned.entry.label, self._steps.get(planned.upstream)
        if planned.against is not None:
            yield "against", f"{label} goes over the cells of one step; drop against:"
        if not planned.over:
            yield "uses", f"{label} goes over cells; name the variables with over:"
        if upstream is not None:
            yield from self._folded(planned, upstream)

    def _folded(self, planned: PlannedStep, upstream: PlannedStep) -> Iterator[Finding]:
        """Check the variables that are folded, and the measures that are needed of each cell."""
        if upstream.by is not None:
            yield (
                "from",
                (
                    f"{upstream.id} measures groups of samples (by: {upstream.by}), not whole cells; "
                    "fold a step without by:"
                ),
            )
        for name in planned.over:
            if name not in upstream.variables:
                there = listed(upstream.variables) if upstream.variables else "no variable"
                hint = suggestion(name, upstream.variables)
                yield "over", f"{upstream.id} does not vary with {name}{hint}; it has {there}"
        plugin = next(iter(planned.plugins.values()))
        for name in needed(planned, plugin) if isinstance(plugin, CellMetric) else ():
            fault = self._unmeasured(upstream, name)
            if fault is not None:
                yield "with", fault

    def _unmeasured(self, upstream: PlannedStep, name: str) -> str | None:
        """Say why the cells of a step will not have a measure; None where they may."""
        known = known_of(upstream, self._metrics, self._steps)
        if known is not None and name not in known:
            return f"{upstream.id} has no measure {name}{suggestion(name, sorted(known))}"
        if upstream.role != "attack":
            return None
        if name in AFTERWARDS:
            return f"{name} compares attacks when all steps have run, so no step can fold it"
        return unprobed(
            name, class_of(upstream.entry), upstream.options.get("probe"), upstream.goal
        )


def _left_by(made: PlannedStep) -> str:
    """Say what a step leaves."""
    return "a definition" if made.role == "define" else class_of(made.entry).describes.leaves


def _column_faults(label: str, cls: type[Metric], table: PlannedStep) -> Iterator[str]:
    """Say which columns a metric needs that the table of a step cannot have."""
    name, goal = table.id, goal_of(table)
    if not can_have(cls, goal):
        if goal is not None:
            which = "attacks" if goal.of_answer else f"attacks with objective: {goal.name}"
            yield f"{label} does not measure {which}; {name} is one"
        else:
            lacking = listed(column for column in cls.wants if column in ATTACKS_ALONE)
            yield f"{label} needs {lacking}, which attacks alone have; {name} is none"
    elif (why := misjudges(cls, table)) is not None:
        yield f"{label} {why}"
    elif missing := undecided(table).intersection(cls.wants):
        lacking = listed(sorted(missing))
        yield f"{label} needs {lacking}, which {name} does not decide; name a step that does"
