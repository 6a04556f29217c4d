"""Finding the plugins a pipeline names, and building them with their parameters."""

from __future__ import annotations

import fnmatch
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from adversity.contracts.nested import resolving
from adversity.errors import InputError, UnknownPluginError
from adversity.pipeline.plan.matrix import filled
from adversity.pipeline.plan.nested import named_steps, resolver
from adversity.pipeline.plan.resolved_before import origin_words
from adversity.pipeline.read.findings import Findings, KeyPath, complaints, suggestion
from adversity.pipeline.read.load import variables_of
from adversity.registry.entry import class_of, licence_of
from adversity.registry.marks import mark_key, marked_as, read_marks
from adversity.registry.project_plugins import entry_of, kind_and_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from adversity.contracts import PluginBase
    from adversity.pipeline.plan.model import Cell
    from adversity.pipeline.plan.nested import StepOf
    from adversity.pipeline.read.load import Loaded
    from adversity.pipeline.read.spec import StepSpec
    from adversity.registry import Entry, Registry

__all__ = ["PluginFinder", "attempt"]

_WORD = re.compile(r"[\w.+-]+")
_NON_COMMERCIAL = re.compile(r"(^|-)nc(-|$)|non-?commercial|research-only")
"""How licences say it: CC-BY-NC-4.0, PolyForm-Noncommercial-1.0.0, non-commercial."""
_STATED = (
    "neither the class nor the metadata of its distribution state",
    "have `licence` stated there, use another plugin",
)
_STATED_IN_PROJECT = (
    "the class does not state",
    'write licence: ClassVar[str] = "..." in it, an SPDX id, use another plugin',
)
"""What does not say a licence, and what to do."""


class PluginFinder:
    """Turns `uses:` and `with:` into plugins; what is wrong becomes findings."""

    def __init__(self, loaded: Loaded, registry: Registry, findings: Findings) -> None:
        """Look plugins up in one registry, for one file."""
        self._licences = loaded.spec.licences
        self._matrix = loaded.spec.matrix
        self._marks = read_marks() if loaded.spec.conformance == "required" else None
        self._registry = registry
        self._findings = findings
        self._root, self._pipeline = loaded.root, loaded.spec.name
        self._steps = loaded.spec.steps
        self._found: dict[tuple[str | None, str], Entry | UnknownPluginError] = {}

    def find(self, uses: str, path: KeyPath) -> Entry | None:
        """Return the plugin that `kind/name` names, or None with a finding.

        Args:
            uses: `kind/name`, or `./FILE.py:CLASS`.
            path: Where it stands.
        """
        kind, name = kind_and_name(uses)
        if kind is not None and kind not in self._registry.kinds:
            hint = suggestion(kind, self._registry.kinds)
            if ".py" in name:
                hint = f"; a file of the project begins with ./, did you mean ./{uses}?"
            message = f"unknown kind of plugin {kind!r} in {uses}{hint}"
            self._findings.add(path, message)
            return None
        entry, faults = self.look_up(kind, name)
        for fault in faults:
            self._findings.add(path, fault)
        return entry

    def names(self) -> tuple[str, ...]:
        """Return every plugin that a step can use, as `kind/name`."""
        return tuple(f"{entry.kind}/{entry.name}" for entry in self._registry.entries())

    def look_up(self, kind: str | None, name: str) -> tuple[Entry | None, list[str]]:
        """Return the plugin, None if there is no such, and what speaks against it.

        Args:
            kind: Of which kind; None if a file of the project may have one of any.
            name: Its name, or `./FILE.py:CLASS`.
        """
        try:
            entry = self._entry(kind, name)
            return entry, [*self._licence_faults(entry), *self._conformance_faults(entry)]
        except UnknownPluginError as error:
            origin = origin_words(self._root, self._pipeline, kind, name)
            return None, [f"{error}{origin}"]

    def _entry(self, kind: str | None, name: str) -> Entry:
        """Return a plugin, which is looked up once: a file of the project is imported for it."""
        if (kind, name) not in self._found:
            try:
                self._found[kind, name] = entry_of(
                    kind, name, registry=self._registry, root=self._root
                )
            except UnknownPluginError as error:
                self._found[kind, name] = error
        entry = self._found[kind, name]
        if isinstance(entry, UnknownPluginError):
            raise entry
        return entry

    def named_steps(self, step: StepSpec, steps: Mapping[str, StepSpec]) -> tuple[str, ...]:
        """Return the definitions that a step names as plugins in its parameters; no findings."""
        names: dict[str, None] = {}
        for uses in self._uses(step):
            kind, name = kind_and_name(uses)
            known = kind is None or kind in self._registry.kinds
            with suppress(UnknownPluginError):
                cls = self._entry(kind, name).cls if known else None
                names |= dict.fromkeys(named_steps(cls, step.parameters, steps) if cls else ())
        return tuple(names)

    def _uses(self, step: StepSpec) -> list[str]:
        """Return what a step uses, for each value of a variable there; those unknown are left out."""
        texts = [step.uses]
        for name in variables_of(step.uses):
            values = self._matrix.get(name, ())
            texts = [filled(text, {name: value}) for text in texts for value in values]
        return texts

    def build(
        self, entry: Entry, parameters: Mapping[str, Any], path: KeyPath
    ) -> PluginBase | None:
        """Return the plugin with its parameters, or None with findings.

        Args:
            entry: Which plugin.
            parameters: Values by name; fractions may still be text.
            path: Where `with:` stands.
        """
        with resolving(resolver(self._look_up_no_step, attempt)):
            plugin, faults = attempt(entry, parameters)
        for key, fault in faults.items():
            self._findings.add((*path, *key), fault)
        return plugin

    def _look_up_no_step(self, kind: str, name: str) -> tuple[Entry | None, list[str]]:
        """Look a plugin up where no step can be named: under `data:` and `metrics:`."""
        entry, faults = self.look_up(kind, name)
        if entry is None and name in self._steps:
            fault = (
                f"{name} is a step, and what stands under data: or metrics: serves every step: name "
                "a plugin with its parameters; a metric that needs the step's plugin stands under "
                "steps: with from:"
            )
            return None, [fault]
        return entry, faults

    def build_cells(
        self,
        entry: Entry,
        by_cell: Mapping[Cell, Mapping[str, Any]],
        path: KeyPath,
        step_of: Callable[[Cell], StepOf],
    ) -> dict[Cell, PluginBase] | None:
        """Return the plugin for every cell, or None with findings.

        A fault that all cells share is said once; another names the first cell that has it.

        Args:
            entry: Which plugin.
            by_cell: The parameters in each cell.
            path: Where `with:` stands.
            step_of: Finds, in a cell, the plugin of a step that stands in the parameters.
        """
        plugins: dict[Cell, PluginBase] = {}
        faulty: dict[tuple[KeyPath, str], list[Cell]] = {}
        for cell, parameters in by_cell.items():
            with resolving(resolver(self.look_up, attempt, step_of=step_of(cell))):
                plugin, faults = attempt(entry, parameters)
            if plugin is not None:
                plugins[cell] = plugin
            for fault in faults.items():
                faulty.setdefault(fault, []).append(cell)
        for (key, message), cells in faulty.items():
            shared = len(cells) == len(by_cell)
            note = "" if shared else f" (where {cells[0].key})"
            self._findings.add((*path, *key), message + note)
        return None if faulty else plugins

    def _licence_faults(self, entry: Entry) -> Iterator[str]:
        """Hold the licences against the rules; one that nobody states passes none unsaid."""
        cls, rules = class_of(entry), self._licences
        code = licence_of(cls)
        if rules.deny and code is None and not rules.allow_unknown:
            stated, remedy = _STATED_IN_PROJECT if entry.in_project else _STATED
            yield (
                f"{entry.label}: {stated} the licence of its code, so licences.deny cannot judge "
                f"it; {remedy}, or write allow_unknown: true under licences"
            )
        for what, licence in (("code", code), ("weights", cls.weights_licence)):
            for word in _WORD.findall(licence or ""):
                denied = [rule for rule in rules.deny if _matches(word, rule)]
                if denied:
                    yield (
                        f"{entry.label}: the licence of its {what} is {licence}, "
                        f"which licences.deny refuses ({denied[0]}); use another plugin"
                    )

    def _conformance_faults(self, entry: Entry) -> Iterator[str]:
        """Demand a mark of this very plugin, if the pipeline does."""
        if self._marks is None:
            return
        mark = self._marks.get(mark_key(entry.kind, marked_as(entry), entry.name))
        standing = None if mark is None else mark.standing(entry.version)
        fault = {
            None: "was not checked in this environment",
            "stale": "was checked with another source, kit, engine or library than now",
            "fails": f"breaks {', '.join(mark.failed) if mark else ''}",
        }.get(standing)
        if fault is not None:
            yield (
                f"conformance: required, and {entry.label} {fault}; run `adversity check "
                f"{entry.uses}`"
            )


def attempt(
    entry: Entry, parameters: Mapping[str, Any]
) -> tuple[PluginBase | None, dict[KeyPath, str]]:
    """Return the plugin, or None and what is wrong with which parameter."""
    cls = class_of(entry)
    label = entry.label
    try:
        return cls(**parameters), {}
    except ValidationError as error:
        messages = complaints(error, cls.model_fields)
        return None, {key: f"{label}: {complaint}" for key, complaint in messages.items()}
    except InputError as error:
        return None, {(): f"{label}: {error}"}
    except Exception as error:  # noqa: BLE001  (a third party's validator may raise anything)
        what = f"its own check of the parameters failed: {type(error).__name__}: {error}"
        remedy = (
            f"fix {entry.distribution}"
            if entry.in_project
            else f"report it to {entry.distribution}"
        )
        return None, {(): f"{label}: {what}; {remedy}"}


def _matches(word: str, rule: str) -> bool:
    """Whether a licence is what a rule denies: itself, its family, a pattern, or non-commercial."""
    licence, denied = word.lower(), rule.lower()
    if denied == "non-commercial":
        return bool(_NON_COMMERCIAL.search(licence))
    return fnmatch.fnmatchcase(licence, denied) or licence.startswith(f"{denied}-")
