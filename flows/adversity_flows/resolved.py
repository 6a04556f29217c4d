"""The file of resolved plugins, `pipelines/.resolved/<name>.yaml`.

DVC reads it as a parameter file: a plugin's new version or source makes exactly its steps stale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from adversity.errors import InputError
from adversity_flows.reasons import plugin_reasons
from adversity_flows.replace import beside

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.pipeline.model import Plan

__all__ = ["is_resolved", "path_of", "text_of", "verify", "write"]

FOLDER = "pipelines/.resolved"
_HEADER = "# Written by `adversity sync` and `adversity run`: do not edit.\n"


def is_resolved(file: str) -> bool:
    """Say whether this parameter file, relative to the project, holds resolved plugins."""
    return file.startswith(f"{FOLDER}/")


def path_of(plan: Plan) -> Path:
    """Return where the file of a plan lies."""
    return plan.root / FOLDER / f"{plan.name}.yaml"


def text_of(plan: Plan) -> str:
    """Return what the file must hold: the same text for the same plan, anywhere."""
    body = yaml.safe_dump(_plain(plan.resolved), sort_keys=True, allow_unicode=True, width=100)
    return _HEADER + body


def write(plan: Plan) -> bool:
    """Write the file if it differs; return whether it did."""
    path, text = path_of(plan), text_of(plan)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    new = beside(path)
    new.write_text(text, encoding="utf-8")
    new.replace(path)
    return True


def verify(plan: Plan) -> tuple[str, ...]:
    """Say in words how the file differs from the plan; empty if it does not.

    Raises:
        InputError: If the file is not YAML.
    """
    path = path_of(plan)
    if not path.is_file():
        return ("the file of resolved plugins is missing",)
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(
            f"{FOLDER}/{plan.name}.yaml: expected the YAML that `adversity sync` writes, got "
            f"something else ({error}); run `adversity sync`"
        ) from error
    if not isinstance(found, dict):
        return ("the file of resolved plugins is not a mapping",)
    return tuple(plugin_reasons(found, _plain(plan.resolved)))


def _plain(value: Any) -> Any:
    """Turn mappings and sequences into what `yaml.safe_dump` writes and `safe_load` gives back."""
    if hasattr(value, "items"):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
