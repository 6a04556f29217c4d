"""`notify:` of the pipeline file as values: whom to tell of runs, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StrictStr

from adversity.pipeline.read.run_spec import Part

__all__ = ["NotifierSpec", "NotifySpec"]


class NotifierSpec(Part):
    """A way to tell somebody how a run went. `with:` is read as `parameters`."""

    uses: StrictStr
    parameters: Mapping[StrictStr, Any] = Field(default_factory=dict, alias="with")


class NotifySpec(Part):
    """Who hears of a run, and when.

    Attributes:
        when: Events that are told.
        to: Whom, and how.
        reports: The address under which the folder `runs/` can be seen; None: its path is told.
    """

    when: tuple[Literal["passed", "undecided", "gate_failed", "failed", "recovered"], ...] = (
        "failed",
        "gate_failed",
        "recovered",
    )
    to: Annotated[tuple[NotifierSpec, ...], Field(min_length=1)]
    reports: Annotated[StrictStr, Field(pattern=r"^https?://\S+$")] | None = None
