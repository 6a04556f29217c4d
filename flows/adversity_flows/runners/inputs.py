"""What steps read, by content, for workers that do not see the run's files."""

from __future__ import annotations

import hashlib
import json
import threading
from functools import cached_property
from typing import TYPE_CHECKING

from adversity.errors import InputError, StaleInputsError
from adversity.provenance import file_sha256
from adversity_flows.dvc.objects import md5_of
from adversity_flows.dvc.remote_source import remote_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from adversity.engine.set_up.workspace import Workspace
    from adversity.engine.stages.stage import Shard, StageRun
    from adversity.pipeline.plan.model import Plan

__all__ = ["Inputs"]


class Inputs:
    """The files of one plan that its steps read; hashed when a worker first lacks them."""

    def __init__(self, plan: Plan, workspace: Workspace) -> None:
        """Read nothing yet."""
        self._plan, self._workspace = plan, workspace
        self._lock = threading.Lock()
        self._listings: dict[str, str] = {}
        self._lists: dict[str, bytes] = {}
        self._paths: dict[str, Path] = {}
        self._hashed: dict[Path, str] = {}

    def listing(self, step: str) -> str:
        """Return the SHA-256 of the list of a step's files."""
        with self._lock:
            if step not in self._listings:
                files = sorted(set(self._files(step)))
                rows = [self._row(path) for path in files]
                content = json.dumps(rows).encode()
                sha256 = hashlib.sha256(content).hexdigest()
                self._lists[sha256] = content
                self._listings[step] = sha256
            return self._listings[step]

    @cached_property
    def source(self) -> str:
        """The remote of DVC, as a worker is told of it; nothing where the project has none."""
        found = remote_source(self._workspace.root)
        return found.json if found else ""

    def require_source(self) -> None:
        """Refuse a project without a remote that a worker may be told of.

        Raises:
            InputError: If it has none.
        """
        if not self.source:
            raise InputError(
                f"{self._plan.file}: run.data_from: remote: expected a default remote of DVC without "
                "a password in its address, got none; add one with `dvc remote add --default NAME "
                "URL`, or write data_from: any"
            )

    def of_data(self, hashes: Iterable[str]) -> list[str]:
        """Return which of some contents are files of data sets, by their paths in the project."""
        root = self._workspace.root
        places = [root / data.location for data in self._plan.data.values() if data.location]
        paths = [self._paths[sha256] for sha256 in hashes if sha256 in self._paths]
        return [
            path.relative_to(root).as_posix()
            for path in paths
            if any(path.is_relative_to(place) for place in places)
        ]

    def _row(self, path: Path) -> tuple[str, str, int, str]:
        """Return path, SHA-256, bytes, and the MD5 where a remote may know the content by that."""
        name = path.relative_to(self._workspace.root).as_posix()
        return name, self._hash(path), path.stat().st_size, md5_of(path) if self.source else ""

    def pieces(self, stage_run: StageRun, shard: Shard) -> tuple[tuple[str, str, str], ...]:
        """Return what a shard needs of others: key, name and SHA-256 of each in the store."""
        with self._lock:
            return tuple(
                (key, name, self._hash(stage_run.store.path(key, name)))
                for key, name in stage_run.needed(shard)
            )

    def read(self, hashes: Iterable[str]) -> list[bytes]:
        """Return contents by their SHA-256.

        Raises:
            StaleInputsError: If a file has changed since it was listed.
        """
        return [self._content(sha256) for sha256 in hashes if sha256]

    def _content(self, sha256: str) -> bytes:
        if sha256 in self._lists:
            return self._lists[sha256]
        path = self._paths[sha256]
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise StaleInputsError(f"{path} was changed while the run went on; run again")
        return content

    def _hash(self, path: Path) -> str:
        if path not in self._hashed:
            self._hashed[path] = file_sha256(path)
        self._paths[self._hashed[path]] = path
        return self._hashed[path]

    def _files(self, step: str) -> Iterator[Path]:
        """Yield the pipeline file, what it names, all data, and the artifacts that a step reads.

        All data, since whether two sources share an image is asked before a step computes.
        """
        plan, root = self._plan, self._workspace.root
        made = {stage.out for stage in plan.stages if not stage.step.startswith("data:")}
        given = {dep for stage in plan.stages for dep in stage.deps} - made
        labels = {data.labels for data in plan.data.values() if data.labels}
        for place in {plan.file, ".dvcignore", *given, *labels, *plan.stage(step).deps}:
            path = root / place
            if path.is_dir():
                yield from (file for file in path.rglob("*") if file.is_file())
            elif path.is_file():
                yield path
