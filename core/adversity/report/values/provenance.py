"""What a run adds to the results, as values: when, where, how long, and with what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Outcome", "Provenance"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one step in a run.

    Attributes:
        step: Its id.
        state: `ran`, `cached` or `failed`.
        reason: Why it ran or did not, in words.
        seconds: Wall time; 0 for a cached step.
    """

    step: str
    state: Literal["ran", "cached", "failed"]
    reason: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a run adds to the results: never tracked by DVC, never part of a number."""

    run_id: str
    started: str
    seconds: float
    command: str
    outcomes: tuple[Outcome, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    """Python, torch, prefect, dvc, adversity, plugin distributions."""
    machine: Mapping[str, str] = field(default_factory=dict)
    """Processor, cores, device."""
    git: Mapping[str, str] = field(default_factory=dict)
    """`revision`, `state` (clean or dirty)."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """DVC hashes of data and artifacts by path."""
    door: str = "direct"
    """`direct`, `prefect`, `dvc` or `python`."""
