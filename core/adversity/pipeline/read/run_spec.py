"""`schedule:` and `run:` of the pipeline file as values: when and how it runs, and what it may take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    model_validator,
)

from adversity.pipeline.read.cron import cron_fault, timezone_fault
from adversity.pipeline.read.interval import interval_fault

__all__ = ["Count", "LimitSpec", "Part", "Positive", "RunSpec", "ScheduleSpec"]

Positive = Annotated[int, Field(strict=True, ge=1)]
Count = Annotated[int, Field(strict=True, ge=0)]


def _device(value: object) -> object:
    """Refuse what torch has no word for; whether it is there is tested where it must compute."""
    if isinstance(value, str) and not re.fullmatch(r"(cpu|cuda|mps|xpu)(:\d+)?", value):
        meant = {"gpu": "cuda", "nvidia": "cuda", "metal": "mps"}.get(value.lower().split(":")[0])
        hint = f"; did you mean {meant}?" if meant else ""
        raise ValueError(f"must be cpu, cuda, cuda:1, mps or xpu, got {value!r}{hint}")
    return value


def _address(value: object) -> object:
    """Refuse what names no scheduler; whether one is there is tried when there is work."""
    if isinstance(value, str) and not re.fullmatch(r"(tcp|tls|ucx|ray)://[^\s/@]+:\d+", value):
        raise ValueError(
            "must be a cluster's address such as tcp://10.0.0.5:8786 (Dask) or "
            f"ray://10.0.0.5:10001, got {value!r}"
        )
    return value


_CLUSTERS = {"dask": "tcp://10.0.0.5:8786", "ray": "ray://10.0.0.5:10001"}
"""Runners that have an address, each with one."""


def _cron(value: object) -> object:
    fault = cron_fault(value)
    if fault:
        raise ValueError(fault)
    return value


def _interval(value: object) -> object:
    fault = interval_fault(value)
    if fault:
        raise ValueError(fault)
    return value


def _memory(value: object) -> object:
    """Refuse what is no size with its unit: a bare number would be bytes, which nobody means."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)? ?[KMGT]i?B", value):
        return value
    raise ValueError(f"must be a size with its unit such as 500MB or 8GiB, got {value!r}")


def _timezone(value: object) -> object:
    fault = timezone_fault(value)
    if fault:
        raise ValueError(fault)
    return value


class Part(BaseModel):
    """A part of the file: unknown keys are errors, nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ScheduleSpec(Part):
    """When the pipeline runs by itself: at the times of `cron`, or every `interval`.

    Attributes:
        cron: Minute, hour, day, month, weekday.
        interval: In their place.
        timezone: Of the times.
        rev: The branch, tag or commit that runs; what is checked out if None.
        strict: An undecided gate fails, and holds the accepted run.
        push: Whether results go to the remotes; to those that there are if None.
        timeout: A look that takes longer is ended; none is if None.
    """

    cron: Annotated[StrictStr | None, BeforeValidator(_cron)] = None
    interval: Annotated[StrictStr | None, BeforeValidator(_interval)] = None
    timezone: Annotated[StrictStr, BeforeValidator(_timezone)] = "UTC"
    rev: Annotated[StrictStr, Field(min_length=1)] | None = None
    strict: StrictBool | None = None
    push: StrictBool | None = None
    timeout: Annotated[StrictStr | None, BeforeValidator(_interval)] = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.cron is None) == (self.interval is None):
            got = "neither" if self.cron is None else "both"
            raise ValueError(f'must have either cron ("0 2 * * *") or interval (6h), got {got}')
        return self

    @property
    def words(self) -> str:
        """What it says: `0 2 * * * (UTC)`, `every 6h (UTC)`."""
        return f"{self.cron or f'every {self.interval}'} ({self.timezone})"


class LimitSpec(Part):
    """What the shards of a step may take: wall time together, memory each."""

    time: Annotated[StrictStr | None, BeforeValidator(_interval)] = None
    memory: Annotated[StrictStr | None, BeforeValidator(_memory)] = None

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if self.time is None and self.memory is None:
            raise ValueError("must have time (30m), memory (8GiB) or both, got neither")
        return self


class RunSpec(Part):
    """How the pipeline runs; nothing here but the type of device changes a number's last bits.

    Attributes:
        batch_size: Rows that are grouped in one call.
        shard_size: Rows of one task.
        workers: Shards at the same time.
        retries: How often a failed shard is tried again.
        device: Where networks run.
        images: Samples shown in the report.
        checkpoint_s: Seconds after which a fit that goes on is kept again, so that a killed one goes
            on from there.
        max_cells: Cells of the matrix over all steps; more are refused before they are made.
        runner: Who computes shards: threads of the run, processes of this machine, or a cluster.
        address: Of the cluster.
        data_from: Where workers get data sets that do not see the project: from the remote of DVC and,
            what that does not give, from the run; or from the remote alone.
        limits: By step, what its shards may take; they are computed by processes that are ended.
    """

    batch_size: Positive = 64
    shard_size: Positive = 256
    workers: Positive = 1
    retries: Count = 0
    device: Annotated[StrictStr, BeforeValidator(_device)] = "cpu"
    images: Count = 24
    checkpoint_s: Count = 60
    max_cells: Positive = 10_000
    runner: Literal["threads", "processes", "dask", "ray"] = "threads"
    address: Annotated[StrictStr | None, BeforeValidator(_address)] = None
    data_from: Literal["any", "remote"] = "any"
    limits: Mapping[StrictStr, LimitSpec] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _addressed(self) -> Self:
        example = _CLUSTERS.get(self.runner)
        if example is None and self.address is not None:
            raise ValueError(
                f"must have no address, which is of runner: dask or ray, got runner: {self.runner}"
            )
        if example is None and self.data_from != "any":
            raise ValueError(
                "must have no data_from, which is of runner: dask or ray, got runner: "
                f"{self.runner}, whose workers see the project"
            )
        if example is not None:
            wanted = (
                f"must have an address such as {example}, which runner: {self.runner} connects to"
            )
            if self.address is None:
                raise ValueError(f"{wanted}, got none")
            if self.address.startswith("ray:") != (self.runner == "ray"):
                raise ValueError(f"{wanted}, got {self.address}")
        if example is not None and self.limits:
            raise ValueError(
                f"must have no limits with runner: {self.runner}, since they are of processes of "
                "this machine; a cluster has its own, as `dask worker --memory-limit 8GiB`"
            )
        return self
