"""A packaged data set by itself: what `adversity materialise NAME` does, a data stage's command."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from adversity.errors import InputError
from adversity.pipeline.model import Stage
from adversity_flows.memory import Inputs, Memory
from adversity_flows.replace import beside, clear, put, recover
from adversity_flows.step import run_by_dvc

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.contracts import Dataset

__all__ = ["materialise_command"]


def materialise_command(dataset: Dataset, root: Path) -> bool:
    """Write a packaged data set into `data/<name>`.

    Under `dvc repro` DVC records by itself afterwards; called by hand this records. A folder
    that is already what was recorded is left as it is.

    Args:
        dataset: The data set, with any parameters: all of it is written.
        root: The project's folder.

    Returns:
        Whether it was written.

    Raises:
        InputError: If the data set does not come inside a package, or no pipeline uses it.
        DataError: If the folder was changed on disk since it was recorded.
    """
    if not dataset.packaged:
        raise InputError(
            f"expected a data set that comes inside a package, got {dataset.name!r}, whose files "
            "are yours; there is nothing to materialise"
        )
    name = dataset.name
    stage = Stage(f"data:{name}", f"data-{name}", "", (), {}, f"data/{name}")
    if run_by_dvc(stage, root, os.environ):
        _write(dataset, root / stage.out)
        return True
    with Memory.open(root) as memory:
        if not memory.state(stage).stale:
            return False
        memory.reserve(stage)
        _write(dataset, root / stage.out)
        memory.record(stage, Inputs({}, {}))
    return True


def _write(dataset: Dataset, out: Path) -> None:
    from adversity.engine.data_stage import materialise

    recover(out)
    new = beside(out)
    clear(new)
    new.mkdir(parents=True)
    try:
        materialise(dataset, new)
        put(new, out)
    finally:
        clear(new)
