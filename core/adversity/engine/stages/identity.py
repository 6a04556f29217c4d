"""What a step's answer depends on by itself; what comes in stands beside it in a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.data.checksums import Checksums
from adversity.engine.set_up.toolbox import state_path
from adversity.engine.set_up.workspace import slug
from adversity.engine.stages.stored_images import IMAGES
from adversity.pipeline.read.project_paths import files_in, place_sha256

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.contracts import PluginBase
    from adversity.engine.set_up.toolbox import Toolbox
    from adversity.pipeline.plan.model import Cell

__all__ = ["files_of", "identity_of"]


def identity_of(
    toolbox: Toolbox, step: str, cell: Cell, *, running: str | None = None
) -> dict[str, Any]:
    """Return a step's plugin, its source, parameters, files, options and fitted state, as JSON values.

    Args:
        toolbox: Of the run.
        step: Which.
        cell: At least its variables.
        running: The step that is being computed, whose own results are not there yet.

    Raises:
        StorageError: If a fitted state, or an attack's images, are missing or damaged.
    """
    plan, planned = toolbox.plan, toolbox.plan.steps[step]
    resolved = plan.resolved["steps"][step]
    if "plugins" in resolved:  # a variable of the matrix names one of them
        resolved = resolved["plugins"][planned.entry_of(cell).qualified]
    # What else its table keeps is no part of what it answers.
    resolved = {name: value for name, value in resolved.items() if name != "features"}
    plugin = toolbox.plugin(step, cell)
    record = {
        "step": step,
        "resolved": resolved,
        "with": plugin.fingerprint,
        "options": {key: str(value) for key, value in planned.options.items()},
        "knowledge": planned.knowledge,
    }
    files = files_of(plan.root, plugin)
    if files:
        record["files"] = files
    definition = toolbox.definition_of(step)
    if definition.fit_on is not None and definition.id != running:
        folder = toolbox.artifact(definition.id)
        state = state_path(folder, definition.own(cell)).relative_to(folder).as_posix()
        record["fitted"] = Checksums(folder).hash_of(state)
    if planned.nested:
        record["nested"] = {
            name: identity_of(toolbox, name, cell, running=running) for name in planned.nested
        }
    if planned.role == "attack" and step != running:
        images = f"{IMAGES}/{slug(planned.own(cell))}"
        record["images"] = Checksums(toolbox.artifact(step)).hash_of(images)
    return record


def files_of(root: Path, plugin: PluginBase) -> dict[str, str]:
    """Return the files of a project in a plugin's parameters, each with its SHA-256."""
    return {place: place_sha256(root, place) for place in files_in(root, plugin)}
