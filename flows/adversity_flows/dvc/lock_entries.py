"""Entries of `dvc.lock`: what one commit recorded of a pipeline, brought into another's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from adversity.data.atomic import atomic_write
from adversity_flows.dvc.repository import dvc_errors

if TYPE_CHECKING:
    from adversity.pipeline.plan.model import Plan

__all__ = ["bring_entries", "made_hashes"]


def bring_entries(plan: Plan, recorded: str) -> None:
    """Put what was recorded of a plan's stages into its project's `dvc.lock`.

    Of stages that pipelines share, and of those that somebody wrote by hand, the project's own
    entries stay: they say which data are meant.

    Args:
        plan: The pipeline.
        recorded: The text of the `dvc.lock` that has the entries.
    """
    path = plan.root / "dvc.lock"
    here = _read(path.read_text(encoding="utf-8") if path.is_file() else "")
    known, theirs = here.setdefault("stages", {}), _read(recorded).get("stages", {})
    before = dict(known)
    for stage in plan.stages:
        shared = stage.step.startswith("data:")
        if stage.name in theirs and not (shared and stage.name in known):
            known[stage.name] = theirs[stage.name]
    if known == before:
        return
    with dvc_errors(plan.root, "write dvc.lock"):
        from dvc.utils.serialize import dumps_yaml

        text = dumps_yaml({"schema": "2.0", **here})
        atomic_write(path, lambda new: new.write_text(text, encoding="utf-8"))


def made_hashes(recorded: str, plan: Plan) -> list[str]:
    """Return DVC's hashes of what the stages of a plan made, by the text of a `dvc.lock`."""
    stages = _read(recorded).get("stages", {})
    outs = [out for stage in plan.stages for out in (stages.get(stage.name) or {}).get("outs", ())]
    return [str(out["md5"]) for out in outs if out.get("md5")]


def _read(text: str) -> dict[str, Any]:
    """Read a lock file; what is none has no entries, and DVC will say so."""
    try:
        found = yaml.load(text, yaml.CSafeLoader)
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}
