"""A worktree of a project that uses the project's cache and knows its remotes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from adversity_flows.dvc.repository import dvc_errors, open_repository

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["share_cache"]


def share_cache(root: Path, tree: Path) -> None:
    """Let a worktree use the cache of the project, and what only this machine says of DVC.

    That is `.dvc/config.local` of the project: credentials, folders of remotes, permissions. Paths
    in either file are meant from the project, and the worktree lies elsewhere.

    Args:
        root: The project's folder.
        tree: The project's folder in the worktree.
    """
    with dvc_errors(root, "share its cache with a worktree"):
        project = open_repository(root)
        try:
            cache = project.cache.local_cache_dir
            own = project.config.load_one("local")
        finally:
            project.close()
        worktree = open_repository(tree)
        try:
            stated = _anchored(worktree.config.load_one("repo"), tree / ".dvc", root / ".dvc")
            with worktree.config.edit("local") as local:
                for section, values in _joined(stated, own).items():
                    local[section] = values
                local.setdefault("cache", {})["dir"] = cache
        finally:
            worktree.close()


def _anchored(config: Mapping[str, Any], there: Path, here: Path) -> dict[str, Any]:
    """Return what a file in the folder `there` places relative to it, placed from `here`."""
    from dvc.config_schema import RelPath

    return {
        "remote": {
            name: {
                key: os.path.normpath(here / os.path.relpath(value, there))
                for key, value in remote.items()
                if isinstance(value, RelPath)
            }
            for name, remote in config.get("remote", {}).items()
        }
    }


def _joined(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return two configurations as one, where what the second says counts."""
    joined = {section: dict(values) for section, values in first.items()}
    for section, values in second.items():
        known = joined.setdefault(section, {})
        for name, value in values.items():
            inner = isinstance(value, dict) and isinstance(known.get(name), dict)
            known[name] = {**known[name], **value} if inner else value
    return joined
