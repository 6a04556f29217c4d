"""Objects of DVC's cache by their hashes: whether they are here and whole, to and from its remote."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.errors import RunError
from adversity_flows.dvc.repository import alone, dvc_errors, open_repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dvc.repo import Repo

__all__ = [
    "copy_member",
    "fetch_hashes",
    "files_of",
    "has_remote",
    "is_cached",
    "md5_of",
    "pull",
    "push_hashes",
    "spoilt",
]


def has_remote(root: Path) -> bool:
    """Say whether a project has a default remote of DVC."""
    with dvc_errors(root, "read its configuration"), alone():
        repo = open_repository(root)
        try:
            return bool(repo.config["core"].get("remote"))
        finally:
            repo.close()


def fetch_hashes(root: Path, hashes: Iterable[str]) -> frozenset[str]:
    """Bring objects into the project's cache, if there is a remote.

    Returns:
        Those that are not to be had.
    """
    with dvc_errors(root, "fetch results"), alone():
        repo = open_repository(root)
        try:
            wanted = _infos(hashes)
            pull(repo, wanted)
            cache = repo.cache.local
            return frozenset(info.value for info in wanted if not is_cached(cache, info))
        finally:
            repo.close()


def push_hashes(root: Path, hashes: Iterable[str]) -> int:
    """Push objects of the project's cache to its default remote, folders with all in them.

    Returns:
        How many the remote did not have.

    Raises:
        RunError: If the remote does not take one.
    """
    with dvc_errors(root, "push results"), alone():
        repo = open_repository(root)
        try:
            pushed, refused = _push(repo, _infos(hashes))
        except Exception as error:  # each kind of remote has errors of its own
            raise RunError(f"DVC's remote does not take results: {error}") from error
        finally:
            repo.close()
    if refused:
        raise RunError(f"DVC's remote did not take {refused} objects")
    return pushed


def pull(repo: Repo, infos: Iterable[Any]) -> None:
    """Bring objects, and what those that are folders hold, into the cache, as far as they are to be had."""
    cache = repo.cache.local
    absent = [info for info in infos if not is_cached(cache, info)]
    if not absent or not repo.config["core"].get("remote"):
        return
    repo.cloud.pull([info for info in absent if not cache.exists(info.value)])
    inside = _infos(one for info in absent for one in _members(cache, info))
    repo.cloud.pull([info for info in inside if not cache.exists(info.value)])


def _push(repo: Repo, infos: Iterable[Any]) -> tuple[int, int]:
    """Push files, and after them the folders that name them; return how many went, and did not."""
    cache = repo.cache.local
    every = _infos(one for info in infos for one in _members(cache, info))
    files = repo.cloud.push([info for info in every if not info.isdir])
    if files.failed:
        return len(files.transferred), len(files.failed)
    folders = repo.cloud.push([info for info in every if info.isdir])
    return len(files.transferred) + len(folders.transferred), len(folders.failed)


def copy_member(root: Path, folder: str, name: str, target: Path) -> bool:
    """Copy a file out of a folder in the cache; return whether it is there and whole.

    Args:
        root: The project's folder.
        folder: The folder's hash.
        name: The file in it.
        target: Where it goes.
    """
    with dvc_errors(root, "read results"), alone():
        repo = open_repository(root)
        try:
            cache, (info,) = repo.cache.local, _infos([folder])
            member = dict(files_of(cache, info)).get(name) if is_cached(cache, info) else None
            if member is None or _is_spoilt(cache, member):
                return False
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(cache.oid_to_path(member), target)
            return True
        finally:
            repo.close()


def is_cached(cache: Any, info: Any) -> bool:
    """Say whether an object, and all that it holds if it is a folder, are in a cache."""
    return all(cache.exists(one) for one in _members(cache, info))


def spoilt(cache: Any, info: Any) -> list[str]:
    """Hash an object and what it holds; each that is another one is taken out of the cache."""
    return [name for name in _members(cache, info) if _is_spoilt(cache, name)]


def _is_spoilt(cache: Any, name: str) -> bool:
    """Hash an object; DVC's own check believes what it noted when it fetched it."""
    path = Path(cache.oid_to_path(name))
    try:
        digest = md5_of(path)
    except FileNotFoundError:
        return True
    if cache.hash_name != "md5" or digest == name.partition(".")[0]:
        return False  # of text, DVC's first hashes were not of its bytes
    path.unlink()
    return True


def _members(cache: Any, info: Any) -> list[str]:
    """Return the hash of an object, and those of the files in a folder that is in the cache.

    A damaged folder names none; that it is damaged is found when it is hashed.
    """
    from dvc_objects.errors import ObjectFormatError

    if not info.isdir or not cache.exists(info.value):
        return [info.value]
    try:
        return [info.value, *(value for _, value in files_of(cache, info))]
    except ObjectFormatError:
        return [info.value]


def files_of(cache: Any, info: Any) -> Iterator[tuple[str, str]]:
    """Go through the files of a folder in a cache: its place in the folder, and its hash.

    Raises:
        dvc_objects.errors.ObjectFormatError: If the folder's own object is damaged.
    """
    from dvc_data.hashfile.tree import Tree

    for key, _, inner in Tree.load(cache, info):
        yield "/".join(key), str(inner.value)


def md5_of(path: Path) -> str:
    """Hash a file as DVC does."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _infos(hashes: Iterable[str]) -> list[Any]:
    from dvc_data.hashfile.hash_info import HashInfo

    return [HashInfo("md5", one) for one in dict.fromkeys(hashes)]
