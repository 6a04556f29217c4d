"""What in DVC's cache belongs to no commit, no experiment, no kept run and not to what is here now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.errors import InputError
from adversity_flows.dvc.repository import dvc_errors, locked, open_repository

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from dvc.repo import Repo

__all__ = ["collect"]


def collect(
    root: Path, hashes: Iterable[str], *, dry: bool, without: Collection[str] = ()
) -> tuple[int, int]:
    """Take unused objects out of the project's cache.

    Used is what any commit, tag, branch or experiment names, what `dvc.lock` and `.dvc` files name
    now, and what kept runs were made from. Remotes are left alone.

    Args:
        root: The project's folder.
        hashes: DVC's hashes that kept runs name, directories ending in `.dir`.
        dry: Only count.
        without: Commits whose objects are not needed, unless something else names them.

    Returns:
        How many objects, and their bytes.

    Raises:
        InputError: If the cache lies outside of the project, where others may use it.
        RunError: If another process works here, or DVC refuses.
    """
    from dvc_data.hashfile.gc import gc
    from dvc_data.hashfile.hash_info import HashInfo

    with dvc_errors(root, "look through its cache"):
        repo = open_repository(root)
        try:
            odb = repo.cache.local
            if not Path(odb.path).resolve().is_relative_to(root.resolve()):
                raise InputError(
                    f"expected DVC's cache in the project, got {odb.path}: other projects may use "
                    "it, and what they need is not known here; `dvc gc --projects` asks them"
                )
            with locked(repo, patience=30.0):
                used = _used(repo, without)
                used |= {HashInfo("md5", one) for one in _expanded(repo, hashes)}
                names = {info.value for info in used}
                spare = [oid for oid in odb.all() if oid not in names]
                size = sum(_size(odb.oid_to_path(oid)) for oid in spare)
                if spare and not dry:
                    gc(odb, used)
            return len(spare), size
        finally:
            repo.close()


def _used(repo: Repo, without: Collection[str]) -> set[Any]:
    found: set[Any] = set()
    which: dict[str, Any] = {"all_commits": True, "all_branches": True}
    if without:
        leaving = set(without)
        which = {"revs": [one for one in repo.scm.list_all_commits() if one not in leaving]}
    named = repo.used_objs(all_tags=True, all_experiments=True, **which)
    for infos in named.values():
        found |= infos
    return found


def _expanded(repo: Repo, hashes: Iterable[str]) -> set[str]:
    """Return hashes, and those of the files in what are directories."""
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    found = set()
    for one in hashes:
        found.add(one)
        if one.endswith(".dir") and repo.cache.local.exists(one):
            tree = Tree.load(repo.cache.local, HashInfo("md5", one))
            found |= {info.value for _, _, info in tree if info is not None}
    return found


def _size(path: str) -> int:
    place = Path(path)
    return place.stat().st_size if place.is_file() else 0
