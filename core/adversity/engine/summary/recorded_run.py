"""A finished run as it lies on the disk, and the metrics that measured it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml

from adversity.contracts import MetricBase
from adversity.errors import AdversityError
from adversity.pipeline.plan.measures import measures_of
from adversity.pipeline.plan.resolved_before import missing_words
from adversity.report.tables.read_back import known_then

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adversity.contracts import MeasureInfo
    from adversity.data.stored import StoredTable
    from adversity.registry import Registry

__all__ = ["RecordedRun", "recorded_metrics"]


def _unknown(_data: str, _ids: Sequence[str]) -> Mapping[str, str]:
    """Know nothing of what samples are read from."""
    return {}


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run that is compared with another.

    Attributes:
        name: What people call it: its id, a revision.
        result: Its report as JSON, with the text of the pipeline file.
        table: Returns the rows of a step; None where it left none.
        facts: What else is known: `started`, `versions`, `machine`, `git`, `hashes` of data and
            artifacts by path, `resolved` plugins, as its manifest has them.
        contents: Returns, of a data set and ids in it, the hash of the file that each is read from;
            ids of which nothing is known are left out.
    """

    name: str
    result: Mapping[str, Any]
    table: Callable[[str], StoredTable | None]
    facts: Mapping[str, Any] = field(default_factory=dict)
    contents: Callable[[str, Sequence[str]], Mapping[str, str]] = _unknown

    @property
    def steps(self) -> dict[str, Mapping[str, Any]]:
        """Its steps by id, in the file's order."""
        return {step["id"]: step for step in self.result.get("steps", ())}

    @property
    def file(self) -> Mapping[str, Any]:
        """Its pipeline file, to be read and not changed; empty if that was not kept."""
        return _parsed(str(self.result.get("text", "")))


@lru_cache(maxsize=16)
def _parsed(text: str) -> Mapping[str, Any]:
    """Parse a pipeline file once: a board asks for it at each of a run's figures."""
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return read if isinstance(read, dict) else {}


def recorded_metrics(
    run: RecordedRun, registry: Registry
) -> tuple[list[MetricBase], dict[str, MeasureInfo], tuple[str, ...]]:
    """Return the metrics that measured a run, what is known of its measures, and what is missing.

    Those that every pipeline computes, and those that its file names, with their parameters.

    Args:
        run: The run.
        registry: The plugins that are installed.

    Returns:
        Metrics, not set up; by name, what they and the metrics of steps declare, or, of those that
        are not installed, what the run says of it; and the plugins that are named and cannot be had,
        each with the reason.
    """
    metrics: list[MetricBase] = []
    known = known_then(run.result)
    missing: list[str] = []
    for uses, parameters in _named(run, registry).items():
        found = _metric(run, registry, uses)
        if isinstance(found, str):
            missing.append(found)
            continue
        known |= found.declared()
        if parameters is not None:
            try:
                metrics.append(found(**parameters))
            except ValueError as error:
                missing.append(f"{uses}, whose parameters were others ({_first(error)})")
    return metrics, known | measures_of(metrics), tuple(dict.fromkeys(missing))


def _named(run: RecordedRun, registry: Registry) -> dict[str, Mapping[str, Any] | None]:
    """Return metrics with their parameters; None for one that is a step and measures no other."""
    named: dict[str, Mapping[str, Any] | None] = {
        step["uses"]: None for step in run.steps.values() if step["kind"] == "metric"
    }
    for entry in registry.entries("metric"):
        cls = entry.cls if entry.status == "ok" else None
        if cls is not None and issubclass(cls, MetricBase) and cls.always:
            named[f"metric/{entry.name}"] = {}
    for given in run.file.get("metrics") or ():
        spec: dict[str, Any] = {"uses": given} if isinstance(given, str) else dict(given)
        named[str(spec.get("uses"))] = spec.get("with") or {}
    return named


def _metric(run: RecordedRun, registry: Registry, uses: str) -> type[MetricBase] | str:
    """Return the class of a metric, or its name and why it cannot be had."""
    kind, _, name = uses.partition("/")
    try:
        cls = registry.get(kind, name).cls if name else None
    except AdversityError as error:
        why = (
            missing_words(run.facts.get("resolved"), uses)
            or f"it is not installed: {_first(error)}"
        )
        return f"{uses} ({why})"
    if cls is None or not issubclass(cls, MetricBase):
        return f"{uses} (what has that name here is no metric)"
    return cls


def _first(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
