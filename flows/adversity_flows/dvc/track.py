"""Letting DVC track a folder: what `dvc add` does, whole or not at all."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from adversity_flows.dvc.repository import dvc_errors, locked, open_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dvc.repo import Repo

__all__ = ["is_as_tracked", "track"]

_PATIENCE = 30.0
"""Seconds to wait for another process that records here."""


def is_as_tracked(root: Path, place: str) -> bool:
    """Say whether a folder is what its `.dvc` file names; False where it has none.

    Args:
        root: The project's folder.
        place: The folder, relative to it.
    """
    if not (root / f"{place}.dvc").is_file():
        return False
    with _opened(root, f"compare {place} with its record") as repo:
        return not _source(repo, root, place).status()


def track(root: Path, place: str) -> str:
    """Put what is in a folder into DVC's cache and write its `.dvc` file; return DVC's hash.

    Raises:
        RunError: If DVC refuses, for example since a stage writes there.
        StorageError: If the disk does not take it.
    """
    with _opened(root, f"add {place}") as repo:
        with warnings.catch_warnings():
            # DVC's graph goes through a call that its trie library has deprecated.
            warnings.filterwarnings("ignore", "_NoneStep.value", DeprecationWarning)
            repo.add(str(root / place))
        repo._reset()
        return str(_source(repo, root, place).outs[0].hash_info.value)


@contextmanager
def _opened(root: Path, doing: str) -> Iterator[Repo]:
    repo = open_repository(root)
    try:
        with dvc_errors(root, doing), locked(repo, patience=_PATIENCE):
            yield repo
    finally:
        repo.close()


def _source(repo: Repo, root: Path, place: str) -> Any:
    """Return DVC's stage of a `.dvc` file."""
    return repo.stage.load_one(str(root / f"{place}.dvc"))
