"""Where plugins come from: distribution, version and source, which enter the keys of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.contracts import KINDS
from adversity.errors import PluginError
from adversity.pipeline.plan.nested import all_nested
from adversity.provenance import Imports, source_fingerprint
from adversity.registry.claims import contract_of
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adversity.contracts import Plugin, PluginBase
    from adversity.pipeline.plan.model import PlannedStep
    from adversity.pipeline.read.findings import Findings, KeyPath
    from adversity.registry import Entry

__all__ = ["Origins"]


class Origins:
    """Says where plugins come from; each source is read once."""

    def __init__(self, findings: Findings) -> None:
        """Say in these findings whose source cannot be read."""
        self._findings = findings
        self._known: dict[type[PluginBase], str] = {}
        self._imports: Imports = {}

    def of_step(self, planned: PlannedStep) -> dict[str, Any]:
        """Return where the plugin of a step comes from, or each, where a variable names several."""
        path: KeyPath = ("steps", planned.id)
        records = {}
        for entry in planned.plugin_entries:
            records[entry.qualified] = self.of(entry, planned.plugins_of(entry), path)
        (first, *others) = records.values()
        return {"plugins": records} if others else first

    def of(self, entry: Entry, plugins: Iterable[PluginBase], path: KeyPath) -> dict[str, Any]:
        """Return where a plugin comes from, and those in its parameters, in all its cells."""
        record = {
            "plugin": f"{entry.kind}/{entry.name}",
            "distribution": entry.distribution,
            "version": entry.version,
            "api": entry.api,
            "fingerprint": self._fingerprint(class_of(entry), entry.label, path),
        }
        inner = {nested.uses: nested for plugin in plugins for nested in all_nested(plugin)}
        nested = {uses: self._nested(inner[uses], path) for uses in sorted(inner)}
        return record | ({"nested": nested} if nested else {})

    def _nested(self, nested: Plugin[Any], path: KeyPath) -> dict[str, Any]:
        cls = type(nested.plugin)
        return {
            "version": nested.version,
            "api": nested.plugin.api,
            "fingerprint": self._fingerprint(cls, nested.label, path),
        }

    def _fingerprint(self, cls: type[PluginBase], label: str, path: KeyPath) -> str:
        if cls not in self._known:
            try:
                self._known[cls] = source_fingerprint(cls, *_of_kind(cls), known=self._imports)
            except PluginError as error:
                self._findings.add(path, f"{label}: {error}")
                return ""
        return self._known[cls]


def _of_kind(cls: type[PluginBase]) -> tuple[str, ...]:
    """Return the modules that compute for a plugin of a kind that is not ours."""
    contract = contract_of(cls)
    if contract.kind in KINDS:
        return ()
    return (contract.__module__, *contract.describes.computes)
