"""What a run is refused for before it computes: asked by each run, and before its file is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.engine.calls.device import refuse_absent_device
from adversity_flows.dvc.at_work import refuse_at_work
from adversity_flows.dvc.recorder import DvcRecorder
from adversity_flows.dvc.tracked import refuse_missing_data
from adversity_flows.runners.open_runner import open_runner
from adversity_flows.runs.gate_runs import refuse_unknown_commits

if TYPE_CHECKING:
    from adversity.pipeline.plan.model import Plan

__all__ = ["refuse_to_compute", "refuse_to_write"]


def refuse_to_compute(plan: Plan) -> None:
    """Refuse a plan that this machine, these files and this history cannot serve.

    Args:
        plan: The pipeline, resolved.

    Raises:
        InputError: If the device or a gate's commit is not there.
        PipelineError: If data are missing, with every line.
    """
    refuse_absent_device(plan)
    refuse_missing_data(plan)
    refuse_unknown_commits(plan)


def refuse_to_write(plan: Plan) -> None:
    """Refuse a plan whose run could not begin, before it is written into its file.

    Workers are met, too, of whom a run that has nothing to compute asks nothing.

    Args:
        plan: The pipeline, resolved with what is to be written.

    Raises:
        AdversityError: What its run would be refused with.
        BusyError: If another process computes one of its steps.
    """
    refuse_to_compute(plan)
    DvcRecorder.open(plan.root).close()
    refuse_at_work(plan)
    with open_runner(plan, 1, lambda _: None) as runner:
        runner.meet()
