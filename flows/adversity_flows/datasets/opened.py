"""Data sets as a command names them: those of a pipeline file, or a folder of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import adversity
from adversity.data.reading import Source
from adversity.engine.calls.set_up import set_up
from adversity.engine.public.create import opened
from adversity.engine.set_up.toolbox import Toolbox
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import InputError, PipelineError
from adversity_flows.datasets.versions import opened_in, packed
from adversity_flows.runs.sample_list import SampleList, list_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.contracts import Dataset
    from adversity.pipeline.plan.model import Plan

__all__ = ["of_folders", "of_plan"]


def of_plan(plan: Plan) -> Iterator[tuple[str, Source]]:
    """Yield the data sets of a pipeline by their names in the file, prepared as it says.

    Data that come inside a package are read from it where no run has written them yet.

    Raises:
        PipelineError: If data are missing.
        DataError: If they are wrong.
    """
    from adversity_flows.dvc.tracked import missing_data

    findings = missing_data(plan)
    if findings:
        raise PipelineError(findings)
    toolbox = Toolbox(plan, Workspace.of(plan.root))
    for name, planned in plan.data.items():
        dataset: Dataset = planned.plugin  # type: ignore[assignment]
        if dataset.packaged and not toolbox.there(name):
            ready = set_up(dataset, planned.entry.label, "cpu")
            yield name, Source(opened(ready), planned.prepare)
        else:
            yield name, toolbox.source(name, planned.cell)


def of_folders(folders: Sequence[str]) -> Iterator[tuple[str, Source]]:
    """Yield folders whose sub-folders are classes, or of packed files with a list, by their paths.

    Raises:
        InputError: If one does not lie in the current folder.
        DataError: If one is no such folder.
    """
    for folder in folders:
        path = Path(folder)
        if not path.is_dir():
            raise InputError(
                f"expected a pipeline file or a folder of images, got {folder}, which is neither"
            )
        if not path.resolve().is_relative_to(Path.cwd()):
            raise InputError(f"expected a folder within {Path.cwd()}, got {folder}; go there first")
        inside = path.resolve().relative_to(Path.cwd()).as_posix()
        listed = Path(list_place(inside))
        if listed.is_file():
            yield inside, opened_in(Path.cwd(), packed(inside, SampleList.head(listed)[0]))
        else:
            yield inside, Source(adversity.create("dataset", "folder", path=inside))
