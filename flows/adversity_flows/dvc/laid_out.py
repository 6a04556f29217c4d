"""Files and folders as they were, out of DVC's cache into a folder of ours, verified."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.errors import StorageError
from adversity_flows.dvc.objects import files_of, md5_of, pull
from adversity_flows.dvc.repository import alone, dvc_errors, open_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["lay_out"]


def lay_out(root: Path, hashes: Mapping[str, str], into: Path) -> None:
    """Write files and folders with these hashes, each under its path.

    They are linked where the file system can, and are only to be read. What is not in the cache
    comes from the remote, else from where it lies in the project, if that has this very content.

    Args:
        root: The project's folder.
        hashes: DVC's hashes by path relative to the project, folders ending in `.dir`.
        into: The folder that stands for the project's.

    Raises:
        StorageError: If content is not to be had, or is damaged.
    """
    from dvc_data.hashfile.hash_info import HashInfo

    with dvc_errors(root, "read what a run rested on"), alone():
        repo = open_repository(root)
        try:
            cache = repo.cache.local
            pull(repo, [HashInfo("md5", value) for value in hashes.values()])
            for path, value in hashes.items():
                for name, md5 in _files(cache, root, path, value):
                    _put(_sources(cache, root, name, md5), md5, name, into / name)
        finally:
            repo.close()


def _files(cache: Any, root: Path, path: str, value: str) -> Iterator[tuple[str, str]]:
    """Go through the files of a path, each with its hash."""
    from dvc_data.hashfile.hash_info import HashInfo

    if not value.endswith(".dir"):
        yield path, value
        return
    listing = Path(cache.oid_to_path(value))
    if not listing.is_file() or md5_of(listing) != value.removesuffix(".dir"):
        raise _gone(path, root)
    for name, md5 in files_of(cache, HashInfo("md5", value)):
        yield f"{path}/{name}", md5


def _sources(cache: Any, root: Path, name: str, md5: str) -> Iterator[Path]:
    yield Path(cache.oid_to_path(md5))
    yield root / name


def _put(sources: Iterator[Path], md5: str, name: str, place: Path) -> None:
    for source in sources:
        if source.is_file() and md5_of(source) == md5:
            place.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                try:
                    os.link(source, place)
                except FileExistsError:
                    raise
                except OSError:  # another file system
                    shutil.copyfile(source, place)
            return
    raise _gone(name)


def _gone(path: str, root: Path | None = None) -> StorageError:
    return StorageError(
        f"{path} is not to be had as it was: neither DVC's cache nor the project has its content; "
        "track it with `dvc add`, or bring it with `dvc fetch --all-commits`"
    )
