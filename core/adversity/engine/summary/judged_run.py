"""What a finished run comes to, without drawing its page: measures, gates, and what is doubted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from adversity.contracts import Measure
from adversity.engine.summary.summarise import summarise
from adversity.errors import StorageError
from adversity.pipeline.gates.verdicts import judge
from adversity.pipeline.plan.engine_measures import OF_DATA
from adversity.pipeline.read.spec import RESERVED
from adversity.report.doubts.caveats import caveats_of_gates
from adversity.report.values.model import Caveat, CellResult, DataSummary, Report, StepSummary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.data.ledger import Ledger
    from adversity.engine.set_up.workspace import Workspace
    from adversity.pipeline.gates.earlier import Earlier
    from adversity.pipeline.plan.model import Plan

__all__ = ["data_measures", "judged_run"]


def judged_run(
    plan: Plan, workspace: Workspace, *, ledger: Ledger, earlier: Earlier | None = None
) -> Report:
    """Judge the gates of a finished run; pages, images and words are left out.

    Which figures are void and what of the data could not be read is what the tracked copy of
    the report says, so that no data set is opened for it.

    Args:
        plan: The pipeline.
        workspace: Where its artifacts lie.
        ledger: What was attacked before.
        earlier: How it differs from the runs that gates compare it with.

    Raises:
        StorageError: If an artifact is missing or damaged.
    """
    data, caveats = _recorded(plan, workspace)
    summaries = summarise(plan, workspace, ledger=ledger)
    of_data = {
        name: data_measures([item for item in data if item.name == name])
        for name in dict.fromkeys(item.name for item in data)
    }
    gates = judge(plan.gates, {**of_data, **summaries}, earlier, caveats=caveats)
    steps = tuple(summaries.values())
    return Report(
        pipeline=plan.name,
        file=plan.file,
        text="",
        seed=plan.spec.seed,
        matrix={},
        data=data,
        steps=steps,
        gates=gates,
        caveats=caveats_of_gates(caveats, data, steps, gates),
    )


def data_measures(versions: Sequence[DataSummary]) -> StepSummary:
    """Return what gates can rest on of a data set, in the form that a step has, a cell a version.

    The share of what could not be read is counted, not estimated: it has no interval.
    """
    cells = tuple(_measured(data) for data in versions)
    return StepSummary(versions[0].name, versions[0].uses, "dataset", "data", cells=cells)


def _measured(data: DataSummary) -> CellResult:
    broken = len(data.quarantined)
    total = data.n + broken
    share = Measure(
        broken / total, total, convention={"over": "all files of the data set"}
    ).known_as(OF_DATA["unreadable_share"])
    return CellResult(data.cell, total, {"unreadable_share": share})


def _recorded(
    plan: Plan, workspace: Workspace
) -> tuple[tuple[DataSummary, ...], tuple[Caveat, ...]]:
    path = workspace.outputs / plan.stage(RESERVED).out / "report.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        data = tuple(
            DataSummary(**{**item, "quarantined": tuple(map(tuple, item["quarantined"]))})
            for item in record["data"]
        )
        return data, tuple(Caveat(**item) for item in record["caveats"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{path} is missing or damaged ({error}); run the pipeline with --force {RESERVED}"
        ) from error
