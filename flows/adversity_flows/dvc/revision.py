"""A commit of the project by any name, and the results that DVC has of it, read without a checkout."""

from __future__ import annotations

import os
import tempfile
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml

from adversity.errors import StorageError
from adversity_flows.dvc.repository import alone, dvc_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Revision"]


class Revision:
    """A branch, a tag, a commit or an experiment, as DVC resolves its name.

    What is not in DVC's cache is read from its remote. Nothing in the working folder is touched.
    To be closed when its tables are read.

    Attributes:
        name: As it was given.
        commit: The commit's hash.
    """

    def __init__(self, root: Path, name: str, files: Any) -> None:
        """Keep DVC's file system of a commit; use `Revision.named`."""
        self.name = name
        self.commit = str(files.repo.get_rev())
        self._root, self._files = root, files
        self._folder = tempfile.TemporaryDirectory(prefix="adversity-diff-")

    @classmethod
    def named(cls, root: Path, name: str) -> Revision | None:
        """Return a revision of a project, or None if nothing has that name.

        Raises:
            RunError: If DVC refuses.
        """
        os.environ.setdefault("DVC_NO_ANALYTICS", "1")
        with alone(), dvc_errors(root, f"read revision {name}"):
            from dvc.api import DVCFileSystem
            from dvc.scm import SCMError
            from scmrepo.exceptions import SCMError as NoCommitError

            try:
                files = DVCFileSystem(str(root), rev=name, config=_config(root))
                return cls(root, name, files)
            except (SCMError, NoCommitError):  # no such name, no git; no commit at all
                return None

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self._root

    def close(self) -> None:
        """Remove what was read, and close DVC's databases."""
        self._folder.cleanup()
        self._files.repo.close()

    @cached_property
    def pipelines(self) -> tuple[str, ...]:
        """The names of the pipelines that have a recorded report."""
        outs = [
            str(out["path"]) for stage in self._stages.values() for out in stage.get("outs", ())
        ]
        parts = [out.split("/") for out in outs]
        return tuple(p[1] for p in parts if p[0] == "artifacts" and p[2:] == ["report"])

    def hashes(self, pipeline: str) -> dict[str, str]:
        """Return DVC's hashes of what the stages of a pipeline read and wrote, by path."""
        start = f"artifacts/{pipeline}/"
        found: dict[str, str] = {}
        for stage in self._stages.values():
            items = [*stage.get("deps", ()), *stage.get("outs", ())]
            if any(str(out["path"]).startswith(start) for out in stage.get("outs", ())):
                found |= {str(item["path"]): str(item.get("md5", "")) for item in items}
        return dict(sorted(found.items()))

    def parameters(self, pipeline: str, file: str) -> dict[str, Any]:
        """Return what the stages of a pipeline read of a parameter file, as DVC recorded it.

        Such a file need not be in git: what a run writes anew is not.
        """
        start, found = f"artifacts/{pipeline}/", dict[str, Any]()
        for stage in self._stages.values():
            if any(str(out["path"]).startswith(start) for out in stage.get("outs", ())):
                for key, value in stage.get("params", {}).get(file, {}).items():
                    *above, last = key.split(".")
                    place = found
                    for name in above:
                        place = place.setdefault(name, {})
                    place[last] = value
        return found

    def text(self, path: str) -> str:
        """Return a text file that git tracks; nothing if there is none."""
        with alone(), dvc_errors(self._root, f"read {path} of {self.name}"):
            try:
                return str(self._files.read_text(path, encoding="utf-8"))
            except FileNotFoundError:
                return ""

    def artifact(self, pipeline: str, step: str, file: str) -> Path | None:
        """Return a folder with a file of an artifact and its checksums; None where it has none.

        Raises:
            StorageError: If neither DVC's cache nor its remote has it.
        """
        out = f"artifacts/{pipeline}/{step}"
        with alone(), dvc_errors(self._root, f"read {out} of {self.name}"):
            try:
                if out not in self.hashes(pipeline) or not self._files.isfile(f"{out}/{file}"):
                    return None
                folder = Path(tempfile.mkdtemp(dir=self._folder.name))
                for name in (file, "SHA256SUMS"):
                    self._files.get_file(f"{out}/{name}", str(folder / name))
            except FileNotFoundError as error:
                raise StorageError(
                    f"{out} of {self.name} is neither in DVC's cache nor in its remote; bring it with "
                    "`dvc fetch --all-commits`, an experiment with `dvc exp pull`, or run it again"
                ) from error
        return folder

    def file_hashes(self, folder: str, names: Iterable[str]) -> dict[str, str]:
        """Return DVC's hash of files in a folder of the commit, by their names; nothing is fetched.

        What is no such file is left out, and all, if DVC's cache does not say what is in the folder.
        """
        from dvc_data.index import DataIndexDirError

        found: dict[str, str] = {}
        with alone(), dvc_errors(self._root, f"list {folder} of {self.name}"):
            for name in names:
                try:
                    md5 = self._files.info(f"{folder}/{name}").get("md5")
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except DataIndexDirError:
                    return {}
                found |= {name: str(md5)} if md5 else {}
        return found

    def project_with(self, path: str) -> Path | None:
        """Return a folder that holds a file or folder of the commit where the project has it.

        None where the commit has none.

        Raises:
            StorageError: If neither DVC's cache nor its remote has it, or what they have is damaged.
        """
        folder = Path(tempfile.mkdtemp(dir=self._folder.name))
        return folder if self.write(path, folder / path) else None

    def write(self, path: str, to: Path) -> bool:
        """Write a file or folder of the commit to a new place; say whether the commit has it.

        Raises:
            StorageError: If neither DVC's cache nor its remote has it, or what they have is damaged.
        """
        from dvc_data.index import DataIndexDirError

        with alone(), dvc_errors(self._root, f"read {path} of {self.name}"):
            to.parent.mkdir(parents=True, exist_ok=True)
            try:
                if not self._files.exists(path):
                    return False
                self._files.get(path, str(to), recursive=True)
                damaged = list(self._damaged(path, to))
            except (FileNotFoundError, DataIndexDirError) as error:
                raise StorageError(
                    f"{path} of {self.name} is neither in DVC's cache nor in its remote; bring it "
                    "with `dvc fetch --all-commits`, or have it pushed from where it was added "
                    "(`dvc push --all-commits`)"
                ) from error
        if damaged:
            raise StorageError(
                f"{path} of {self.name}: expected the files that were recorded, got others in DVC's "
                f"cache or remote ({', '.join(damaged[:3])}); remove them there and push them anew"
            )
        return True

    def _damaged(self, path: str, to: Path) -> Iterator[str]:
        """Yield what was written and is not what DVC has recorded of it: its remotes may be wrong."""
        from dvc_data.hashfile.hash import file_md5

        one = self._files.isfile(path)
        for inside in [path] if one else self._files.find(path):
            recorded = self._files.info(inside).get("md5")
            written = to if one else to / PurePosixPath(inside).relative_to(path)
            if recorded and file_md5(str(written)) != recorded:
                yield inside

    @cached_property
    def _stages(self) -> Mapping[str, Mapping[str, Any]]:
        read = yaml.safe_load(self.text("dvc.lock") or "{}")
        return dict(read.get("stages") or {}) if isinstance(read, dict) else {}


def _config(root: Path) -> dict[str, Any] | None:
    """Return how DVC is configured now: a commit knows of no remote that came, or moved, after it."""
    from dvc.config import Config

    folder = root / ".dvc"
    return dict(Config(str(folder))) if folder.is_dir() else None
