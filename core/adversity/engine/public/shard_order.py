"""A shard as a value that travels: what another process needs to compute it, and what it answers.

What computes it is in `shard_worker.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.distributions import distribution_version
from adversity.engine.stages.stage import hardware
from adversity.pipeline.core_source import kept_core_fingerprint
from adversity.pipeline.make_plan import ENGINE
from adversity.registry.marks import DEPENDS_ON

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.engine.set_up.workspace import Workspace
    from adversity.pipeline.plan.model import Plan

__all__ = [
    "Facts",
    "PlanOrder",
    "ShardAnswer",
    "ShardOrder",
    "code_of",
    "computes_with",
    "differing",
    "libraries",
    "other_code",
    "plan_order",
    "run_mark",
    "spec_sha256",
    "worker_name",
]

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """Which plan a worker makes, and what it must find.

    Attributes:
        run: Tells one run from the next: what was set up for another is let go. In the project lies
            a file of this name (`run_mark`): who sees it sees the run's files.
        root: The project's folder.
        file: The pipeline file, relative to it.
        outputs: Where artifacts lie.
        store: The content-addressed store, where results go.
        processors: As the workspace has them.
        types: What may compute, as `computes_with` says; anything, if none is named.
        device: Where networks run.
        spec: The SHA-256 of what the file says.
        code: The versions of libraries and the fingerprints of the core and of each plugin.
    """

    run: str
    root: str
    file: str
    outputs: str
    store: str
    processors: tuple[str, ...]
    types: tuple[str, ...]
    device: str
    spec: str
    code: Facts


@dataclass(frozen=True, slots=True)
class ShardOrder:
    """One shard of one step of a plan."""

    plan: PlanOrder
    step: str
    index: int
    name: str
    cell: str
    inputs: str = ""
    """The SHA-256 of the list of files that the step reads, for who does not see them."""
    pieces: tuple[tuple[str, str, str], ...] = ()
    """What it needs of other shards: key, name and SHA-256."""
    source: str = ""
    """Where listed files may be fetched by their MD5, for the runner; nothing where nowhere."""


@dataclass(frozen=True, slots=True)
class ShardAnswer:
    """What became of an order.

    Attributes:
        worker: Who computed.
        seconds: How long that took, without waiting.
        errors: What it failed with and, each after the other, what caused that; none if it is done.
        lacks: The SHA-256 of contents that the worker must be sent first; an empty text where the
            order does not list them.
        pieces: What it computed, where it does not see the run's store: key, name, bytes, SHA-256.
        foreign: Its processor, where it is of a type that the run has not counted on.
        refused: Why the remote of DVC gave nothing of what it lacks, where that is what it said.
    """

    worker: str
    seconds: float
    errors: tuple[BaseException, ...] = ()
    lacks: tuple[str, ...] = ()
    pieces: tuple[tuple[str, str, bytes, str], ...] = ()
    foreign: str = ""
    refused: str = ""

    @property
    def waits(self) -> bool:
        """Whether nothing was computed, since something has to be done first."""
        return bool(self.lacks or self.foreign)

    def raise_any(self) -> None:
        """Raise what the shard failed with, as it was raised there."""
        for error, cause in zip(self.errors, self.errors[1:], strict=False):
            error.__cause__ = cause
        if self.errors:
            raise self.errors[0]


def plan_order(
    plan: Plan, workspace: Workspace, run: str, types: tuple[str, ...] = ()
) -> PlanOrder:
    """Describe a plan for workers.

    Args:
        plan: The pipeline, resolved, without overrides: what its file says.
        workspace: Where it runs.
        run: A name that no other run has.
        types: What may compute it.
    """
    return PlanOrder(
        run=run,
        root=str(workspace.root),
        file=plan.file,
        outputs=str(workspace.outputs),
        store=str(workspace.store),
        processors=workspace.processors,
        types=types,
        device=plan.spec.run.device,
        spec=spec_sha256(plan),
        code=code_of(plan),
    )


def worker_name() -> str:
    """Return how this process is called: `host:pid`."""
    return f"{socket.gethostname()}:{os.getpid()}"


def libraries() -> Facts:
    """Return what every plan rests on here: Python, the libraries and the engine."""
    facts = {"python": platform.python_version()}
    facts |= {name: distribution_version(name) or "missing" for name in DEPENDS_ON}
    facts["the engine"] = f"source {kept_core_fingerprint(*ENGINE)[:12]}"
    return tuple(facts.items())


def differing(theirs: Facts, ours: Facts) -> str:
    """Say in which versions a worker differs from the run; nothing if in none."""
    there = dict(theirs)
    faults = [
        f"{name} is {there.get(name, 'missing')} there and {value} here"
        for name, value in ours
        if there.get(name) != value
    ]
    return "; ".join(faults[:_NAMED]) + ("; ..." if len(faults) > _NAMED else "")


def computes_with(device: str) -> str:
    """Return the types of what computes in this process: the processor, with a card its name."""
    return " + ".join(hardware(device)[1:])


_NAMED = 3
"""So many differences are named."""


def other_code(worker: str, fault: str) -> str:
    """Return the message for a worker that has not the code of the run."""
    return (
        f"worker {worker}: expected the code of this run, got another ({fault}); install the same "
        "versions there and restart it"
    )


def run_mark(root: Path, run: str) -> Path:
    """Return the file that tells a worker whether it sees the files of the run."""
    return root / ".adversity" / "tmp" / f"run-{run}"


def spec_sha256(plan: Plan) -> str:
    """Return the SHA-256 of what a pipeline file says."""
    return _sha256(plan.spec.model_dump(mode="json", by_alias=True))


def code_of(plan: Plan) -> Facts:
    """Return what computes a plan: libraries by version, the core and plugins by fingerprint."""
    facts = dict(libraries())
    for part in ("data", "steps", "metrics"):
        for name, record in plan.resolved.get(part, {}).items():
            facts[f"{part}.{name}"] = _words(record)
    return tuple(facts.items())


def _words(record: Any) -> str:
    """Say a plugin's distribution and version, with a hash of all that is known of it."""
    parts = [record.get("distribution"), record.get("version")]
    return " ".join([*filter(None, parts), f"source {_sha256(record)[:12]}"])


def _sha256(record: Any) -> str:
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
