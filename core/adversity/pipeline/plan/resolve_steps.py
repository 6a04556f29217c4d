"""Resolving: every step of a file with its plugins, parameters and cells."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from adversity.contracts import Classifier, Detector, Fitted, Plugin, PostHoc, Score
from adversity.pipeline.plan.fit_sources import named_sources
from adversity.pipeline.plan.graph import names_plugin, order_steps, references
from adversity.pipeline.plan.matrix import count, expand, fill, filled
from adversity.pipeline.plan.model import Cell, PlannedStep
from adversity.pipeline.plan.resolve import misplaced, stays_inside
from adversity.pipeline.read.findings import listed
from adversity.pipeline.read.load import Loaded, variables_in, variables_of
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adversity.contracts import PluginBase
    from adversity.pipeline.plan.plugins import PluginFinder
    from adversity.pipeline.read.findings import Findings, KeyPath
    from adversity.pipeline.read.spec import StepSpec
    from adversity.registry import Entry

__all__ = ["resolve_steps"]


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
        if self._folds_what_it_uses(id_, step):
            return
        entries = self._entries(id_, step)
        if not entries or self._folds_versions(id_, step, next(iter(entries.values()))):
            return
        own = names_plugin(step.uses)
        variables = self._variables(id_, step)
        if not self._affordable(id_, variables):
            return
        cells = expand(self._labels, variables)
        if own:
            plugins = self._built(id_, entries, cells)
        else:
            definition = self.planned_steps[step.uses]
            plugins = {cell: definition.plugins[definition.own(cell)] for cell in cells}
        if plugins is None:
            return
        entry = next(iter(entries.values()))
        role = _role(step, entry)
        self.planned_steps[id_] = PlannedStep(
            id=id_,
            role=role,
            entry=entry,
            entries={cell: entries[cell.restrict(variables_of(step.uses))] for cell in cells}
            if own
            else {cell: definition.entry_of(cell) for cell in cells},
            definition=id_ if own else step.uses,
            source=step.source,
            against=step.against,
            over=step.over,
            by=step.by,
            fit_on=named_sources(step.fit_on, class_of(entry)),
            weights=step.weights,
            fold_count=step.folds,
            bootstrap=None if step.bootstrap is None else str(step.bootstrap),
            knowledge=step.knowledge or "white-box",
            variables=variables,
            cells=cells,
            plugins=plugins,
            options=_options(step, class_of(entry).describes.keys),
            line=self._findings.where(("steps", id_)),
            nested=self._nested[id_] if own else self.planned_steps[step.uses].nested,
        )

    def _folds_what_it_uses(self, id_: str, step: StepSpec) -> bool:
        """Refuse a variable that `over:` folds where the plugin hangs on its value."""
        own = dict.fromkeys(variables_in(step.parameters), "with")
        own |= dict.fromkeys(variables_in(step.bootstrap), "bootstrap")
        for other in (step.uses, *self._nested[id_]):
            if other in self.planned_steps:
                own |= dict.fromkeys(self.planned_steps[other].variables, "uses")
        own |= dict.fromkeys(variables_of(step.uses), "uses")
        both = [name for name in own if name in step.over]
        for name in both:
            message = f"${name} has no one value here, since over: folds it; drop one of both"
            self._findings.add(("steps", id_, own[name]), message)
        return bool(both)

    def _folds_versions(self, id_: str, step: StepSpec, entry: Entry) -> bool:
        """Refuse members that answer the images of several versions of a data set."""
        data = self._loaded.spec.data.values()
        versions = {name for one in data for name in variables_in(one.rev)}.intersection(step.over)
        if _role(step, entry) == "measure" or not versions:
            return False
        message = (
            f"over: {listed(sorted(versions))} names versions of data, and members answer the same "
            "images; fold another variable"
        )
        self._findings.add(("steps", id_, "over"), message)
        return True

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

    def _entries(self, id_: str, step: StepSpec) -> dict[Cell, Entry]:
        """Return the plugin of a step, for each value of a variable in `uses:`; none with findings."""
        path: KeyPath = ("steps", id_, "uses")
        if not names_plugin(step.uses):
            definition = self.planned_steps.get(step.uses)
            if definition is not None and definition.role != "define":
                message = f"{step.uses} is not a definition, it has from:; name its plugin instead"
                self._findings.add(path, f"uses: {message}")
                return {}
            return {} if definition is None else {Cell(): definition.entry}
        entries: dict[Cell, Entry] = {}
        parts = expand(self._labels, variables_of(step.uses))
        for part in parts:
            uses = filled(step.uses, self._values(part))
            entry = self._finder.find(uses, path)
            if entry is not None and not class_of(entry).describes.is_step:
                self._findings.add(path, misplaced(uses, entry))
            elif entry is not None:
                entries[part] = entry
        if len(entries) < len(parts):
            return {}
        faults = _unlike(step.uses, list(entries.values()))
        for fault in faults:
            self._findings.add(path, fault)
        return {} if faults else entries

    def _variables(self, id_: str, step: StepSpec) -> tuple[str, ...]:
        """Return the variables of a step and of all it comes from, in the file's order."""
        used = {*variables_of(step.uses), *variables_in([step.parameters, step.bootstrap])}
        named = (name for _, name in references(id_, step))
        for name in (*named, *self._nested[id_]):
            if name in self.planned_steps:
                used.update(self.planned_steps[name].variables)
            elif name in self._loaded.spec.data:
                used.update(variables_in(self._loaded.spec.data[name].rev))
        return tuple(name for name in self._labels if name in used and name not in step.over)

    def _values(self, cell: Cell) -> dict[str, Any]:
        """Return the values that a cell's labels stand for."""
        matrix = self._loaded.spec.matrix
        return {name: matrix[name][self._labels[name].index(label)] for name, label in cell.values}

    def _built(
        self, id_: str, entries: Mapping[Cell, Entry], cells: tuple[Cell, ...]
    ) -> dict[Cell, PluginBase] | None:
        """Build the plugin for every cell, once for each combination that it uses itself."""
        step = self._loaded.spec.steps[id_]
        path: KeyPath = ("steps", id_, "with")
        nested = self._nested[id_]
        if any(name not in self.planned_steps for name in nested):
            return None  # the step it names has findings of its own
        inner = [name for other in nested for name in self.planned_steps[other].variables]
        in_uses = variables_of(step.uses)
        own = (*in_uses, *variables_in(step.parameters), *inner)
        by_plugin: dict[Cell, dict[Cell, Mapping[str, Any]]] = {}
        for part in dict.fromkeys(cell.restrict(own) for cell in cells):
            parameters = fill(step.parameters, self._values(part))
            by_plugin.setdefault(part.restrict(in_uses), {})[part] = parameters
        step_of = partial(_plugin_of_step, self.planned_steps, self._loaded.spec.steps)
        plugins: dict[Cell, PluginBase] = {}
        for which, by_part in by_plugin.items():
            entry = entries[which]
            built = self._finder.build_cells(
                entry, by_part, path, lambda cell: partial(step_of, cell)
            )
            for plugin in (built or {}).values():
                stays_inside(self._loaded.root, entry, plugin, path, self._findings)
            plugins |= built or {}
        if len(plugins) < sum(map(len, by_plugin.values())):
            return None
        return {cell: plugins[cell.restrict(own)] for cell in cells}


def _role(step: StepSpec, entry: Entry) -> str:
    """Say what a step does: as its kind says, or define a plugin if it has no `from:`."""
    kind = class_of(entry).describes
    return "define" if not step.source and not kind.against else str(kind.role)


def _options(step: StepSpec, keys: Iterable[str]) -> dict[str, Any]:
    """Return the settings of its kind that stand on a step; what is left out is in no key."""
    given: dict[str, Any] = {
        "objective": step.objective or "misclassify",
        "probe": step.probe,
        "classes": step.classes,
    }
    return {name: given[name] for name in keys if given.get(name) is not None}


def _plugin_of_step(
    planned_steps: Mapping[str, PlannedStep], steps: Mapping[str, StepSpec], cell: Cell, uses: str
) -> Plugin[Any] | str | None:
    """Return the plugin of a definition that stands in a parameter, why not, or None."""
    if uses not in steps or steps[uses].source or uses not in planned_steps:
        return None
    planned = planned_steps[uses]
    own = planned.own(cell)
    entry = planned.entry_of(own)
    return Plugin(planned.plugins[own], entry.distribution, entry.version, step=uses)


def _unlike(uses: str, entries: Sequence[Entry]) -> list[str]:
    """Say why these plugins cannot take turns in one step: they differ in more than the method.

    One value today may be two tomorrow, so that what a variable stands for is asked of one, too.
    """
    if not variables_of(uses):
        return []
    classes = [class_of(entry) for entry in entries]
    kinds = dict.fromkeys(cls.describes for cls in classes)
    if len(kinds) > 1:
        named = ", ".join(f"{entry.kind}/{entry.name}" for entry in entries)
        return [f"{uses}: expected plugins of one kind, got {named}; write a step for each kind"]
    if not all(map(_takes_turns, classes)):
        kind = next(iter(kinds)).plural
        may = (
            "degradations, restorations, classifiers, regressors, calibrators, scores or detectors"
        )
        these = "decisions, ensembles or draws" if kind == "uncertainties" else kind
        return [f"{uses}: a variable stands for {may}, not for {these}; write a step for each"]
    ways = {entry.name: _way(cls) for entry, cls in zip(entries, classes, strict=True)}
    if len(set(ways.values())) > 1:
        each = "; ".join(f"{name} {way}" for name, way in ways.items())
        what = "expected plugins that differ in their method alone"
        return [f"{uses}: {what}, got: {each}; write a step for each sort"]
    return []


def _takes_turns(cls: type[PluginBase]) -> bool:
    """Say whether a variable of the matrix may stand for plugins such as this one.

    Budget, ledger and gates ask each attack by itself, and a metric's measures have its name. So has
    a score's column, which is empty in the cells of others: whoever reads it goes by the same
    variable.
    """
    by_turns = (PostHoc, Score, Detector)
    return cls.describes.role in ("view", "predict", "regress") or issubclass(cls, by_turns)


def _way(cls: type[PluginBase]) -> str:
    """Say what plugins of one step must have in common: what fits them, and what they give."""
    fits = "is not fitted"
    if issubclass(cls, Fitted):
        named = "" if cls.fit_sources == ("train",) else f" of {' and '.join(cls.fit_sources)}"
        may = f" and perhaps {' and '.join(cls.may_take)}" if cls.may_take else ""
        fits = f"is fitted on {cls.fits_on}{named}{may}"
    if issubclass(cls, Classifier):
        return f"gives {cls.gives} and {fits}"
    if issubclass(cls, Score):
        return f"scores {'members' if cls.needs_members else 'answers'} and {fits}"
    return f"scores features and {fits}" if issubclass(cls, Detector) else fits
