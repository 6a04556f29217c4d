"""Resolving: every data set and metric of a file with its plugin and parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.contracts import Dataset, MetricBase
from adversity.data.labels_map import read_labels
from adversity.errors import DataError
from adversity.pipeline.plan.data_versions import pinned_data
from adversity.pipeline.plan.graph import names_plugin
from adversity.pipeline.plan.in_versions import version_id
from adversity.pipeline.plan.matrix import expand
from adversity.pipeline.plan.model import PlannedData
from adversity.pipeline.read.load import variables_in
from adversity.pipeline.read.project_paths import escaping, outside_fault, place_fault, place_in
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adversity.contracts import PluginBase
    from adversity.pipeline.plan.plugins import PluginFinder
    from adversity.pipeline.read.findings import Findings, KeyPath
    from adversity.pipeline.read.load import Loaded
    from adversity.pipeline.read.spec import DataSpec
    from adversity.registry import Entry

__all__ = ["Measured", "misplaced", "resolve_data", "resolve_metrics", "stays_inside"]

Measured = tuple["Entry", MetricBase]
"""A metric with where it comes from."""


def resolve_data(
    loaded: Loaded, finder: PluginFinder, findings: Findings
) -> dict[str, PlannedData]:
    """Resolve the data sets; those with findings are left out."""
    planned_data: dict[str, PlannedData] = {}
    for id_, spec in loaded.spec.data.items():
        path: KeyPath = ("data", id_)
        entry = _expected(finder, spec.uses, "data", (*path, "uses"), findings)
        plugin = finder.build(entry, spec.parameters, (*path, "with")) if entry else None
        fault = _labels_fault(loaded.root, spec.labels) if spec.labels else None
        if fault:
            findings.add((*path, "labels"), f"labels: {fault}")
        elif entry and isinstance(plugin, Dataset):
            stays_inside(loaded.root, entry, plugin, (*path, "with"), findings)
            planned = _planned_data(loaded, id_, spec, entry, plugin, findings)
            planned_data |= {one.id: one for one in _versions(loaded, planned, plugin, findings)}
    return planned_data


def _versions(
    loaded: Loaded, planned: PlannedData, plugin: Dataset, findings: Findings
) -> Iterator[PlannedData]:
    """Yield a data set as it is at its revision; at each that a variable of the matrix names."""
    names, matrix = variables_in(loaded.spec.data[planned.id].rev), loaded.spec.matrix
    labels = {name: loaded.labels(name) for name in matrix}
    for cell in expand(labels, names):
        path: KeyPath = ("data", planned.id, "rev")
        revision = loaded.spec.data[planned.id].rev
        for name, label in cell.values:
            path, revision = ("matrix", name, labels[name].index(label)), label
        at = pinned_data(loaded, revision, plugin, planned, path, findings)
        location = planned.location if at is None else at.folder
        id_ = version_id(planned.id, cell)
        yield replace(planned, id=id_, location=location, pinned=at, cell=cell)


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
            whole = (
                f"{location} must lie in the project as a folder or file of its own; put it there"
            )
            fault = whole if inside else outside_fault(loaded.root, location)
            findings.add(("data", id_, "with"), f"{entry.label}: {fault}")
        location = inside
    prepare = {name: size for name, size in spec.prepare.model_dump().items() if size is not None}
    labels = place_in(loaded.root, spec.labels) if spec.labels else None
    line = findings.where(("data", id_))
    return PlannedData(
        id_, entry, plugin, prepare, location, labels, line, spec.images, spec.unknown
    )


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
            stays_inside(loaded.root, entry, plugin, (*path, "with"), findings)
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
        findings.add(path, misplaced(uses, entry, f", and {makes} is expected here"))
        return None
    return entry


def misplaced(uses: str, entry: Entry, why: str = "") -> str:
    """Say what a plugin that stands in a wrong place makes, or that it makes nothing, and where to."""
    cls, never = class_of(entry), "is a parameter of other plugins, under with:, and never a step"
    what = f"{uses} makes {cls.makes}" if cls.makes else f"{uses} {never}"
    return f"{what}{why}; data sets stand under data:, metrics under metrics:"


def stays_inside(
    root: Path, entry: Entry, plugin: PluginBase, path: KeyPath, findings: Findings
) -> None:
    """Refuse parameters that name something outside the project; a location is checked apart."""
    location = plugin.location() if isinstance(plugin, Dataset) else None
    for name, text in escaping(root, plugin):
        if text == location:
            continue
        findings.add((*path, name), f"{entry.label}: {name}: {outside_fault(root, text)}")
