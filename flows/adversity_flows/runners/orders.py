"""Shards as orders to other processes: what runners without a common memory share."""

from __future__ import annotations

import hashlib
import threading
from abc import abstractmethod
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.data.atomic import atomic_write
from adversity.engine.public.shard_order import PlanOrder, ShardOrder, plan_order, run_mark
from adversity.errors import RunError, StorageError
from adversity_flows.runners.inputs import Inputs
from adversity_flows.runners.runner import Runner
from adversity_flows.runs.run_marks import new_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adversity.engine.public.shard_order import ShardAnswer
    from adversity.engine.set_up.workspace import Workspace
    from adversity.engine.stages.stage import Shard, StageRun
    from adversity.pipeline.plan.model import Plan

__all__ = ["OrderRunner"]


class OrderRunner(Runner):
    """A runner whose workers get values and put what they compute into the run's store.

    The recorder stays where the run is: workers write nothing but shards. One that does not see
    the run's files is sent those that it lacks, by content, and its shards come back as bytes.

    Attributes:
        types: What may compute, as `computes_with` says; anything, if none is named.
    """

    def __init__(self) -> None:
        """Start nothing."""
        self.types: tuple[str, ...] = ()
        self._from_afar = False
        self._run = new_name()
        self._said: set[str] = set()
        self._lock = threading.Lock()
        self._known: tuple[Plan, Workspace, PlanOrder, Inputs] | None = None

    @abstractmethod
    def ask(self, order: ShardOrder, *, at: str | None = None) -> ShardAnswer:
        """Let a worker compute an order; thread-safe.

        Args:
            order: The shard.
            at: The worker that is asked first; None for any.

        Raises:
            RunError: If its workers died again and again.
        """

    def give(self, worker: str, blobs: Sequence[bytes]) -> None:
        """Send contents to a worker that lacks them."""
        raise RunError(f"worker {worker} does not see the files of the run")

    def exclude(self, worker: str, why: str) -> None:
        """Ask a worker no more."""
        raise RunError(f"worker {worker}: {why}")

    def warn(self, text: str) -> None:
        """Say what is odd about a worker, where anybody listens."""

    def run_shard(self, stage_run: StageRun, shard: Shard) -> str:
        """Send it to a worker and wait; what takes no time is done here."""
        if not stage_run.computes_in_shards:
            stage_run.run_shard(shard)
            return ""
        plan, inputs = self._described(stage_run.plan, stage_run.workspace)
        order = ShardOrder(plan, stage_run.stage.step, shard.index, shard.name, shard.cell.key)
        at: str | None = None
        while (answer := self.ask(self._listed(order, stage_run, shard), at=at)).waits:
            at = None if answer.foreign else answer.worker
            if answer.foreign:
                types = ", ".join(self.types)
                why = f"it computes with {answer.foreign}, and the run began with {types}"
                self.exclude(answer.worker, why)
            elif not self._from_afar:
                self._from_afar = True  # from now on each order says what to ask for
            else:
                with _named(answer.worker):
                    self.give(answer.worker, self._sent(answer, inputs, stage_run.plan))
        with _named(answer.worker):
            answer.raise_any()
        for key, name, content, sha256 in answer.pieces:
            _put(stage_run, (key, name), content, sha256)
        return f"{answer.worker} in {answer.seconds:.1f} s"

    def _sent(self, answer: ShardAnswer, inputs: Inputs, plan: Plan) -> list[bytes]:
        """Read what a worker lacks; data sets only where the remote of DVC need not have them.

        Raises:
            RunError: If it is a file of data, which is to come from the remote alone.
        """
        if lost := inputs.of_data(answer.lacks):
            if plan.spec.run.data_from == "remote":
                raise _not_to_be_had(answer, lost)
            self._say_refused(answer)
        return inputs.read(answer.lacks)

    def _say_refused(self, answer: ShardAnswer) -> None:
        """Say once why the remote of DVC gives workers nothing, if it said why."""
        with self._lock:
            new = bool(answer.refused) and answer.refused not in self._said
            self._said.add(answer.refused)
        if new:
            self.warn(
                f"worker {answer.worker}: DVC's remote gave it no data ({answer.refused}); the run "
                "sends them instead, to every worker that meets with this"
            )

    def _listed(self, order: ShardOrder, stage_run: StageRun, shard: Shard) -> ShardOrder:
        """Say in an order what it needs, where there is a worker that does not see it."""
        if not self._from_afar:
            return order
        inputs = self._described(stage_run.plan, stage_run.workspace)[1]
        if stage_run.plan.spec.run.data_from == "remote":
            inputs.require_source()
        listing, pieces = inputs.listing(order.step), inputs.pieces(stage_run, shard)
        return replace(order, inputs=listing, pieces=pieces, source=inputs.source)

    def close(self) -> None:
        """Take the mark of the run away."""
        if self._known is not None:
            with suppress(OSError):
                run_mark(self._known[1].root, self._run).unlink()

    def _described(self, plan: Plan, workspace: Workspace) -> tuple[PlanOrder, Inputs]:
        """Describe a plan once: its hash is not for free."""
        with self._lock:
            known = self._known
            if known is None or known[0] is not plan or known[1] != workspace:
                mark = run_mark(workspace.root, self._run)
                atomic_write(mark, lambda path: path.write_text(self._run, encoding="utf-8"))
                order = plan_order(plan, workspace, self._run, self.types)
                known = self._known = plan, workspace, order, Inputs(plan, workspace)
            return known[2], known[3]


@contextmanager
def _named(worker: str) -> Iterator[None]:
    """Say whose disk it is, where a worker could not write."""
    try:
        yield
    except StorageError as error:
        raise StorageError(f"worker {worker}: {error}") from error


def _not_to_be_had(answer: ShardAnswer, lost: Sequence[str]) -> RunError:
    """Return the error for data that DVC's remote does not give to a worker."""
    if answer.refused:
        return RunError(
            f"worker {answer.worker}: DVC's remote gave it no data ({answer.refused}); give the "
            "worker credentials of its own, or write run.data_from: any"
        )
    more = f" and {len(lost) - 1} more files of data" if len(lost) > 1 else ""
    return RunError(
        f"worker {answer.worker}: DVC's remote has not {lost[0]}{more} as they are here; `dvc push` "
        "and run again, or write run.data_from: any"
    )


def _put(stage_run: StageRun, place: tuple[str, str], content: bytes, sha256: str) -> None:
    """Put what a worker sent into the store.

    Raises:
        RunError: If it is not what was sent.
    """
    if hashlib.sha256(content).hexdigest() != sha256:
        raise RunError("a shard was damaged on its way from the worker; run again")
    stage_run.store.put(*place, lambda path: Path(path).write_bytes(content))
