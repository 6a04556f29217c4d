"""Run folders: `runs/<id>/` with manifest, page and log.

Nothing here is tracked by DVC and no number depends on it: what differs between two runs of
the same results (time, machine, git revision) stands here and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.data.atomic import atomic_write
from adversity.errors import StorageError
from adversity.provenance import file_sha256
from adversity_flows.dvc.replace import clean_up
from adversity_flows.runs.run_marks import clear_marks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from adversity.pipeline.plan.model import Stage

__all__ = [
    "FOLDER",
    "INPUTS",
    "MANIFEST",
    "PAGE",
    "RESULT",
    "PastRun",
    "RunFolder",
    "ignore_all",
    "keep_from_git",
    "note_end",
    "past_runs",
    "read_run",
    "write_record",
]

SCHEMA = "adversity-run/1"
FOLDER = "runs"
MANIFEST = "manifest.json"
PAGE = "report.html"
RESULT = "result.json"
INPUTS = "inputs.json"
_HASHED = frozenset({".json", ".html", ".md", ".parquet", ".svg", ".png"})
"""Files of a run that never change once it has ended; its logs do."""
_OWN = "sha256"
"""In a manifest: the SHA-256 of the rest of it."""


def keep_from_git(root: Path) -> None:
    """Let git ignore the folders that only this clone needs: runs, the store, Prefect's files.

    Raises:
        StorageError: If a folder cannot be written to.
    """
    for folder in (root / FOLDER, root / ".adversity"):
        ignore_all(folder)


def ignore_all(folder: Path) -> None:
    """Let git ignore a folder of ours, wherever the project's own `.gitignore` came from.

    Raises:
        StorageError: If it cannot be written to.
    """
    ignored = folder / ".gitignore"
    if not ignored.exists():
        atomic_write(ignored, lambda new: new.write_text("*\n", encoding="ascii"))


class RunFolder:
    """The folder of one run; on disk only once `make` was called.

    Attributes:
        id: `20261122-141502-smoke`: time in UTC and the pipeline, so names sort by time.
        path: The folder.
    """

    def __init__(self, root: Path, pipeline: str) -> None:
        """Choose a free name.

        Args:
            root: The project's folder.
            pipeline: The pipeline's name.
        """
        self._root = root
        self._base = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{pipeline}"
        self.id = self._base
        self.path = root / FOLDER / self.id
        number = 1
        while self.path.exists():
            number += 1
            self._name(number)
        self._number = number

    @property
    def exists(self) -> bool:
        """Whether the folder is there."""
        return self.path.is_dir()

    def make(self) -> None:
        """Make the folder, under another number if another run took the name meanwhile.

        Raises:
            StorageError: If it cannot be made.
        """
        clean_up(self._root, self._root / FOLDER / "ledger")
        clear_marks(self._root)
        while True:
            try:
                self.path.mkdir(parents=True)
            except FileExistsError:
                self._number += 1
                self._name(self._number)
            except OSError as error:
                raise StorageError(
                    f"cannot make the run's folder {self.path}: {error.strerror or error}; make room or "
                    "rights, then run again"
                ) from error
            else:
                return

    def write_manifest(self, record: Mapping[str, Any]) -> PastRun:
        """Write the manifest whole, with the hashes of the files beside it and its own.

        Returns:
            The run as it now stands on the disk.
        """
        files = sorted(path for path in self.path.rglob("*") if path.suffix in _HASHED)
        listed = [
            {
                "path": path.relative_to(self.path).as_posix(),
                "sha256": file_sha256(path),
                "bytes": path.stat().st_size,
            }
            for path in files
            if path != self.path / MANIFEST
        ]
        content = {"schema": SCHEMA, "id": self.id, **record, "artifacts": listed}
        content = json.loads(json.dumps(content))  # as it is read back
        write_record(self.path / MANIFEST, {**content, _OWN: _hash_of(content)})
        return PastRun(self.id, self.path, content)

    def keep_tables(self, outputs: Path, stages: Iterable[Stage]) -> None:
        """Keep the per-sample tables, which later runs are compared with, row by row.

        They take no room as long as the artifacts stay: a table is linked, not copied (an
        artifact is only ever replaced as a whole), except across file systems.
        """
        for stage in stages:
            source = outputs / stage.out / "table.parquet"
            if source.is_file():
                target = self.path / "tables" / f"{stage.step}.parquet"
                target.parent.mkdir(exist_ok=True)
                try:
                    os.link(source, target)
                except OSError:
                    shutil.copyfile(source, target)

    def keep_inputs(self, listed: Mapping[str, Mapping[str, str]]) -> None:
        """Keep the hash of every file that data sets are made of, so that a change can be named."""
        write_record(self.path / INPUTS, listed)

    def _name(self, number: int) -> None:
        self.id = f"{self._base}-{number}"
        self.path = self._root / FOLDER / self.id


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that has ended.

    Attributes:
        id: Its id.
        path: Its folder.
        manifest: What `write_manifest` wrote.
    """

    id: str
    path: Path
    manifest: Mapping[str, Any]

    @property
    def page(self) -> Path:
        """Its report."""
        return self.path / PAGE

    @property
    def result(self) -> Path:
        """Its report as JSON."""
        return self.path / RESULT

    def table(self, step: str) -> Path:
        """Return where a step's per-sample table is kept."""
        return self.path / "tables" / f"{step}.parquet"

    def verified(self, path: Path) -> Path:
        """Return the path of one of its files, which holds what the manifest says.

        Args:
            path: `page`, `result` or a `table`.

        Raises:
            StorageError: If it does not, or is missing.
        """
        name = path.relative_to(self.path).as_posix()
        listed = {file["path"]: file["sha256"] for file in self.manifest.get("artifacts", ())}
        try:
            same = file_sha256(path) == listed.get(name)
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror or error}; run again") from error
        if not same:
            raise _damaged(path, f"its SHA-256 is not the one in {MANIFEST}")
        return path


def past_runs(root: Path, pipeline: str) -> Iterator[PastRun]:
    """Go through the runs of a pipeline that came to an end with a report, newest first.

    Raises:
        StorageError: If the manifest of a run that is come to is damaged.
    """
    for folder in sorted((root / FOLDER).glob(f"[0-9]*-{pipeline}*"), reverse=True):
        past = _past(folder)
        if (
            past is not None
            and past.manifest.get("pipeline") == pipeline
            and past.manifest.get("state") == "done"
            and past.page.is_file()
        ):
            yield past


def read_run(root: Path, name: str) -> PastRun | None:
    """Return a run by its id, or None if there is no manifest of it."""
    return _past(root / FOLDER / name)


def note_end(run: PastRun, **said: Any) -> None:
    """Note in a run's manifest how it ended, for a process that was killed before it could.

    Raises:
        StorageError: If it cannot be written.
    """
    content = json.loads(json.dumps({**run.manifest, **said}))
    write_record(run.path / MANIFEST, {**content, _OWN: _hash_of(content)})


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a JSON document whole, its keys sorted.

    Raises:
        StorageError: If it cannot be written.
    """
    text = json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    atomic_write(
        path, lambda new: new.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
    )


def _past(folder: Path) -> PastRun | None:
    """Read a run; one without a manifest, or of a version that did not hash it, is none."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return None
    except ValueError as error:
        raise _damaged(path, "it is no JSON") from error
    if not isinstance(manifest, dict) or _OWN not in manifest:
        return None
    if manifest.pop(_OWN) != _hash_of(manifest):
        raise _damaged(path, "it does not fit the SHA-256 in it")
    return PastRun(folder.name, folder, manifest)


def _damaged(path: Path, why: str) -> StorageError:
    run = next(folder for folder in path.parents if folder.parent.name == FOLDER)
    return StorageError(
        f"{path} is damaged: {why}; delete {run} and run again, nothing is compared with it then"
    )


def _hash_of(record: Mapping[str, Any]) -> str:
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
