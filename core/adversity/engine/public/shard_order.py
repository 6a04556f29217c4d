"""A shard as a value that travels: what another process needs to compute it, and what it answers.

A worker plans the pipeline file itself and keeps the plan, with what is set up, for the shards that
follow. It computes nothing unless its file, its code and its plugins are those of the order.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.distributions import distribution_version
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import AdversityError, InputError, RunError, StaleInputsError
from adversity.registry.marks import DEPENDS_ON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.engine.stages.stage import Shard, StageRun
    from adversity.pipeline.plan.model import Plan

__all__ = ["PlanOrder", "ShardAnswer", "ShardOrder", "compute", "plan_order", "worker_name"]

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """Which plan a worker makes, and what it must find.

    Attributes:
        run: Tells one run from the next: what was set up for another is let go.
        root: The project's folder.
        file: The pipeline file, relative to it.
        outputs: Where artifacts lie.
        store: The content-addressed store, where results go.
        processors: Types of the processors that compute, where they are not this machine's.
        spec: The SHA-256 of what the file says.
        code: The versions of libraries and the fingerprints of the core and of each plugin.
    """

    run: str
    root: str
    file: str
    outputs: str
    store: str
    processors: tuple[str, ...]
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


@dataclass(frozen=True, slots=True)
class ShardAnswer:
    """What became of an order.

    Attributes:
        worker: Who computed.
        seconds: How long that took, without waiting.
        errors: What it failed with and, each after the other, what caused that; none if it is done.
    """

    worker: str
    seconds: float
    errors: tuple[BaseException, ...] = ()

    def raise_any(self) -> None:
        """Raise what the shard failed with, as it was raised there."""
        for error, cause in zip(self.errors, self.errors[1:], strict=False):
            error.__cause__ = cause
        if self.errors:
            raise self.errors[0]


def plan_order(plan: Plan, workspace: Workspace, run: str) -> PlanOrder:
    """Describe a plan for workers.

    Args:
        plan: The pipeline, resolved, without overrides: what its file says.
        workspace: Where it runs.
        run: A name that no other run has.
    """
    return PlanOrder(
        run=run,
        root=str(workspace.root),
        file=plan.file,
        outputs=str(workspace.outputs),
        store=str(workspace.store),
        processors=workspace.processors,
        spec=_sha256(plan.spec.model_dump(mode="json", by_alias=True)),
        code=_code(plan),
    )


def worker_name() -> str:
    """Return how this process is called: `host:pid`."""
    return f"{socket.gethostname()}:{os.getpid()}"


def compute(order: ShardOrder) -> ShardAnswer:
    """Compute a shard into the store; whatever goes wrong is in the answer."""
    started = time.monotonic()
    try:
        stage_run, shard = _desk.find(order)
        started = time.monotonic()
        stage_run.run_shard(shard)
    except Exception as error:  # noqa: BLE001  (it is the run's, which raises it)
        return ShardAnswer(worker_name(), time.monotonic() - started, _chain(error))
    return ShardAnswer(worker_name(), time.monotonic() - started)


class _Desk:
    """The plan that this process works on, and its opened steps."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._order: PlanOrder | None = None
        self._plan: Plan | None = None
        self._opened: dict[str, StageRun] = {}
        self._seen: dict[str, str] = {}

    def find(self, order: ShardOrder) -> tuple[StageRun, Shard]:
        """Return a shard with its opened step; both are made once.

        Raises:
            InputError: If this process has other code than the run.
            StaleInputsError: If it finds another file or other data.
        """
        with self._lock:
            plan = self._planned(order.plan)
            if order.step not in self._opened:
                self._opened[order.step] = open_stage(plan, plan.stage(order.step), _place(order))
            stage_run = self._opened[order.step]
        found = stage_run.shards[order.index : order.index + 1]
        if not found or (found[0].name, found[0].cell.key) != (order.name, order.cell):
            raise StaleInputsError(
                f"worker {worker_name()} finds other data than the run: expected the shard "
                f"{order.name} of {order.cell or 'all'} at {order.index}; nothing may be written "
                "into a data set while a run goes on: run again"
            )
        return stage_run, found[0]

    def _planned(self, order: PlanOrder) -> Plan:
        if self._plan is None or self._order != order:
            self._opened.clear()
            self._plan = self._order = None
            plan = _plan_of(order)
            self._require_the_same(plan, order)
            self._plan, self._order = plan, order
        return self._plan

    def _require_the_same(self, plan: Plan, order: PlanOrder) -> None:
        code = dict(_code(plan))
        differing = [
            f"{name} is {code.get(name, 'missing')} there and {value} here"
            for name, value in order.code
            if code.get(name) != value
        ]
        if differing:
            raise InputError(
                f"worker {worker_name()}: expected the code of this run, got another "
                f"({'; '.join(differing[:3])}{'; ...' if differing[3:] else ''}); install the same "
                "versions there and restart it"
            )
        # A process keeps what it imported, whatever its files say now.
        imported = dict(_imported(plan))
        edited = [name for name, value in imported.items() if self._seen.get(name, value) != value]
        self._seen = imported | self._seen
        if edited:
            raise InputError(
                f"worker {worker_name()} computes with code that was edited since it started "
                f"({', '.join(edited[:3])}); restart it"
            )
        if _sha256(plan.spec.model_dump(mode="json", by_alias=True)) != order.spec:
            raise StaleInputsError(
                f"{order.file} was edited since the run began, as worker {worker_name()} finds it; "
                "run again"
            )


_desk = _Desk()


def _plan_of(order: PlanOrder) -> Plan:
    from adversity.pipeline.make_plan import make_plan
    from adversity.pipeline.read.load import load_pipeline
    from adversity.registry import discover

    root = Path(order.root)
    return make_plan(load_pipeline(root / order.file, root=root), discover())


def _place(order: ShardOrder) -> Workspace:
    plan = order.plan
    return Workspace(Path(plan.root), Path(plan.outputs), Path(plan.store), plan.processors)


def _code(plan: Plan) -> Facts:
    """Return what computes a plan: libraries by version, the core and plugins by fingerprint."""
    facts = {"python": platform.python_version()}
    facts |= {name: distribution_version(name) or "missing" for name in DEPENDS_ON}
    facts["the engine"] = f"source {plan.resolved['core']['engine']['fingerprint'][:12]}"
    for part in ("data", "steps", "metrics"):
        for name, record in plan.resolved.get(part, {}).items():
            facts[f"{part}.{name}"] = _words(record)
    return tuple(facts.items())


def _imported(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield what this process has imported, by name, with its fingerprint; a project's files aside."""
    yield "the engine", plan.resolved["core"]["engine"]["fingerprint"]
    for part in ("data", "steps", "metrics"):
        for record in plan.resolved.get(part, {}).values():
            if "fingerprint" in record and not record["distribution"].endswith(".py"):
                yield f"{record['plugin']} of {record['distribution']}", record["fingerprint"]


def _words(record: Any) -> str:
    """Say a plugin's distribution and version, with a hash of all that is known of it."""
    parts = [record.get("distribution"), record.get("version")]
    return " ".join([*filter(None, parts), f"source {_sha256(record)[:12]}"])


def _sha256(record: Any) -> str:
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _chain(error: BaseException | None) -> tuple[BaseException, ...]:
    """Return an error and what caused it, each as it can travel."""
    found: list[BaseException] = []
    while error is not None and len(found) < _DEEPEST:
        found.append(_able_to_travel(error))
        error = error.__cause__
    return tuple(found)


_DEEPEST = 10


def _able_to_travel(error: BaseException) -> BaseException:
    """Return an error, or one that says the same where its class may not be known elsewhere."""
    known = type(error).__module__ in ("builtins", AdversityError.__module__)
    if known and all(isinstance(arg, str | int | None) for arg in error.args):
        return error
    return RunError(f"{type(error).__name__}: {error}")
