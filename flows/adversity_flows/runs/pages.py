"""A run's judgement, and the files that say it: page, markdown and JSON."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from adversity.engine.set_up.workspace import Workspace
from adversity.engine.summary.judged_run import judged_run
from adversity.engine.summary.run_diff import run_diff
from adversity.engine.summary.shown_views import FOLDER as SHOWN
from adversity.engine.summary.summarise import build_report
from adversity.report import report_json, write_html, write_json, write_markdown
from adversity.report.charts.drawings import FOLDER, Drawings
from adversity.report.values.model import Outcome, Provenance
from adversity_flows.runs.attack_ledger import ledger_of
from adversity_flows.runs.gate_runs import earlier_runs
from adversity_flows.runs.past_runs import PAGE, RESULT, past_runs
from adversity_flows.runs.recorded_runs import finished_run, past_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan
    from adversity.report.values.model import GateResult, Report
    from adversity_flows.runs.past_runs import PastRun

__all__ = ["judged", "redraw", "write_pages"]


def judged(plan: Plan, workspace: Workspace) -> Report:
    """Return what a terminal says of finished results: steps and gates, and nothing expensive.

    Args:
        plan: The pipeline.
        workspace: Where its artifacts lie.

    Raises:
        InputError: If a gate names a commit that there is not.
        StorageError: If an artifact is missing or damaged.
    """
    earlier = earlier_runs(plan, workspace.outputs)
    return judged_run(plan, workspace, ledger=ledger_of(plan.root), earlier=earlier)


def write_pages(
    folder: Path,
    plan: Plan,
    workspace: Workspace,
    gates: Sequence[GateResult],
    provenance: Provenance,
    *,
    facts: Mapping[str, Any],
) -> Report:
    """Write the whole report of a run into its folder, with what is new since the last run.

    Args:
        folder: The run's folder.
        plan: The pipeline.
        workspace: Where its artifacts lie.
        gates: As judged.
        provenance: Of the run.
        facts: What its manifest says.

    Returns:
        What the report says.

    Raises:
        StorageError: If an artifact is missing or damaged.
    """
    report = _whole(plan, workspace, gates, provenance)
    report = _with_news(report, plan, workspace, facts)
    drawings = Drawings(plan.root / FOLDER)
    write_html(report, folder / PAGE, drawings=drawings)
    write_markdown(report, folder / "report.md", drawings=drawings)
    write_json(report, folder / RESULT)
    drawings.tidy()
    return report


def redraw(plan: Plan, past: PastRun, page: Path) -> None:
    """Write a run's page again from the artifacts, which must be those of the run.

    Args:
        plan: The pipeline.
        past: The run; what it says of itself stands on the page.
        page: The file to write.

    Raises:
        StorageError: If an artifact is missing or damaged.
    """
    facts = {item.name: past.manifest[item.name] for item in fields(Provenance)[1:]}
    facts["outcomes"] = tuple(Outcome(**outcome) for outcome in facts["outcomes"])
    workspace = Workspace.of(plan.root)
    gates = judged(plan, workspace).gates
    provenance = Provenance(past.id, **facts)
    report = _whole(plan, workspace, gates, provenance)
    report = _with_news(report, plan, workspace, past.manifest)
    drawings = Drawings(plan.root / FOLDER)
    write_html(report, page, drawings=drawings)
    drawings.tidy()


def _whole(
    plan: Plan, workspace: Workspace, gates: Sequence[GateResult], provenance: Provenance
) -> Report:
    """Gather what the report says; of the images that it shows, those that are new are computed."""
    return build_report(
        plan,
        workspace,
        gates=gates,
        provenance=provenance,
        ledger=ledger_of(plan.root),
        shown=plan.root / SHOWN,
    )


def _with_news(
    report: Report, plan: Plan, workspace: Workspace, facts: Mapping[str, Any]
) -> Report:
    """Return a report with what is new since the run before it; as it is, if there was none."""
    own = "" if report.provenance is None else report.provenance.run_id
    before = next((run for run in past_runs(plan.root, plan.name) if run.id < own), None)
    if before is None or not before.result.is_file():
        return report
    result = report_json(report)
    now = finished_run(plan, workspace.outputs, name=own, result=result, facts=facts)
    then = past_run(before)
    if not then.steps.keys() & now.steps.keys():
        return report  # another pipeline under the same name
    since = run_diff(then, now, metrics=plan.metrics, known=plan.measures)
    return replace(report, since=since)
