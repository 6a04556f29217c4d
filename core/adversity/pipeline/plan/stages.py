"""Stages: what DVC records for each step that leaves an artifact, and what it depends on.

`run:` changes no number, so it enters no key; but for the type of `run.device`, which changes the
last bits. Gates enter those of attacks in rounds alone, which may stop once their gates are decided.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adversity.contracts import Combine, Sampling
from adversity.pipeline.plan.chain import victim_of
from adversity.pipeline.plan.data_versions import version_stages
from adversity.pipeline.plan.features import needs_head
from adversity.pipeline.plan.in_versions import file_name, versions_in
from adversity.pipeline.plan.model import PlannedData, PlannedStep, Stage
from adversity.pipeline.plan.nested import all_nested
from adversity.pipeline.plan.paths import ancestors
from adversity.pipeline.plan.recorded import recorded
from adversity.pipeline.plan.stop_rules import may_stop
from adversity.pipeline.read.project_paths import files_in
from adversity.pipeline.read.spec import RESERVED
from adversity.registry.entry import class_of
from adversity.registry.project_modules import project_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adversity.contracts import MetricBase, PluginBase
    from adversity.pipeline.read.load import Loaded

__all__ = ["make_stages", "packaged_file", "resolved_file"]


def resolved_file(name: str) -> str:
    """Return the DVC param file that holds a pipeline's resolved plugins."""
    return f"pipelines/.resolved/{name}.yaml"


def packaged_file(name: str) -> str:
    """Return the DVC param file that holds where a packaged data set comes from.

    It is a file of its own, since pipelines share the data set's stage.
    """
    return f"pipelines/.resolved/data/{name}.yaml"


@dataclass(slots=True)
class _Inputs:
    """What a stage depends on, as it is found."""

    deps: dict[str, None] = field(default_factory=dict)
    steps: dict[str, None] = field(default_factory=dict)
    data: dict[str, None] = field(default_factory=dict)
    views: dict[str, None] = field(default_factory=dict)
    gates: dict[str, None] = field(default_factory=dict)


def make_stages(
    loaded: Loaded,
    data: Mapping[str, PlannedData],
    steps: Mapping[str, PlannedStep],
    metrics: Iterable[MetricBase] = (),
) -> tuple[Stage, ...]:
    """Return the stages in the order they run: packaged data, versions, steps, the report."""
    maker = _Maker(loaded, data, steps, tuple(metrics))
    stages = [maker.stage(planned) for planned in steps.values() if planned.has_artifact]
    return (*maker.packaged(), *version_stages(data.values()), *stages, maker.report())


class _Maker:
    def __init__(
        self,
        loaded: Loaded,
        data: Mapping[str, PlannedData],
        steps: Mapping[str, PlannedStep],
        metrics: tuple[MetricBase, ...],
    ) -> None:
        self._loaded = loaded
        self._metrics = metrics
        self._spec = loaded.spec
        self._data = data
        self._steps = steps
        self._files_of: dict[str, tuple[str, ...]] = {}

    def out(self, id_: str) -> str:
        return f"artifacts/{self._spec.name}/{id_}"

    def packaged(self) -> list[Stage]:
        """Return a stage for each data set that comes inside a package."""
        names = {
            planned.entry.name
            for planned in self._data.values()
            if getattr(class_of(planned.entry), "packaged", False)
        }
        return [
            Stage(
                step=f"data:{name}",
                name=f"data-{name}",
                command=f"adversity materialise {name}",
                deps=(),
                params={packaged_file(name): (name,)},
                out=f"data/{name}",
            )
            for name in sorted(names)
        ]

    def stage(self, planned: PlannedStep) -> Stage:
        inputs = _Inputs()
        self._add_step(inputs, planned)
        if planned.role != "define" and issubclass(class_of(planned.entry), Sampling):
            self._add_asked(inputs, self._steps[planned.upstream])
        else:
            self._add_sources(inputs, planned.reads)
        if planned.role == "attack":
            self._add_chain(inputs, planned)
            inputs.gates |= {planned.id: None} if may_stop(planned) else {}
        self._add_sources(inputs, planned.fitted_by)
        if issubclass(class_of(planned.entry), Combine):
            self._add_networks(inputs, planned)
        if any(map(needs_head, planned.plugin_entries)) and planned.source:
            self._add_step(inputs, self._steps[planned.upstream])
        return self._finished(
            planned.id,
            inputs,
            measured=planned.is_measured or bool(recorded(planned)),
            variables=self._variables(planned),
            metrics=planned.is_measured and planned.role != "measure",
        )

    def _add_asked(self, inputs: _Inputs, classifier: PlannedStep) -> None:
        """Add what a classifier answers, and the images: what it said of them is not read."""
        self._add_link(inputs, classifier)
        self._add_fit(inputs, classifier.definition)
        self._add_sources(inputs, classifier.source)

    def _variables(self, planned: PlannedStep) -> tuple[str, ...]:
        """Return the variables of a step, and those whose values are folded into it or its victim."""
        names = dict.fromkeys((*planned.variables, *planned.over))
        if planned.role == "attack":
            for part in victim_of(planned, self._steps).parts:
                names |= dict.fromkeys(part.over)
        return tuple(names)

    def _add_networks(self, inputs: _Inputs, planned: PlannedStep) -> None:
        """Add what fitted the members: that no two are one network is seen in their states."""
        for name in sorted(ancestors(planned.id, self._steps)):
            if name in self._steps and self._steps[name].role == "predict":
                self._add_fit(inputs, self._steps[name].definition)

    def report(self) -> Stage:
        """Return the last stage: it shows every artifact, the data and the settings."""
        inputs = _Inputs()
        for planned in self._steps.values():
            self._add_step(inputs, planned)
            if planned.role == "view":
                inputs.views[planned.id] = None
            if planned.has_artifact:
                inputs.deps[self.out(planned.id)] = None
        for name in dict.fromkeys(map(file_name, self._data)):
            self._add_data(inputs, name)
        variables = tuple(self._spec.matrix)
        return self._finished(RESERVED, inputs, measured=True, variables=variables, metrics=True)

    def _finished(
        self,
        id_: str,
        inputs: _Inputs,
        *,
        measured: bool,
        variables: tuple[str, ...],
        metrics: bool,
    ) -> Stage:
        """Return a stage.

        Args:
            id_: The step's id.
            inputs: What it depends on.
            measured: It leaves measures.
            variables: The matrix variables that it goes through.
            metrics: The metrics of the pipeline are computed in it.
        """
        whole = id_ == RESERVED
        out = self.out(id_)
        if metrics:
            self._add_files(inputs, self._metrics)
        return Stage(
            step=id_,
            name=f"{self._spec.name}-{id_}",
            command=f"adversity step {shlex.quote(self._loaded.file)} {id_}",
            deps=tuple(sorted(dep for dep in inputs.deps if dep != out)),
            params=self._params(inputs, variables=variables, metrics=metrics, whole=whole),
            out=out,
            metrics=f"metrics/{self._spec.name}/{id_}.json" if measured and not whole else None,
            views=tuple(name for name in self._steps if name in inputs.views),
        )

    def _params(
        self, inputs: _Inputs, *, variables: tuple[str, ...], metrics: bool, whole: bool
    ) -> dict[str, tuple[str, ...]]:
        slices = [f"data.{id_}" for id_ in inputs.data]
        slices += [f"steps.{id_}" for id_ in inputs.steps]
        resolved = [f"data.{id_}" for id_ in inputs.data]
        resolved += [f"steps.{id_}" for id_ in inputs.steps]
        resolved += [f"gates.{id_}" for id_ in inputs.gates]
        slices += [f"matrix.{name}" for name in variables]
        written = self._spec.model_fields_set
        slices += ["seed"] if "seed" in written else []
        slices += ["metrics"] if metrics and "metrics" in written else []
        resolved += ["metrics"] if metrics else []
        resolved += ["core.engine", "core.report" if whole else "core.device"]
        return {
            self._loaded.file: tuple(sorted(slices)),
            resolved_file(self._spec.name): tuple(sorted(resolved)),
        }

    def _add_step(self, inputs: _Inputs, planned: PlannedStep) -> None:
        """Add a step's own settings, its plugin, and where that was fitted."""
        inputs.steps[planned.id] = None
        self._add_files(inputs, planned.plugins.values())
        for name in planned.nested:
            self._add_step(inputs, self._steps[name])
            self._add_fit(inputs, name)
        if planned.definition != planned.id:
            inputs.steps[planned.definition] = None
            self._add_fit(inputs, planned.definition)

    def _add_fit(self, inputs: _Inputs, id_: str) -> None:
        if self._steps[id_].has_artifact:
            inputs.deps[self.out(id_)] = None

    def _add_data(self, inputs: _Inputs, name: str) -> None:
        """Add a data set by its name in the file, in all its versions."""
        inputs.data[name] = None
        for planned in versions_in(self._data, name):
            for place in (planned.location, planned.labels):
                if place is not None:
                    inputs.deps[place] = None
            if planned.pinned is None:
                self._add_files(inputs, (planned.plugin,))
            else:  # its files are those of the revision
                inputs.deps |= dict.fromkeys(self._sources(type(planned.plugin).__module__))

    def _add_sources(self, inputs: _Inputs, names: Iterable[str]) -> None:
        """Go upstream through views to data sets and to the nearest artifacts."""
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in self._steps:
                self._add_data(inputs, name)
                continue
            planned = self._steps[name]
            if planned.has_artifact:
                inputs.deps[self.out(name)] = None
                continue
            self._add_step(inputs, planned)
            inputs.views[name] = None
            waiting.extend(planned.source)

    def _add_chain(self, inputs: _Inputs, planned: PlannedStep) -> None:
        """Add every link from `from:` on to `against:`, those of all members."""
        for link in victim_of(planned, self._steps).parts:
            self._add_link(inputs, link)

    def _add_link(self, inputs: _Inputs, link: PlannedStep) -> None:
        self._add_step(inputs, link)
        if link.role == "view":
            inputs.views[link.id] = None
        elif link.fit_on is not None:
            inputs.deps[self.out(link.id)] = None

    def _add_files(self, inputs: _Inputs, plugins: Iterable[PluginBase]) -> None:
        """Add the files of the project that parameters name, and that define plugins."""
        plugins = tuple(plugins)
        for file in files_in(self._loaded.root, *plugins):
            inputs.deps[file] = None
        for plugin in plugins:
            for each in (plugin, *(nested.plugin for nested in all_nested(plugin))):
                inputs.deps |= dict.fromkeys(self._sources(type(each).__module__))

    def _sources(self, module: str) -> tuple[str, ...]:
        """Return the files of the project that a module of it is made of; they are read once."""
        if module not in self._files_of:
            self._files_of[module] = project_sources(module)
        return self._files_of[module]
