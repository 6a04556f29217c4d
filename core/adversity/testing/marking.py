"""Keep what the kit found as the plugin's trust mark."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from adversity.provenance import distribution_version, source_modules
from adversity.registry.marks import Mark, digest_of

if TYPE_CHECKING:
    from adversity.registry import Entry
    from adversity.testing.conformance import Conformance

__all__ = ["mark_of"]


def mark_of(entry: Entry, found: Conformance) -> Mark:
    """Return the mark that a result is worth.

    Args:
        entry: The installed plugin.
        found: What the whole kit said of it.

    Raises:
        PluginError: If the plugin has no source file.
    """
    if entry.cls is None or (entry.kind, entry.name) != (found.kind, found.name):
        raise ValueError(f"expected the result of {entry.kind}/{entry.name}, got {found.name}")
    files = tuple(str(path) for _, path in source_modules(entry.cls.__module__))
    return Mark(
        kind=entry.kind,
        name=entry.name,
        distribution=entry.distribution,
        version=entry.version,
        kit=found.kit,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        passed=found.count("passed"),
        skipped=found.count("skipped"),
        failed={outcome.check: outcome.message for outcome in found.failures},
        expected={o.check: o.message for o in found.outcomes if o.status == "expected"},
        versions={"python": platform.python_version()}
        | {name: distribution_version(name) or "not installed" for name in ("torch", "numpy")},
        files=files,
        digest=digest_of(files),
    )
