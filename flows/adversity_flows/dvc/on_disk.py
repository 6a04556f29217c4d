"""What lies on the disk now, hashed as DVC hashes it, file by file."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from adversity_flows.dvc.repository import alone, dvc_errors, open_repository
from adversity_flows.dvc.verify import distrust

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dvc.repo import Repo

__all__ = ["Hashed", "OnDisk", "files_of", "on_disk"]


class Hashed(NamedTuple):
    """A file or folder.

    Attributes:
        value: DVC's hash of it.
        files: Of a folder, DVC's hash of each file, by its path in the folder; none of a file.
    """

    value: str
    files: Mapping[str, str]


class OnDisk:
    """Files and folders of a project. Every byte is read: DVC would trust size and time."""

    def __init__(self, root: Path, repo: Repo) -> None:
        """Keep an open repository; use `on_disk`."""
        self._root, self._repo = root, repo

    def hashed(self, path: str) -> Hashed | None:
        """Hash what lies at a path relative to the project; None where nothing does."""
        with dvc_errors(self._root, f"hash {path}"):
            return hashed(self._repo, path)

    def kept(self, value: str) -> Mapping[str, str] | None:
        """Return the files of a folder that DVC's cache has a list of; None where it has none."""
        from dvc_data.hashfile import load
        from dvc_data.hashfile.hash_info import HashInfo
        from dvc_objects.errors import ObjectFormatError

        if not value.endswith(".dir"):
            return None
        try:
            return _files(load(self._repo.cache.local, HashInfo("md5", value)))
        except (FileNotFoundError, ObjectFormatError):
            return None

    def recorded(self, path: str) -> str | None:
        """Return the hash that dvc.lock, or a `.dvc` file, has now of what lies at a path."""
        outs = (out for out in self._repo.index.outs if out.fs_path == self._place(path))
        return next((out.hash_info.value for out in outs if out.hash_info), None)

    def has(self, value: str) -> bool:
        """Say whether DVC's cache holds every byte of a file or folder, as they were."""
        files = self.kept(value)
        if files is None and value.endswith(".dir"):
            return False
        return all(map(self._is_whole, (files or {"": value}).values()))

    def restore(self, value: str, folder: Path) -> bool:
        """Write a folder out of DVC's cache; False, and nothing is written, where that lacks some.

        Args:
            value: DVC's hash of the folder.
            folder: A new one.
        """
        files = self.kept(value)
        if files is None or not self.has(value):
            return False
        for name, own in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._repo.cache.local.oid_to_path(own), folder / name)
        return True

    def _place(self, path: str) -> str:
        return str(self._repo.fs.join(self._repo.root_dir, *path.split("/")))

    def _is_whole(self, value: str) -> bool:
        try:
            with open(self._repo.cache.local.oid_to_path(value), "rb") as file:  # noqa: PTH123
                return hashlib.file_digest(file, "md5").hexdigest() == value
        except OSError:
            return False


@contextmanager
def on_disk(root: Path) -> Iterator[OnDisk]:
    """Open the record of a project to read what lies in it.

    Raises:
        InputError: If there is no git or DVC repository.
    """
    with alone(), dvc_errors(root, "open the repository"):
        repo = open_repository(root)
        try:
            distrust(repo)
            yield OnDisk(root, repo)
        finally:
            repo.close()


def hashed(repo: Repo, path: str) -> Hashed | None:
    """Hash a file or folder of a repository as DVC does; nothing is stored."""
    from dvc_data.hashfile.build import build

    place = repo.fs.join(repo.root_dir, *path.split("/"))
    if not repo.fs.exists(place):
        return None
    built: Any = build(repo.cache.local, place, repo.fs, "md5", ignore=repo.dvcignore, dry_run=True)
    made = built[2]
    return Hashed(str(made.hash_info.value), _files(made))


def files_of(repo: Repo, path: str) -> Mapping[str, str]:
    """Return the files of a folder with their hashes; none of what is no folder."""
    found = hashed(repo, path)
    return {} if found is None else found.files


def _files(made: Any) -> dict[str, str]:
    from dvc_data.hashfile.tree import Tree

    if not isinstance(made, Tree):
        return {}
    return {"/".join(key): str(info.value) for key, _, info in made}
