"""Shards as orders to other processes: what runners without a common memory share."""

from __future__ import annotations

import threading
import uuid
from abc import abstractmethod
from typing import TYPE_CHECKING

from adversity.engine.public.shard_order import PlanOrder, ShardAnswer, ShardOrder, plan_order
from adversity_flows.runners.runner import Runner

if TYPE_CHECKING:
    from adversity.engine.set_up.workspace import Workspace
    from adversity.engine.stages.stage import Shard, StageRun
    from adversity.pipeline.plan.model import Plan

__all__ = ["OrderRunner"]


class OrderRunner(Runner):
    """A runner whose workers get values and put what they compute into the run's store.

    The recorder stays where the run is: workers write nothing but shards.
    """

    def __init__(self) -> None:
        """Start nothing."""
        self._run = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._plan_order: tuple[Plan, Workspace, PlanOrder] | None = None

    @abstractmethod
    def ask(self, order: ShardOrder) -> ShardAnswer:
        """Let a worker compute an order; thread-safe.

        Raises:
            RunError: If its workers died again and again.
        """

    def run_shard(self, stage_run: StageRun, shard: Shard) -> str:
        """Send it to a worker and wait; what takes no time is done here."""
        if not stage_run.computes_in_shards:
            stage_run.run_shard(shard)
            return ""
        answer = self.ask(self._order(stage_run, shard))
        answer.raise_any()
        return f"{answer.worker} in {answer.seconds:.1f} s"

    def _order(self, stage_run: StageRun, shard: Shard) -> ShardOrder:
        plan = self._described(stage_run.plan, stage_run.workspace)
        return ShardOrder(plan, stage_run.stage.step, shard.index, shard.name, shard.cell.key)

    def _described(self, plan: Plan, workspace: Workspace) -> PlanOrder:
        """Describe a plan once: its hash is not for free."""
        with self._lock:
            known = self._plan_order
            if known is None or known[0] is not plan or known[1] != workspace:
                known = plan, workspace, plan_order(plan, workspace, self._run)
                self._plan_order = known
            return known[2]
