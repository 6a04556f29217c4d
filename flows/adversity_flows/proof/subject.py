"""Whose numbers are to be proved: a run of this machine, or what DVC has of a commit."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from adversity.engine.summary.recorded_run import RecordedRun
from adversity.errors import InputError, StorageError
from adversity.pipeline.plan.stages import resolved_file
from adversity_flows.dvc.revision import Revision
from adversity_flows.runs.accepted_runs import accepted_run
from adversity_flows.runs.compared_runs import named_side
from adversity_flows.runs.named_run import LAST, named_run, pipeline_name, run_at
from adversity_flows.runs.past_runs import past_runs
from adversity_flows.runs.recorded_runs import past_run, revision_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.pipeline.plan.model import Plan
    from adversity_flows.runs.past_runs import PastRun

__all__ = ["ACCEPTED", "Subject", "planned_then", "subject_of"]

ACCEPTED = "accepted"
_HEAD = "HEAD"


@dataclass(frozen=True, slots=True)
class Subject:
    """A run whose numbers are to be proved.

    Attributes:
        root: The project.
        run: What it said, and its tables.
        past: Its folder; None for what DVC has of a commit.
    """

    root: Path
    run: RecordedRun
    past: PastRun | None = None

    @property
    def name(self) -> str:
        """What to call it."""
        return f"run {self.run.name}" if self.past is not None else f"commit {self.run.name}"

    @property
    def pipeline(self) -> str:
        """The pipeline's name."""
        return str(self.run.result["pipeline"])

    @property
    def file(self) -> str:
        """The pipeline file, relative to the project."""
        return str(self.run.result["file"])

    @property
    def text(self) -> str:
        """What the pipeline file held; empty if that was not kept."""
        return str(self.run.result.get("text", ""))

    @property
    def hashes(self) -> Mapping[str, str]:
        """DVC's hashes of what its steps read and wrote, by path."""
        found: Mapping[str, str] = self.run.facts.get("hashes") or {}
        return found

    @property
    def resolved(self) -> Mapping[str, Any]:
        """Where its plugins came from."""
        found: Mapping[str, Any] = self.run.facts.get("resolved") or {}
        return found

    @property
    def versions(self) -> Mapping[str, str]:
        """The versions of what computed; empty where they were not recorded."""
        found: Mapping[str, str] = self.run.facts.get("versions") or {}
        return found

    @property
    def machine(self) -> Mapping[str, str]:
        """What it was computed on; empty where that was not recorded."""
        found: Mapping[str, str] = self.run.facts.get("machine") or {}
        return found


@contextmanager
def subject_of(
    root: Path, name: str | None, pipeline: str | None = None, *, damaged_too: bool = False
) -> Iterator[Subject]:
    """Find a run by its name, and let go of what was opened for it.

    Args:
        root: The project that one stands in.
        name: An id or a folder of a run; a pipeline file, for its last run, or in a project that
            was pulled for what DVC has of it; a branch, a tag or a commit; `last` or None for the
            last run of any pipeline; `accepted` for the run that gates compare with.
        pipeline: Which one, where a commit, or what was accepted, is of several.
        damaged_too: A run whose report's numbers are damaged has none, and is no error.

    Raises:
        InputError: If there is no such run, or it is not clear which pipeline is meant.
        StorageError: If what it left is missing or damaged.
    """
    found = _accepted(root, pipeline) if name == ACCEPTED else _named(root, name)
    if isinstance(found, Revision):
        try:
            yield _of_commit(root, found, pipeline or _name_in(name))
        finally:
            found.close()
    else:
        yield Subject(found.path.parent.parent, _run(found, damaged_too=damaged_too), found)


def planned_then(subject: Subject) -> Plan:
    """Plan the pipeline as its file was in the run, with what is installed now.

    Raises:
        PipelineError: If that cannot be planned any more, with every finding.
    """
    from adversity.pipeline.make_plan import make_plan
    from adversity.pipeline.read.load import load_pipeline, read_pipeline
    from adversity.registry import discover

    root = subject.root.resolve()
    if subject.text:
        loaded = read_pipeline(subject.text, subject.file, root=root)
    else:
        loaded = load_pipeline(root / subject.file, root=root)
    unmarked = loaded.spec.model_copy(update={"conformance": None})
    return make_plan(replace(loaded, spec=unmarked), discover())


def _named(root: Path, name: str | None) -> PastRun | Revision:
    """Return a run, or a commit that may hold several pipelines."""
    if name is None or name == LAST:
        try:
            return named_run(root, None)
        except InputError:
            return _pulled(root)
    if _name_in(name) is not None:
        last = next(past_runs(root, str(_name_in(name))), None)
        return _pulled(root) if last is None else last
    if run_at(root, name) is not None:
        return named_run(root, name)
    return cast("Revision", named_side(root, name))  # it is no run, and anything else is refused


def _accepted(root: Path, pipeline: str | None) -> PastRun:
    """Return the accepted run of a pipeline, or of the one that has some.

    Raises:
        InputError: If there is none, or several pipelines have one.
    """
    files = sorted((root / "pipelines").glob("*.y*ml"))
    names = [pipeline] if pipeline is not None else [pipeline_name(file) for file in files]
    found = [past for name in names if (past := accepted_run(root, name)) is not None]
    if len(found) == 1:
        return found[0]
    known = ", ".join(str(past.manifest["pipeline"]) for past in found)
    raise InputError(
        f"expected one pipeline with an accepted run, got {known or pipeline or 'none'}; "
        f"{'name one with --pipeline' if found else 'a run is accepted when no gate fails'}"
    )


def _name_in(name: str | None) -> str | None:
    """Return the pipeline whose file this is; None for anything else."""
    is_file = name is not None and Path(name).suffix in (".yaml", ".yml")
    return pipeline_name(Path(str(name))) if is_file else None


def _pulled(root: Path) -> Revision:
    """Return what DVC has of a project that nothing was run in here.

    Raises:
        InputError: If that is nothing.
    """
    found = Revision.named(root, _HEAD)
    if found is None or not found.pipelines:
        raise InputError(
            f"expected a run that came to its end, got none in {root / 'runs'}, and DVC has none of "
            f"{_HEAD}; run `adversity run PIPELINE`, or get what others ran: `git pull`, `dvc pull`"
        )
    return found


def _run(past: PastRun, *, damaged_too: bool) -> RecordedRun:
    try:
        return past_run(past)
    except StorageError:
        if not damaged_too:
            raise
    known = {name: past.manifest.get(name, "") for name in ("pipeline", "file")}
    return RecordedRun(past.id, known, lambda _: None, past.manifest)


def _of_commit(root: Path, revision: Revision, pipeline: str | None) -> Subject:
    known = revision.pipelines
    if pipeline is None and len(known) == 1:
        pipeline = known[0]
    if pipeline not in known:
        raise InputError(
            f"expected one pipeline that {revision.name} has results of, got "
            f"{pipeline or ', '.join(known) or 'none'}; "
            f"{'name one with --pipeline' if known else 'run it there, and commit dvc.lock'}"
        )
    run = revision_run(revision, pipeline)
    if not run.facts["resolved"]:
        recorded = revision.parameters(pipeline, resolved_file(pipeline))
        run = replace(run, facts={**run.facts, "resolved": recorded})
    return Subject(root, run)
