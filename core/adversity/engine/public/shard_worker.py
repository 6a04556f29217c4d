"""What a worker process does with an order: plans the file, keeps the plan, and computes.

The plan and what is set up are kept for the shards that follow. Nothing is computed unless the
file, the code and the plugins are those of the order.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.engine.public.mirror import LackingError, Mirror, TellingStore
from adversity.engine.public.open_stage import open_stage
from adversity.engine.public.shard_order import (
    ShardAnswer,
    code_of,
    computes_with,
    differing,
    other_code,
    run_mark,
    spec_sha256,
    worker_name,
)
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import AdversityError, InputError, RunError, StaleInputsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.engine.public.shard_order import PlanOrder, ShardOrder
    from adversity.engine.stages.stage import Shard, StageRun
    from adversity.pipeline.plan.model import Plan

__all__ = ["compute"]


def compute(order: ShardOrder) -> ShardAnswer:
    """Compute a shard into the store; whatever goes wrong is in the answer."""
    name, started = worker_name(), time.monotonic()
    types = order.plan.types
    if types and (mine := computes_with(order.plan.device)) not in types:
        return ShardAnswer(name, 0.0, foreign=mine)
    try:
        stage_run, shard = _desk.find(order)
        started = time.monotonic()
        store = stage_run.store
        if isinstance(store, TellingStore):
            store.listen()
        stage_run.run_shard(shard)
        pieces = store.taken() if isinstance(store, TellingStore) else ()
    except LackingError as error:
        return ShardAnswer(name, 0.0, lacks=error.hashes)
    except Exception as error:  # noqa: BLE001  (it is the run's, which raises it)
        return ShardAnswer(name, time.monotonic() - started, _chain(error))
    return ShardAnswer(name, time.monotonic() - started, pieces=pieces)


class _Desk:
    """The plan that this process works on, and its opened steps."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._order: PlanOrder | None = None
        self._plan: Plan | None = None
        self._mirror: Mirror | None = None
        self._opened: dict[str, StageRun] = {}
        self._seen: dict[str, str] = {}

    def find(self, order: ShardOrder) -> tuple[StageRun, Shard]:
        """Return a shard with its opened step; both are made once.

        Raises:
            InputError: If this process has other code than the run.
            StaleInputsError: If it finds another file or other data.
        """
        with self._lock:
            place = self._place(order)
            plan = self._planned(order.plan, place.root)
            if order.step not in self._opened:
                opened = open_stage(plan, plan.stage(order.step), place)
                if self._mirror:
                    opened.store = TellingStore(place.store)
                self._opened[order.step] = opened
            stage_run = self._opened[order.step]
            if self._mirror:
                self._mirror.bring_pieces(stage_run.store, order.pieces)
        found = stage_run.shards[order.index : order.index + 1]
        if not found or (found[0].name, found[0].cell.key) != (order.name, order.cell):
            raise StaleInputsError(
                f"worker {worker_name()} finds other data than the run: expected the shard "
                f"{order.name} of {order.cell or 'all'} at {order.index}; nothing may be written "
                "into a data set while a run goes on: run again"
            )
        return stage_run, found[0]

    def _place(self, order: ShardOrder) -> Workspace:
        """Return where to work: where the run does, or in a mirror of it."""
        plan = order.plan
        if plan != self._order:  # another run: let go of the last one
            self._opened.clear()
            self._plan = None
            if self._mirror:
                self._mirror.remove()
            self._mirror = None if _sees(plan) else Mirror(plan.run)
            self._order = plan
        if self._mirror is None:
            return Workspace(Path(plan.root), Path(plan.outputs), Path(plan.store), plan.processors)
        if not order.inputs:
            raise LackingError([""])
        self._mirror.bring(order.inputs)
        root = self._mirror.root
        return Workspace(root, root, self._mirror.store, plan.processors)

    def _planned(self, order: PlanOrder, root: Path) -> Plan:
        if self._plan is None:
            plan = _plan_of(order, root)
            self._require_the_same(plan, order)
            self._plan = plan
        return self._plan

    def _require_the_same(self, plan: Plan, order: PlanOrder) -> None:
        if fault := differing(code_of(plan), order.code):
            raise InputError(other_code(worker_name(), fault))
        # A process keeps what it imported, whatever its files say now.
        imported = dict(_imported(plan))
        edited = [name for name, value in imported.items() if self._seen.get(name, value) != value]
        self._seen = imported | self._seen
        if edited:
            raise InputError(
                f"worker {worker_name()} computes with code that was edited since it started "
                f"({', '.join(edited[:3])}); restart it"
            )
        if spec_sha256(plan) != order.spec:
            raise StaleInputsError(
                f"{order.file} was edited since the run began, as worker {worker_name()} finds it; "
                "run again"
            )


_desk = _Desk()


def _sees(order: PlanOrder) -> bool:
    try:
        return run_mark(Path(order.root), order.run).read_text("utf-8") == order.run
    except OSError:
        return False


def _plan_of(order: PlanOrder, root: Path) -> Plan:
    from adversity.pipeline.make_plan import make_plan
    from adversity.pipeline.read.load import load_pipeline
    from adversity.registry import discover

    return make_plan(load_pipeline(root / order.file, root=root), discover())


def _imported(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield what this process has imported, by name, with its fingerprint; a project's files aside."""
    yield "the engine", plan.resolved["core"]["engine"]["fingerprint"]
    for part in ("data", "steps", "metrics"):
        for record in plan.resolved.get(part, {}).values():
            if "fingerprint" in record and not record["distribution"].endswith(".py"):
                yield f"{record['plugin']} of {record['distribution']}", record["fingerprint"]


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
