"""Keep what the kit found as the plugin's trust mark."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from adversity.errors import UnknownPluginError
from adversity.registry.marks import Mark, core_digest, digest_of, marked_as, versions_for
from adversity.testing.kit.lock import sources_of

if TYPE_CHECKING:
    from adversity.registry import Entry
    from adversity.testing.kit.outcome import Conformance

__all__ = ["mark_of"]


def mark_of(entry: Entry, conformance: Conformance) -> Mark:
    """Return the mark that a result is worth.

    Args:
        entry: The installed plugin.
        conformance: What the whole kit said of it.

    Raises:
        UnknownPluginError: If the plugin cannot be used.
        PluginError: If it has no source file.
    """
    if entry.cls is None:
        raise UnknownPluginError(f"{entry.kind}/{entry.name} cannot be used: {entry.error}")
    sources = sorted(sources_of(entry.cls).items())
    files = tuple(str(path) for name, path in sources if not _in_core(name))
    return Mark(
        kind=entry.kind,
        name=entry.name,
        distribution=marked_as(entry),
        version=entry.version,
        kit=conformance.kit,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        passed=conformance.count("passed"),
        skipped=conformance.count("skipped"),
        failed={outcome.trial: outcome.message for outcome in conformance.failures},
        expected={o.trial: o.message for o in conformance.outcomes if o.status == "expected"},
        core=core_digest(),
        versions=versions_for(entry.distribution),
        files=files,
        digest=digest_of(files),
    )


def _in_core(module: str) -> bool:
    """Say whether a module is the core's, whose source `core_digest` stands for."""
    return module.partition(".")[0] == "adversity"
