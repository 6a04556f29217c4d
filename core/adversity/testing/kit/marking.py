"""Keep what the kit found as the plugin's trust mark."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from adversity.distributions import canonical_name, place_of
from adversity.errors import UnknownPluginError
from adversity.provenance import packages_imported
from adversity.registry.marks import (
    KIT_VERSION,
    Mark,
    core_digest,
    digest_of,
    marked_as,
    versions_for,
)
from adversity.registry.project_modules import project_sources
from adversity.testing.kit.lock import sources_of, versions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from adversity.registry import Entry
    from adversity.testing.kit.outcome import Conformance

__all__ = ["mark_before", "mark_of"]


def mark_before(entry: Entry) -> Mark:
    """Return the mark of a plugin before it is tried: of no result, and of the source as it is.

    Taken first, since what is edited while the kit runs was not tried.

    Args:
        entry: The plugin.

    Raises:
        UnknownPluginError: If the plugin cannot be used.
        PluginError: If it has no source file.
        StaleInputsError: If a file of the project was edited since it was imported.
    """
    if entry.cls is None:
        raise UnknownPluginError(f"{entry.kind}/{entry.name} cannot be used: {entry.error}")
    sources = [
        (name, path) for name, path in sorted(sources_of(entry.cls).items()) if not _in_core(name)
    ]
    absent = sorted(_absent(sources))
    files = tuple(map(str, [*(path for _, path in sources), *absent]))
    digest = digest_of(files)
    project_sources(entry.cls.__module__)  # refuses what is not as it was imported
    brought = versions(packages_imported(sources))
    return Mark(
        kind=entry.kind,
        name=entry.name,
        distribution=marked_as(entry),
        version=entry.version,
        kit=KIT_VERSION,
        when="",
        passed=0,
        skipped=0,
        core=core_digest(),
        versions=versions_for(entry.distribution, *(canonical_name(name) for name, _ in brought)),
        files=files,
        digest=digest,
    )


def mark_of(before: Mark, conformance: Conformance) -> Mark:
    """Return the mark that a result is worth.

    Args:
        before: As it was taken before the kit ran.
        conformance: What the whole kit said of the plugin.
    """
    return replace(
        before,
        kit=conformance.kit,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        passed=conformance.count("passed"),
        skipped=conformance.count("skipped"),
        failed={outcome.trial: outcome.message for outcome in conformance.failures},
        expected={o.trial: o.message for o in conformance.outcomes if o.status == "expected"},
    )


def _absent(sources: Sequence[tuple[str, Path]]) -> set[Path]:
    """Return where a new file would count: packages beside modules, `__init__` of a project."""
    places = {path.with_suffix("") / "__init__.py" for _, path in sources}
    for name, path in sources:
        above = name.count(".") - 1 if place_of(name) else 0
        places.update(folder / "__init__.py" for folder in path.parents[:above])
    return {place for place in places if not place.exists()}


def _in_core(module: str) -> bool:
    """Say whether a module is the core's, whose source `core_digest` stands for."""
    return module.partition(".")[0] == "adversity"
