"""Resolving: every data set and step of a file with its plugin, parameters and cells."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from adversity.contracts import Dataset, MetricBase, Plugin
from adversity.data.labels_map import read_labels
from adversity.errors import DataError
from adversity.pipeline.plan.graph import names_plugin, order_steps
from adversity.pipeline.plan.matrix import count, expand, fill
from adversity.pipeline.plan.model import Cell, PlannedData, PlannedStep
from adversity.pipeline.read.load import Loaded, variables_in
from adversity.pipeline.read.project_paths import escaping, place_fault, place_in
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from adversity.contracts import PluginBase
    from adversity.pipeline.plan.plugins import PluginFinder
    from adversity.pipeline.read.findings import Findings, KeyPath
    from adversity.pipeline.read.spec import DataSpec, StepSpec
    from adversity.registry import Entry

__all__ = ["Measured", "resolve_data", "resolve_metrics", "resolve_steps"]

Measured = tuple["Entry", MetricBase]
"""A metric with where it comes from."""

_DEFINES = "data sets stand under data:, metrics under metrics:"


def resolve_data(
    loaded: Loaded, finder: PluginFinder, findings: Findings
) -> dict[str, PlannedData]:
    """Resolve the data sets; those with findings are left out."""
    planned_data = {}
    for id_, spec in loaded.spec.data.items():
        path: KeyPath = ("data", id_)
        entry = _expected(finder, spec.uses, "data", (*path, "uses"), findings)
        plugin = finder.build(entry, spec.parameters, (*path, "with")) if entry else None
        fault = _labels_fault(loaded.root, spec.labels) if spec.labels else None
        if fault:
            findings.add((*path, "labels"), f"labels: {fault}")
        elif entry and isinstance(plugin, Dataset):
            _stays_inside(loaded.root, entry, plugin, (*path, "with"), findings)
            planned_data[id_] = _planned_data(loaded, id_, spec, entry, plugin, findings)
    return planned_data


def _labels_fault(root: Path, labels: str) -> str | None:
    """Say what is wrong with a `labels:` file, its rows included."""
    fault = place_fault(root, labels)
    if fault is None:
        try:
            read_labels(root / labels, labels)
        except DataError as error:
            return str(error)
    return fault


def _planned_data(
    loaded: Loaded, id_: str, spec: DataSpec, entry: Entry, plugin: Dataset, findings: Findings
) -> PlannedData:
    location = f"data/{entry.name}" if plugin.packaged else plugin.location()
    if location is not None:
        inside = place_in(loaded.root, location)
        if inside is None or inside == ".":
            what = f"{location} must lie in the project, as a folder or file of its own"
            message = f"{entry.label}: {what}; put the data there"
            findings.add(("data", id_, "with"), message)
        location = inside
    prepare = {name: size for name, size in spec.prepare.model_dump().items() if size is not None}
    labels = place_in(loaded.root, spec.labels) if spec.labels else None
    line = findings.where(("data", id_))
    return PlannedData(id_, entry, plugin, prepare, location, labels, line)


def resolve_metrics(
    loaded: Loaded, finder: PluginFinder, findings: Findings
) -> tuple[Measured, ...]:
    """Resolve the metrics that the file names."""
    measured: list[Measured] = []
    for index, spec in enumerate(loaded.spec.metrics):
        path: KeyPath = ("metrics", index)
        entry = _expected(finder, spec.uses, "measure", (*path, "uses"), findings)
        plugin = finder.build(entry, spec.parameters, (*path, "with")) if entry else None
        if entry and any(other.qualified == entry.qualified for other, _ in measured):
            findings.add(path, f"{spec.uses} is named twice, and a measure has one name; keep one")
        elif entry and isinstance(plugin, MetricBase) and plugin.step_only():
            why = f"{spec.uses} stands in a step of its own, since {plugin.step_only()}"
            findings.add(path, f"{why}; write it under steps: with from:")
        elif entry and isinstance(plugin, MetricBase):
            _stays_inside(loaded.root, entry, plugin, (*path, "with"), findings)
            measured.append((entry, plugin))
    return tuple(measured)


def _expected(
    finder: PluginFinder, uses: str, makes: str, path: KeyPath, findings: Findings
) -> Entry | None:
    """Find a plugin that must make something certain (data, a measure)."""
    if not names_plugin(uses):
        findings.add(path, f"uses: expected kind/name such as dataset/folder, got {uses}")
        return None
    entry = finder.find(uses, path)
    if entry is not None and class_of(entry).makes != makes:
        findings.add(path, f"{_what(uses, entry)}, and {makes} is expected here; {_DEFINES}")
        return None
    return entry


def _what(uses: str, entry: Entry) -> str:
    """Say what a plugin that stands in a wrong place makes, or that it makes nothing."""
    cls = class_of(entry)
    if cls.makes:
        return f"{uses} makes {cls.makes}"
    return f"{uses} is a parameter of other plugins, under with:, and never a step"


def resolve_steps(
    loaded: Loaded, finder: PluginFinder, findings: Findings
) -> dict[str, PlannedStep]:
    """Resolve the steps in an order in which needs come first; faulty ones are left out."""
    steps = loaded.spec.steps
    nested = {id_: finder.named_steps(step, steps) for id_, step in steps.items()}
    resolver = _StepResolver(loaded, finder, findings, nested)
    for id_ in order_steps(loaded.spec, findings, nested, finder.names()):
        resolver.resolve(id_)
    return resolver.planned_steps


class _StepResolver:
    def __init__(
        self,
        loaded: Loaded,
        finder: PluginFinder,
        findings: Findings,
        nested: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._nested = nested
        self.planned_steps: dict[str, PlannedStep] = {}
        self._loaded = loaded
        self._finder = finder
        self._findings = findings
        self._cells = 0
        self._labels = {name: loaded.labels(name) for name in loaded.spec.matrix}

    def resolve(self, id_: str) -> None:
        """Add a step to the planned ones, or findings."""
        step = self._loaded.spec.steps[id_]
        entry = self._entry(id_, step)
        if entry is None or self._folds_what_it_uses(id_, step):
            return
        own = names_plugin(step.uses)
        variables = self._variables(id_, step)
        if not self._affordable(id_, variables):
            return
        cells = expand(self._labels, variables)
        plugins = (
            self._built(id_, entry, cells)
            if own
            else _borrowed(self.planned_steps[step.uses], cells)
        )
        if plugins is None:
            return
        role = _role(step, entry)
        self.planned_steps[id_] = PlannedStep(
            id=id_,
            role=role,
            entry=entry,
            definition=id_ if own else step.uses,
            source=step.source,
            against=step.against,
            over=step.over,
            fit_on=step.fit_on,
            knowledge=step.knowledge or "white-box",
            keep=role == "attack",
            variables=variables,
            cells=cells,
            plugins=plugins,
            options=_options(step, class_of(entry).describes.keys),
            line=self._findings.where(("steps", id_)),
            nested=self._nested[id_] if own else self.planned_steps[step.uses].nested,
        )

    def _folds_what_it_uses(self, id_: str, step: StepSpec) -> bool:
        """Refuse a variable that `over:` folds in the parameters, where it has no one value."""
        both = [name for name in variables_in(step.parameters) if name in step.over]
        for name in both:
            message = f"${name} has no one value here, since over: folds it; drop one of both"
            self._findings.add(("steps", id_, "with"), message)
        return bool(both)

    def _affordable(self, id_: str, variables: tuple[str, ...]) -> bool:
        """Count the cells of a step before they are made; the steps before took some already."""
        most, cells = self._loaded.spec.run.max_cells, count(self._labels, variables)
        before, self._cells = self._cells, self._cells + cells
        if self._cells <= most:
            return True
        if before <= most:  # said once, at the step with which it becomes too much
            factors = " x ".join(f"{name} {len(self._labels[name])}" for name in variables)
            message = (
                f"the matrix gives {id_} {cells:,} cells ({factors}), with the steps before "
                f"{self._cells:,}; expected at most run.max_cells = {most:,} over all steps: "
                "shorten a list, or write a larger max_cells: under run:"
            )
            self._findings.add(("steps", id_), message)
        return False

    def _entry(self, id_: str, step: StepSpec) -> Entry | None:
        path: KeyPath = ("steps", id_, "uses")
        if names_plugin(step.uses):
            entry = self._finder.find(step.uses, path)
            if entry is not None and not class_of(entry).describes.is_step:
                self._findings.add(path, f"{_what(step.uses, entry)}; {_DEFINES}")
                return None
            return entry
        definition = self.planned_steps.get(step.uses)
        if definition is not None and definition.role != "define":
            message = f"{step.uses} is not a definition, it has from:; name its plugin instead"
            self._findings.add(path, f"uses: {message}")
            return None
        return definition.entry if definition else None

    def _variables(self, id_: str, step: StepSpec) -> tuple[str, ...]:
        """Return the variables of a step and of all it comes from, in the file's order."""
        used = set(variables_in(step.parameters))
        for name in (*step.source, step.against, step.fit_on, step.uses, *self._nested[id_]):
            if name in self.planned_steps:
                used.update(self.planned_steps[name].variables)
        return tuple(name for name in self._labels if name in used and name not in step.over)

    def _values(self, cell: Cell) -> dict[str, Any]:
        """Return the values that a cell's labels stand for."""
        matrix = self._loaded.spec.matrix
        return {name: matrix[name][self._labels[name].index(label)] for name, label in cell.values}

    def _built(
        self, id_: str, entry: Entry, cells: tuple[Cell, ...]
    ) -> dict[Cell, PluginBase] | None:
        """Build the plugin for every cell, once for each combination that it uses itself."""
        parameters = self._loaded.spec.steps[id_].parameters
        path: KeyPath = ("steps", id_, "with")
        nested = self._nested[id_]
        if any(name not in self.planned_steps for name in nested):
            return None  # the step it names has findings of its own
        inner = [name for step in nested for name in self.planned_steps[step].variables]
        own = (*variables_in(parameters), *inner)
        parts = dict.fromkeys(cell.restrict(own) for cell in cells)
        by_part = {part: fill(parameters, self._values(part)) for part in parts}
        step_of = partial(_plugin_of_step, self.planned_steps, self._loaded.spec.steps)
        built = self._finder.build_cells(entry, by_part, path, lambda cell: partial(step_of, cell))
        if built is None:
            return None
        for plugin in built.values():
            _stays_inside(self._loaded.root, entry, plugin, path, self._findings)
        return {cell: built[cell.restrict(own)] for cell in cells}


def _stays_inside(
    root: Path, entry: Entry, plugin: PluginBase, path: KeyPath, findings: Findings
) -> None:
    """Refuse parameters that name something outside the project; a location is checked apart."""
    location = plugin.location() if isinstance(plugin, Dataset) else None
    for name, text in escaping(root, plugin):
        if text == location:
            continue
        message = f"{name}: {text} must lie in the project {root}; copy the file there"
        findings.add((*path, name), f"{entry.label}: {message}")


def _role(step: StepSpec, entry: Entry) -> str:
    """Say what a step does: as its kind says, or define a plugin if it has no `from:`."""
    kind = class_of(entry).describes
    return "define" if not step.source and not kind.against else str(kind.role)


def _options(step: StepSpec, keys: Iterable[str]) -> dict[str, Any]:
    """Return the settings of its kind that stand on a step; what is left out is in no key."""
    given: dict[str, Any] = {"objective": step.objective or "misclassify", "probe": step.probe}
    return {name: given[name] for name in keys if given.get(name) is not None}


def _plugin_of_step(
    planned_steps: Mapping[str, PlannedStep], steps: Mapping[str, StepSpec], cell: Cell, uses: str
) -> Plugin[Any] | str | None:
    """Return the plugin of a definition that stands in a parameter, why not, or None."""
    if uses not in steps or steps[uses].source or uses not in planned_steps:
        return None
    planned = planned_steps[uses]
    origin = planned.entry.distribution, planned.entry.version
    return Plugin(planned.plugins[cell.restrict(planned.variables)], *origin, step=uses)


def _borrowed(definition: PlannedStep, cells: tuple[Cell, ...]) -> dict[Cell, PluginBase]:
    return {cell: definition.plugins[cell.restrict(definition.variables)] for cell in cells}
