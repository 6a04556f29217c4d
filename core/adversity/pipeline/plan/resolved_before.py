"""Which distribution a plugin came from that is not installed: the resolved file still says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from adversity.distributions import distribution_version
from adversity.pipeline.plan.stages import resolved_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["missing_words", "origin_words"]


def origin_words(root: Path, pipeline: str, kind: str | None, name: str) -> str:
    """Say which distribution a plugin was of when the pipeline was resolved last.

    Args:
        root: The project's folder.
        pipeline: Its name.
        kind: Of the plugin that is not found.
        name: As written, with or without its distribution.

    Returns:
        A clause with the command that installs it; empty where nothing is on record, or what is
        on record is installed.
    """
    try:
        text = (root / resolved_file(pipeline)).read_text(encoding="utf-8")
        found = _origin(yaml.safe_load(text), f"{kind}/{name.rpartition(':')[2]}")
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return ""  # none yet, or damaged: it is written anew by whoever has the plugins
    if found is None:
        return ""
    distribution, version = found
    return (
        f"; it was {name.rpartition(':')[2]} of {distribution} {version} when this "
        f"pipeline was resolved last: `pip install {distribution}=={version}`"
    )


def missing_words(resolved: Any, uses: str) -> str:
    """Say which distribution a plugin was of in a run, and how it is installed.

    Args:
        resolved: The resolved plugins, as the run's manifest has them.
        uses: The plugin, `kind/name`, with or without its distribution.

    Returns:
        A clause; empty where nothing is on record, or what is on record is installed.
    """
    kind, _, name = uses.partition("/")
    found = _origin(resolved, f"{kind}/{name.rpartition(':')[2]}")
    if found is None:
        return ""
    distribution, version = found
    return f"{distribution} {version}, not installed here: `pip install {distribution}=={version}`"


def _origin(resolved: Any, plugin: str) -> tuple[str, str] | None:
    """Return distribution and version that a plugin had, unless that one is installed."""
    for record in _records(resolved):
        distribution, version = str(record["distribution"]), str(record["version"])
        if record["plugin"] == plugin and distribution_version(distribution) != version:
            return distribution, version
    return None


def _records(value: Any) -> Iterator[Mapping[str, Any]]:
    """Go through every record of a plugin, however deep."""
    if isinstance(value, Mapping):
        if {"plugin", "distribution", "version"} <= value.keys():
            yield value
        for part in value.values():
            yield from _records(part)
