"""Data sets must be on disk, and those that DVC tracks as DVC has them: never re-added."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from adversity.contracts import Dataset, ProjectFolder
from adversity.contracts.project_files import project_files
from adversity.errors import DataError, PipelineError
from adversity.project import file_fault, list_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from dvc.repo import Repo
    from dvc.stage import PipelineStage

    from adversity.contracts import PluginBase
    from adversity.pipeline.plan.model import Plan, PlannedData

__all__ = ["changed_data", "missing_data", "refuse_changed_data", "refuse_missing_data"]


def refuse_missing_data(plan: Plan) -> None:
    """Refuse a plan whose data cannot be read, before any of its steps runs for nothing.

    DVC, too, must be able to hash them: at a pipe it would wait for ever.

    Raises:
        PipelineError: With the line of everything that is missing, or that is no regular file.
    """
    findings = missing_data(plan)
    if findings:
        raise PipelineError(findings)


def missing_data(plan: Plan) -> tuple[str, ...]:
    """Say which data sets and files of a plan are not there or cannot be read, with their lines."""
    messages = [
        f"{planned.line}: data.{planned.id}: {fault}"
        for planned in plan.data.values()
        for fault in _data_faults(plan.root, planned)
    ]
    first: dict[str, str] = {}  # a model that many steps use is told of where it stands first
    for step in plan.steps.values():
        for entry in step.plugin_entries:
            for fault in _file_faults(plan.root, step.plugins_of(entry)):
                first.setdefault(f"{entry.kind}/{entry.name}: {fault}", step.line)
    messages += [f"{line}: {fault}" for fault, line in first.items()]
    messages += [
        f"{plan.file}: metrics: {fault}" for fault in _file_faults(plan.root, plan.metrics)
    ]
    return tuple(dict.fromkeys(messages))


def _data_faults(root: Path, planned: PlannedData) -> Iterator[str]:
    if planned.pinned is not None:
        return  # a stage writes it, with the files that its plugin names
    if planned.location is not None and not _is_packaged(planned):
        full = root / planned.location
        if full.is_dir():
            yield from _folder_faults(root, planned.location)
        elif full.exists():
            yield from filter(None, [file_fault(root, planned.location)])
        else:
            yield (
                f"expected a file or folder {planned.location} in the project, got none; correct the "
                "path, put the data there, or get them with `dvc pull`"
            )
    yield from _file_faults(root, [planned.plugin], but=planned.location)


def _file_faults(
    root: Path, plugins: Iterable[PluginBase], *, but: str | None = None
) -> Iterator[str]:
    """Say what is wrong with the files that plugins declare; `but` is looked at elsewhere."""
    declared = dict.fromkeys(file for plugin in plugins for file in project_files(plugin))
    for file in declared:
        if file.text == but:
            continue
        fault = file.fault(root)
        if fault is not None:
            yield fault
        elif isinstance(file, ProjectFolder):
            yield from _folder_faults(root, file.text)


def _folder_faults(root: Path, place: str) -> Iterator[str]:
    try:
        list_files(root, place)
    except DataError as error:
        yield from str(error).splitlines()


def _is_packaged(planned: PlannedData) -> bool:
    return isinstance(planned.plugin, Dataset) and planned.plugin.packaged


def refuse_changed_data(repo: Repo, known: PipelineStage) -> None:
    """Refuse a stage whose data sets differ from the version that DVC tracks.

    Tracked are data sets with a `.dvc` file, data sets that a `data-...` stage wrote, and what a
    hand-written stage makes. Artifacts of our own steps are not data: they are made again.

    Raises:
        DataError: If one changed on disk or is not there, with the ways out.
    """
    for out in _data_outputs(repo, known):
        if fault := _changed(repo, out):
            raise DataError(fault)
        if out.stage != known and (fault := _not_here(repo, out)):
            raise DataError(fault)


def changed_data(repo: Repo, known: PipelineStage) -> tuple[str, ...]:
    """Say which data sets of a stage changed on disk, with the ways out; one that is absent did not."""
    return tuple(filter(None, (_changed(repo, out) for out in _data_outputs(repo, known))))


def _changed(repo: Repo, out: Any) -> str | None:
    if _state(out) != "modified":
        return None
    path, where = _names(repo, out)
    accept = f"dvc add {path}" if out.stage.is_data_source else f"dvc commit {where}"
    return (
        f"data set {path}: expected the version that {where} names, but it changed on "
        f"disk; accept the change with `{accept}`, or put the old version back with "
        f"`dvc checkout {where}`"
    )


def _not_here(repo: Repo, out: Any) -> str | None:
    if _state(out) != "deleted":
        return None
    path, where = _names(repo, out)
    return (
        f"data set {path}: expected the version that {where} names, but it is not on "
        f"disk; get it with `dvc pull {where}`"
    )


def _state(out: Any) -> str | None:
    return next(iter(out.workspace_status().values()), None)


def _names(repo: Repo, out: Any) -> tuple[str, str]:
    """Return where tracked data lie, and who tracks them."""
    path = os.path.relpath(out.fs_path, repo.root_dir)
    return path, out.stage.path_in_repo if out.stage.is_data_source else out.stage.name


def _data_outputs(repo: Repo, known: PipelineStage) -> Iterator[Any]:
    """Yield the tracked data that a stage reads or makes, of which a version is recorded."""
    inside = repo.fs.isin_or_eq
    for out in repo.index.outs:
        ours = (getattr(out.stage, "meta", None) or {}).get("generated_by") == "adversity"
        if not out.hash_info or (ours and "pipeline" in out.stage.meta):
            continue
        if out.stage == known or any(
            inside(dep.fs_path, out.fs_path) or inside(out.fs_path, dep.fs_path)
            for dep in known.deps
        ):
            yield out
