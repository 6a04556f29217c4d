"""Reading a finished stage's result back from its artifact."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from adversity.contracts import Measure
from adversity.data.checksums import Checksums
from adversity.engine.stages.stage import StageResult
from adversity.engine.stages.stored_images import IMAGES
from adversity.errors import StorageError

if TYPE_CHECKING:
    from adversity.engine.set_up.workspace import Workspace
    from adversity.pipeline.plan.model import Plan, Stage

__all__ = ["read_result"]


def read_result(plan: Plan, stage: Stage, workspace: Workspace) -> StageResult:
    """Read the result of a finished stage from its artifact.

    Every file of the artifact but the images is verified.

    Raises:
        StorageError: If it is not there or damaged.
    """
    folder = workspace.outputs / stage.out
    Checksums(folder).verify(aside=IMAGES)  # large, and verified by those who read them
    if stage.step.startswith("data:"):
        return StageResult(stage.step)
    try:
        record = json.loads((folder / "measures.json").read_text(encoding="utf-8"))
        measures = {
            key: {name: Measure.from_json(m) for name, m in measures.items()}
            for key, measures in record["cells"].items()
        }
        groups = {key: tuple(names) for key, names in record.get("groups", {}).items()}
        return StageResult(record["step"], measures, tuple(record["notes"]), record["rows"], groups)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"cannot read {folder / 'measures.json'}: {error}; run step {stage.step!r} again"
        ) from error
