"""Where the data of a plan lie: in the project, or in a folder that a stage wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.data.checksums import Checksums
from adversity.errors import DataError
from adversity.project import file_fault, list_files

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.engine.set_up.workspace import Workspace
    from adversity.pipeline.plan.model import PlannedData

__all__ = ["is_there", "open_root", "require_readable"]


def is_there(planned: PlannedData, workspace: Workspace) -> bool:
    """Say whether a data set is on disk: materialised, pulled."""
    if planned.pinned is not None:
        return _written(planned, workspace).is_dir()
    if _is_packaged(planned):
        return (_written(planned, workspace) / "manifest.csv").is_file()
    return planned.location is None or (workspace.root / planned.location).exists()


def require_readable(planned: PlannedData, root: Path) -> None:
    """Refuse a folder with pipes in it or links out of it, whatever the data set reads there.

    What a stage wrote has none.
    """
    place = planned.location
    if place is None or planned.pinned is not None or _is_packaged(planned):
        return
    if (root / place).is_dir():
        list_files(root, place)
    elif (fault := file_fault(root, place)) is not None:
        raise DataError(fault)


def open_root(planned: PlannedData, workspace: Workspace) -> Path:
    """Return the folder in which a data set is opened; what a stage wrote there is verified.

    Raises:
        DataError: If the data of a revision are not there.
        StorageError: If they are damaged.
    """
    if planned.pinned is None and not _is_packaged(planned):
        return workspace.root
    folder = _written(planned, workspace)
    if folder.is_dir():
        Checksums(folder).verify()
    elif planned.pinned is not None:
        raise DataError(
            f"{planned.line}: data.{planned.id}: expected {planned.location}, the data of "
            f"{planned.pinned.revision}, got none; `adversity run` brings them, and so does "
            f"`adversity materialise {planned.pinned.name}`"
        )
    return folder


def _written(planned: PlannedData, workspace: Workspace) -> Path:
    """Return the folder of data that a stage writes: among the outputs, or in the project."""
    materialised = workspace.outputs / str(planned.location)
    return materialised if materialised.is_dir() else workspace.root / str(planned.location)


def _is_packaged(planned: PlannedData) -> bool:
    return bool(type(planned.plugin).packaged)  # type: ignore[attr-defined]
