"""Everything that a run's numbers rest on: does it still have the hash that the run recorded?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.errors import PipelineError
from adversity.report.words.wording import plural
from adversity_flows.dvc.on_disk import on_disk
from adversity_flows.proof.again import COMPUTED, computed_checks
from adversity_flows.proof.check import Check, faults, rests_words
from adversity_flows.proof.of_code import (
    asset_checks,
    device_checks,
    library_checks,
    source_checks,
)
from adversity_flows.proof.of_inputs import artifact_checks, input_checks
from adversity_flows.proof.of_ledger import ledger_checks, worst_cases_of
from adversity_flows.proof.of_run import file_checks, kept_checks
from adversity_flows.proof.subject import ACCEPTED, planned_then, subject_of
from adversity_flows.runs.accepted_runs import accepted_run

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan
    from adversity_flows.proof.subject import Subject
    from adversity_flows.steps.watch import Watcher

__all__ = ["Audit", "audit", "audit_of_accepted"]

SCHEMA = "adversity-audit/1"


@dataclass(frozen=True, slots=True)
class Audit:
    """What became of all that a run's numbers rest on.

    Attributes:
        name: The run.
        file: Its pipeline file.
        checks: In the order in which one thing rests on the other.
    """

    name: str
    file: str
    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing changed and nothing is missing."""
        return not faults(self.checks)

    @property
    def sentence(self) -> str:
        """Whether the numbers can still be produced and from what, or what changed first."""
        wrong = faults(self.checks)
        if wrong:
            more = f" ({plural(len(wrong), 'thing')} in all)" if len(wrong) > 1 else ""
            return f"the first thing that changed: {wrong[0].sentence}{more}"
        unknown = [check for check in self.checks if check.state == "not recorded"]
        names = ", ".join(f"{check.what} {check.name}" for check in unknown)
        aside = f"; not recorded: {names}" if unknown else ""
        can = "can still be produced"
        if any(check.what == COMPUTED for check in self.checks):
            can = "was computed once more, equal as promised"
        return f"every number of it {can}, from {rests_words(self.checks)}{aside}"

    def as_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "schema": SCHEMA,
            "run": self.name,
            "file": self.file,
            "holds": self.holds,
            "sentence": self.sentence,
            "checks": [check.as_json() for check in self.checks],
        }


def audit(subject: Subject, watcher: Watcher | None = None) -> Audit:
    """Hash everything that the numbers of a run rest on.

    Args:
        subject: The run.
        watcher: Told of progress while every number is computed once more; None to compute nothing.
    """
    plan = _plan(subject)
    with on_disk(subject.root) as disk:
        checks = [*input_checks(subject, disk)]
        if isinstance(plan, Check):
            checks += [plan, *library_checks(subject)]
        else:
            checks += [*asset_checks(plan), *source_checks(subject, plan)]
            checks += [*library_checks(subject), *device_checks(subject, plan)]
        checks += [*file_checks(subject), *artifact_checks(subject, disk), *kept_checks(subject)]
        checks += ledger_checks(subject, worst_cases_of(subject))
    if watcher is not None and not isinstance(plan, Check):
        checks += computed_checks(subject, plan, watcher)
    return Audit(subject.name, subject.file, tuple(checks))


def audit_of_accepted(root: Path, pipeline: str) -> Audit | None:
    """Hash what the accepted run of a pipeline rests on; None where none is accepted.

    Args:
        root: The project.
        pipeline: The pipeline's name.
    """
    if accepted_run(root, pipeline) is None:
        return None
    with subject_of(root, ACCEPTED, pipeline, damaged_too=True) as subject:
        return audit(subject)


def _plan(subject: Subject) -> Plan | Check:
    """Plan what ran with what is installed now, or say why that cannot be done."""
    try:
        return planned_then(subject)
    except PipelineError as error:
        why = f"it can no longer be planned: {error.findings[0]}"
        return Check("plugin", f"of {subject.file}", "changed", why)
