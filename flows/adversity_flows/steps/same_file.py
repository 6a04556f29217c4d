"""A run is of what its pipeline file says: DVC records the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.errors import InputError
from adversity.pipeline.read.load import load_pipeline
from adversity_flows.dvc.reasons import parameter_reasons, sentence

if TYPE_CHECKING:
    from adversity.pipeline.plan.model import Plan

__all__ = ["refuse_another_file"]


def refuse_another_file(plan: Plan) -> None:
    """Refuse a plan that differs from its file (overrides, an edit since): DVC records the file."""
    loaded = load_pipeline(plan.root / plan.file, root=plan.root)
    aside = {"run", "gates", "schedule", "licences"}
    written = loaded.spec.model_dump(mode="json", by_alias=True, exclude=aside)
    planned = plan.spec.model_dump(mode="json", by_alias=True, exclude=aside)
    words = parameter_reasons(written, planned)
    if words:
        raise InputError(
            f"{plan.file}: expected the plan of what the file says, got {sentence(words)}; DVC "
            "records what the file says: write the change into the file, or compute without "
            "recording with `adversity.run(..., into=...)`"
        )
