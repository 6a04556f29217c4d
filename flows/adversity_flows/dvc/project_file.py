"""`dvc.yaml` and `dvc.lock` as DVC reads them, parsed again only where their bytes changed.

DVC parses both for each stage that it loads. With 50 stages that takes longer than most of them
run, and a step's stage is loaded several times: to reserve, to hash, to record.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dvc.dvcfile import ProjectFile
    from dvc.repo import Repo
    from dvc.stage import PipelineStage

__all__ = ["ParsedProject", "utf8_text"]


class ParsedProject:
    """The stages of a project's `dvc.yaml`; each call gives them as the files say now."""

    def __init__(self, repo: Repo) -> None:
        """Keep an open repository; nothing is read yet."""
        self._repo = repo
        self._yaml = Path(repo.root_dir) / "dvc.yaml"
        self._lock = self._yaml.with_suffix(".lock")
        self._parsed: ProjectFile | None = None
        self._texts: tuple[str | None, str | None] = (None, None)
        self._order: tuple[str, ...] | None = None

    def stage(self, name: str) -> PipelineStage:
        """Return a stage with what is recorded of it, an object of its own each time.

        Raises:
            StageNotFound: It is not in `dvc.yaml`.
            StageFileDoesNotExistError: There is no `dvc.yaml`.
        """
        return self._current().stages[name]

    def order(self) -> Sequence[str]:
        """Return the names of all stages in the order in which `dvc repro` runs them."""
        self._current()
        if self._order is None:
            self._order = tuple(_repro_order(self._repo, self._yaml))
        return self._order

    def _current(self) -> ProjectFile:
        from dvc.dvcfile import load_file

        # Read before DVC parses: a file that changes in between is parsed again at the next call.
        content = _content(self._yaml), _content(self._lock)
        parsed = self._parsed
        if parsed is None or content[0] is None or content[0] != self._texts[0]:
            parsed, self._order = load_file(self._repo, str(self._yaml)), None
        elif content[1] != self._texts[1]:
            for cached in ("lockfile_contents", "stages"):
                parsed.__dict__.pop(cached, None)
        self._parsed, self._texts = parsed, content
        return parsed


def utf8_text(path: Path) -> str:
    """Read one of DVC's files as text, line ends as they are.

    Raises:
        InputError: If it is not UTF-8; DVC would not say so.
    """
    content = path.read_bytes()
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path.name}:{line}: expected UTF-8 text, got the byte 0x{content[error.start]:02x}; "
            f"save the file as UTF-8, or take its last version: `git checkout {path.name}`"
        ) from error


def _content(path: Path) -> str | None:
    try:
        return utf8_text(path)
    except FileNotFoundError:
        return None


def _repro_order(repo: Repo, path: Path) -> list[str]:
    from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro

    with warnings.catch_warnings():
        # DVC's graph goes through a call that its trie library has deprecated.
        warnings.filterwarnings("ignore", "_NoneStep.value", DeprecationWarning)
        stages = collect_stages(repo, [str(path)])
        steps = plan_repro(get_active_graph(repo.index.graph), stages)
    return [step.name for step in steps if getattr(step, "name", None)]
