"""The run that somebody means: by its id, its folder or its pipeline; no plugin is needed for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from adversity.data.checksums import verified_file
from adversity.errors import InputError
from adversity.report.tables.read_back import read_back
from adversity_flows.runs.last_run import PULLED, older_words, pulled_report
from adversity_flows.runs.past_runs import FOLDER, past_runs, read_run

if TYPE_CHECKING:
    from adversity.report.values.model import Report
    from adversity_flows.runs.past_runs import PastRun

__all__ = ["LAST", "Told", "named_run", "pipeline_name", "run_at", "told_by"]

LAST = "last"
"""What the last run of any pipeline is called, wherever a run is named."""


def named_run(root: Path, name: str | None) -> PastRun:
    """Return a run that came to its end.

    Args:
        root: The project's folder.
        name: A run's id or folder; a pipeline file, for the last run of that pipeline; `last` or None
            for the last run of any.

    Raises:
        InputError: If there is no such run.
        StorageError: If its manifest is damaged.
    """
    if name is not None and _is_file(name):
        return _newest(root, pipeline_name(Path(name)), name)
    if name in (None, LAST):
        ids = sorted((path.name for path in (root / FOLDER).glob("[0-9]*")), reverse=True)
        found = (read_run(root, one) for one in ids)
        ended = (past for past in found if past is not None and past.result.is_file())
        past = next(ended, None)
        wanted = "a run that came to its end"
    else:
        past = run_at(root, str(name))
        wanted = f"a run, or a pipeline file, {name}"
    if past is None or not past.result.is_file():
        raise InputError(
            f"expected {wanted}, got none in {root / FOLDER}; run `adversity run PIPELINE`, or name "
            "one of the folders there"
        )
    return past


def run_at(root: Path, name: str) -> PastRun | None:
    """Return a run by its folder, of whichever project that is, or by its id in this one."""
    path = Path(name)
    if path.is_dir() and (path / "manifest.json").is_file():
        return read_run(path.resolve().parent.parent, path.resolve().name)
    return None if "/" in name or name in (".", "..") else read_run(root, name)


def pipeline_name(file: Path) -> str:
    """Return the name that a pipeline file gives itself; its plugins need not be installed.

    Raises:
        InputError: If it is no pipeline file.
    """
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{file}: expected a pipeline file, got none ({error})") from error
    name = read.get("name") if isinstance(read, dict) else None
    if not isinstance(name, str):
        raise InputError(f"{file}: expected a pipeline file with a name:, got none; add name:")
    return name


@dataclass(frozen=True, slots=True)
class Told:
    """What a run said.

    Attributes:
        report: As far as tables need it.
        name: What to call it.
        older: What has changed since, in words.
    """

    report: Report
    name: str
    older: tuple[str, ...] = ()


def told_by(root: Path, name: str | None) -> Told:
    """Return what a run said.

    Of a pipeline that was never run here, it is what DVC has of it, where that was pulled.

    Args:
        root: The project's folder.
        name: As `named_run` takes it.

    Raises:
        InputError: If there is no such run, or an earlier version made it, which did not say what
            its methods are.
        StorageError: If its file is damaged.
    """
    if name is not None and _is_file(name):
        pipeline = pipeline_name(Path(name))
        pulled = pulled_report(root, pipeline)
        if pulled is not None and next(past_runs(root, pipeline), None) is None:
            return Told(_read(verified_file(pulled.parent, PULLED)), f"{pipeline}, as pulled")
    past = named_run(root, name)
    last = name is None or _is_file(name)
    older = older_words(root, past) if last and "file" in past.manifest else ()
    return Told(_read(past.verified(past.result)), f"run {past.id}", older)


def _read(path: Path) -> Report:
    return read_back(json.loads(path.read_text(encoding="utf-8")), where=str(path))


def _is_file(name: str) -> bool:
    return Path(name).suffix in (".yaml", ".yml")


def _newest(root: Path, pipeline: str, file: str) -> PastRun:
    past = next(iter(past_runs(root, pipeline)), None)
    if past is None:
        raise InputError(
            f"{file}: expected a run that came to its end, got none in {root / FOLDER}; "
            f"run `adversity run {file}`, or get what others ran: `dvc pull`"
        )
    return past
