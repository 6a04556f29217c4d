"""The files of resolved plugins: `pipelines/.resolved/<name>.yaml`, and `data/<name>.yaml` there.

DVC reads them as parameter files: a plugin's new version or source makes exactly its steps
stale. A data set that comes inside a package has a file of its own, as pipelines share it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from adversity.data.atomic import atomic_write
from adversity.errors import InputError
from adversity.pipeline.plan.data_versions import version_file, versions_of
from adversity.pipeline.plan.stages import packaged_file, resolved_file
from adversity_flows.dvc.reasons import plugin_reasons

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan

__all__ = ["FOLDER", "contents_of", "is_resolved", "resolved_plugins", "verify", "write"]

FOLDER = "pipelines/.resolved"
_HEADER = "# Written by `adversity sync` and `adversity run`: do not edit.\n"


def is_resolved(file: str) -> bool:
    """Say whether this parameter file, relative to the project, holds resolved plugins."""
    return file.startswith(f"{FOLDER}/")


def contents_of(plan: Plan) -> dict[str, Any]:
    """Return what each file must hold: the plan's own, and one for each data set that is written."""
    packaged = {
        packaged_file(name): {name: _with_content(plan.root, name, record)}
        for name, record in plan.packaged.items()
    }
    versions = {
        version_file(name): {"contents": dict(one.contents)}
        for name, one in versions_of(plan.data.values()).items()
    }
    return {resolved_file(plan.name): _plain(plan.resolved), **_plain(packaged), **_plain(versions)}


def resolved_plugins(plan: Plan) -> dict[str, Any]:
    """Return the resolved plugins of a plan, as its own file holds them."""
    return dict(_plain(plan.resolved))


def write(plan: Plan) -> bool:
    """Write the files that differ; return whether one did."""
    written = [_write(plan.root / file, body) for file, body in contents_of(plan).items()]
    return any(written)


def verify(plan: Plan) -> tuple[str, ...]:
    """Say in words how the files differ from the plan, each with its name; empty if in step.

    Raises:
        InputError: If one is not YAML.
    """
    return tuple(
        f"{file}: {words}"
        for file, body in contents_of(plan).items()
        for words in _differences(plan.root / file, file, body)
    )


def _write(path: Path, body: Any) -> bool:
    text = _HEADER + yaml.safe_dump(body, sort_keys=True, allow_unicode=True, width=100)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    atomic_write(path, lambda new: new.write_text(text, encoding="utf-8"))
    return True


def _differences(path: Path, file: str, body: Any) -> list[str]:
    if not path.is_file():
        return ["the file of resolved plugins is missing"]
    try:
        recorded = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file}: expected the YAML that `adversity sync` writes, got something else "
            f"({error}); run `adversity sync`"
        ) from error
    if not isinstance(recorded, dict):
        return ["the file of resolved plugins is not a mapping"]
    return plugin_reasons(recorded, body)


def _with_content(root: Path, name: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in the recorded hash where the package is not installed to say its own.

    Data that were pulled are as good without the package, which alone could write them anew.
    """
    if record["content"] is not None:
        return dict(record)
    try:
        lock = yaml.safe_load((root / "dvc.lock").read_text(encoding="utf-8"))
        recorded = lock["stages"][f"data-{name}"]["params"][packaged_file(name)][name]["content"]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError):
        return dict(record)  # never recorded; a damaged file is for DVC to refuse
    return {**record, "content": recorded}


def _plain(value: Any) -> Any:
    """Turn mappings and sequences into what `yaml.safe_dump` writes and `safe_load` gives back."""
    if hasattr(value, "items"):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
