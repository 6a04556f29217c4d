"""The pipeline file as values: what may stand where, and nothing about plugins.

What a plugin accepts under `with:` is the plan's to check; whether references lead
anywhere, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
)

from adversity.pipeline.read.notify import NotifierSpec, NotifySpec
from adversity.pipeline.read.revisions import revision_fault
from adversity.pipeline.read.run_spec import (
    Count,
    LimitSpec,
    Part,
    Positive,
    RunSpec,
    ScheduleSpec,
)

__all__ = [
    "RESERVED",
    "DataSpec",
    "LicenceSpec",
    "LimitSpec",
    "MetricSpec",
    "NotifierSpec",
    "NotifySpec",
    "PipelineSpec",
    "PrepareSpec",
    "RunSpec",
    "Scalar",
    "ScheduleSpec",
    "StepSpec",
]

RESERVED = "report"
"""The implicit last step; no step or data set may have its name."""

Scalar = StrictBool | StrictInt | Annotated[float, Field(strict=True)] | StrictStr
Variable = Annotated[str, Field(pattern=r"^\$[A-Za-z_][A-Za-z0-9_]*$")]


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _works_on(value: object) -> object:
    """Refuse what is neither a name nor a list: a tuple's complaint would hide that a name will do."""
    if isinstance(value, str | list | tuple):
        return _one_or_more(value)
    raise ValueError(
        f"must be the name of a step or data set, or a list of such names, got {value!r}"
    )


def _sources(value: object) -> object:
    """Refuse what is no name and no names of sources: a union would complain of each part."""
    named = isinstance(value, Mapping) and value and all(isinstance(v, str) for v in value.values())
    if value is None or isinstance(value, str) or named:
        return value
    raise ValueError(
        "must be the name of a step or data set, or a mapping from sources to such names, for "
        f"example {{train: ..., validate: ...}}, got {value!r}"
    )


def _draw(value: object) -> object:
    """Refuse what numbers no draw: a union would complain of each part."""
    variable = isinstance(value, str) and re.fullmatch(r"\$[A-Za-z_][A-Za-z0-9_]*", value)
    if value is None or variable or (type(value) is int and value >= 0):
        return value
    raise ValueError(
        "must be the number of a draw, 0 or more, or a matrix variable such as $member, got "
        f"{value!r}"
    )


def _metric(value: object) -> object:
    return {"uses": value} if isinstance(value, str) else value


def _revision(value: object) -> object:
    if isinstance(value, list):
        what = "must be one revision, got a list; list them under matrix: and write rev: $version"
        raise ValueError(what)  # noqa: TRY004  (pydantic takes a ValueError alone)
    if isinstance(value, int | float) and not isinstance(value, bool):
        what = f'must be text, got a number: write rev: "{value}"'
        raise ValueError(what)  # noqa: TRY004  (pydantic takes a ValueError alone)
    variable = isinstance(value, str) and value.startswith("$")
    fault = revision_fault(value) if isinstance(value, str) and not variable else None
    if fault:
        raise ValueError(fault)
    return value


class PrepareSpec(Part):
    """What happens to the images of a data set before anything else."""

    resize_short: Positive | None = None
    centre_crop: Positive | None = None
    multiple_of: Positive | None = None
    channels: Literal[3] | None = None


class DataSpec(Part):
    """A data set."""

    uses: StrictStr
    parameters: Mapping[StrictStr, Any] = Field(default_factory=dict, alias="with")
    prepare: PrepareSpec = PrepareSpec()
    images: Literal["clean", "degraded"] = "clean"
    labels: StrictStr | None = None
    unknown: Literal["keep"] | None = None
    rev: Annotated[StrictStr | None, BeforeValidator(_revision)] = None


class StepSpec(Part):
    """A step. `from:` is read as `source`, `with:` as `parameters`."""

    uses: StrictStr
    source: Annotated[tuple[StrictStr, ...], BeforeValidator(_works_on)] = Field(
        default=(), alias="from"
    )
    parameters: Mapping[StrictStr, Any] = Field(default_factory=dict, alias="with")
    against: StrictStr | None = None
    fit_on: Annotated[
        StrictStr | Mapping[StrictStr, StrictStr] | None, BeforeValidator(_sources)
    ] = None
    knowledge: Literal["white-box", "grey-box"] | None = None
    objective: Literal["misclassify", "look_sure", "look_unsure"] | None = None
    probe: Positive | None = None
    over: Annotated[tuple[StrictStr, ...], BeforeValidator(_one_or_more)] = ()
    by: StrictStr | None = None
    classes: tuple[StrictStr, ...] | Literal["data"] | None = None
    weights: StrictStr | None = None
    bootstrap: Annotated[Count | Variable | None, BeforeValidator(_draw)] = None
    folds: Annotated[int, Field(strict=True, ge=2)] | None = None


class MetricSpec(Part):
    """A metric that is computed besides those that always are."""

    uses: StrictStr
    parameters: Mapping[StrictStr, Any] = Field(default_factory=dict, alias="with")


class LicenceSpec(Part):
    """Licences that no plugin of the pipeline may have, neither its code nor its weights.

    Each is an SPDX id (`GPL-3.0-only`), a family of them (`AGPL`), a pattern (`CC-*-ND-*`), or
    the word `non-commercial`. Where any is denied, code whose licence nobody states is refused,
    unless `allow_unknown`.
    """

    deny: tuple[StrictStr, ...] = ()
    allow_unknown: StrictBool = False


class PipelineSpec(Part):
    """A pipeline file."""

    name: Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=80)]
    seed: Count = 0
    data: Mapping[StrictStr, DataSpec] = Field(min_length=1)
    matrix: Mapping[StrictStr, Annotated[tuple[Scalar, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    steps: Mapping[StrictStr, StepSpec] = Field(min_length=1)
    metrics: tuple[Annotated[MetricSpec, BeforeValidator(_metric)], ...] = ()
    gates: tuple[StrictStr, ...] = ()
    schedule: ScheduleSpec | None = None
    notify: NotifySpec | None = None
    licences: LicenceSpec = LicenceSpec()
    conformance: Literal["required"] | None = None
    """`required`: only plugins that pass the conformance kit here, as they are now."""
    run: RunSpec = RunSpec()
