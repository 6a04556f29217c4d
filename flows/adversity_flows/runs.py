"""Run folders: `runs/<id>/` with manifest, page and log, and which run was accepted last.

Nothing here is tracked by DVC and no number depends on it: what differs between two runs of
the same results (time, machine, git revision) stands here and nowhere else.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.errors import StorageError
from adversity.provenance import file_sha256
from adversity_flows.replace import beside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from adversity.pipeline.model import Stage

__all__ = ["PAGE", "RESULT", "Past", "RunFolder", "accept", "accepted_run", "past_runs"]

SCHEMA = "adversity-run/1"
FOLDER = "runs"
MANIFEST = "manifest.json"
PAGE = "report.html"
RESULT = "result.json"


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
    def made(self) -> bool:
        """Whether the folder is there."""
        return self.path.is_dir()

    def make(self) -> None:
        """Make the folder, under another number if another run took the name meanwhile.

        Raises:
            StorageError: If it cannot be made.
        """
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

    def log(self, text: str) -> None:
        """Add lines to the run's log."""
        stamp = time.strftime("%H:%M:%S", time.gmtime())
        with (self.path / "log.txt").open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.writelines(f"{stamp} {line}\n" for line in text.splitlines())

    def write_manifest(self, record: Mapping[str, Any]) -> None:
        """Write the manifest whole, with the hashes of the files that lie beside it."""
        files = sorted(path for path in self.path.iterdir() if path.suffix in {".json", ".html"})
        listed = [
            {"path": path.name, "sha256": file_sha256(path), "bytes": path.stat().st_size}
            for path in files
            if path.name != MANIFEST
        ]
        content = {"schema": SCHEMA, "id": self.id, **record, "artifacts": listed}
        _write_json(self.path / MANIFEST, content)

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

    def _name(self, number: int) -> None:
        self.id = f"{self._base}-{number}"
        self.path = self._root / FOLDER / self.id


@dataclass(frozen=True, slots=True)
class Past:
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


def past_runs(root: Path, pipeline: str) -> list[Past]:
    """Return the runs of a pipeline that came to an end with a report, newest first."""
    folders = sorted((root / FOLDER).glob(f"[0-9]*-{pipeline}*"), reverse=True)
    runs = [past for folder in folders if (past := _past(folder)) is not None]
    return [
        past
        for past in runs
        if past.manifest.get("pipeline") == pipeline
        and past.manifest.get("state") == "done"
        and past.page.is_file()
    ]


def accepted_run(root: Path, pipeline: str) -> Past | None:
    """Return the newest run of a pipeline in which no gate failed, or None."""
    try:
        record = json.loads(_pointer(root, pipeline).read_text(encoding="utf-8"))
        name = str(record["run"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return _past(root / FOLDER / name) if "/" not in name and name != ".." else None


def accept(root: Path, pipeline: str, run: str) -> None:
    """Let a run be what later ones are compared with."""
    path = _pointer(root, pipeline)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_json(path, {"run": run})


def _pointer(root: Path, pipeline: str) -> Path:
    return root / FOLDER / "accepted" / f"{pipeline}.json"


def _past(folder: Path) -> Past | None:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Past(folder.name, folder, manifest) if isinstance(manifest, dict) else None


def _write_json(path: Path, record: Mapping[str, Any]) -> None:
    text = json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    new = beside(path)
    new.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
    new.replace(path)
