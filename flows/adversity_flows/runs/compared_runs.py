"""Which two runs are meant: run ids, run folders, pipeline files, commits."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NoReturn

from adversity.did_you_mean import did_you_mean
from adversity.engine.summary.recorded_run import RecordedRun, recorded_metrics
from adversity.engine.summary.run_diff import run_diff
from adversity.errors import InputError
from adversity_flows.dvc.revision import Revision
from adversity_flows.runs.named_run import LAST, named_run, run_at
from adversity_flows.runs.past_runs import FOLDER, past_runs
from adversity_flows.runs.recorded_runs import past_run, revision_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adversity.registry import Registry
    from adversity.report.values.run_diff import RunDiff
    from adversity_flows.runs.past_runs import PastRun

__all__ = ["compared", "last_run", "last_two", "named_side", "of_one_pipeline"]


def compared(before: RecordedRun, after: RecordedRun, registry: Registry, draws: int) -> RunDiff:
    """Compare two runs with the metrics that are installed; what is missing is said.

    Args:
        before: The earlier run.
        after: The later one.
        registry: The plugins that are installed.
        draws: Of the bootstrap.
    """
    metrics, known, missing = recorded_metrics(after, registry)
    return run_diff(before, after, metrics=metrics, known=known, draws=draws, missing=missing)


def last_two(root: Path, pipeline: str) -> tuple[RecordedRun, RecordedRun]:
    """Return the last two runs of a pipeline, the earlier one first.

    Raises:
        InputError: If there are not two.
    """
    found = list(islice(past_runs(root, pipeline), 2))
    if len(found) < 2:
        raise InputError(
            f"expected two runs of {pipeline} in {root / FOLDER} to compare, got {len(found)}; run "
            "it again after a change, or name what to compare it with: a run, a branch, a tag"
        )
    return past_run(found[1]), past_run(found[0])


def named_side(root: Path, name: str) -> RecordedRun | Revision:
    """Return a run by its id, its folder or as `last`, else a commit by any name that DVC knows.

    Raises:
        InputError: If it is neither, or the run did not come to its end.
        StorageError: If the run is damaged.
    """
    found = named_run(root, None) if name == LAST else run_at(root, name)
    if found is not None:
        return past_run(_finished(found))
    return Revision.named(root, name) or _refuse(root, name)


def of_one_pipeline(
    first: RecordedRun | Revision, second: RecordedRun | Revision, pipeline: str | None
) -> tuple[RecordedRun, RecordedRun]:
    """Return two sides as runs of one pipeline.

    Args:
        first: A run, or a commit that may hold several pipelines.
        second: Likewise.
        pipeline: Which one is meant, if that is said.

    Raises:
        InputError: If it is not clear which one, or one of them has none of it.
        StorageError: If results of a commit are not there.
    """
    sides = (first, second)
    named = [side.result["pipeline"] for side in sides if isinstance(side, RecordedRun)]
    chosen = pipeline or next(iter(named), None)
    known = [side.pipelines for side in sides if isinstance(side, Revision)]
    both = [name for name in (known[0] if known else ()) if all(name in own for own in known)]
    if chosen is None and len(both) != 1:
        raise InputError(
            f"expected one pipeline that {first.name} and {second.name} have results of, got "
            f"{', '.join(both) or 'none'}; {'name one with --pipeline' if both else 'run it there'}"
        )
    name = both[0] if chosen is None else chosen
    return _as_run(first, name), _as_run(second, name)


def _as_run(side: RecordedRun | Revision, pipeline: str) -> RecordedRun:
    has = side.pipelines if isinstance(side, Revision) else (str(side.result["pipeline"]),)
    if pipeline not in has:
        raise InputError(
            f"expected results of {pipeline} in {side.name}, got {', '.join(has) or 'none'}; name "
            "another one"
        )
    return revision_run(side, pipeline) if isinstance(side, Revision) else side


def last_run(root: Path, pipeline: str) -> RecordedRun:
    """Return the last run of a pipeline.

    Raises:
        InputError: If there is none.
    """
    past = next(iter(past_runs(root, pipeline)), None)
    if past is None:
        raise InputError(
            f"expected a run of {pipeline} that came to its end, got none in {root / FOLDER}; run it, "
            "or name the commit whose results are meant, such as HEAD"
        )
    return past_run(past)


def _refuse(root: Path, name: str) -> NoReturn:
    """Refuse a name that is nothing, with the nearest run.

    Raises:
        InputError: Always.
    """
    known = list(_ids(root))
    hint = did_you_mean(name, known, f"the last runs are {', '.join(known[:3]) or 'none'}.")
    raise InputError(
        f"expected a run (its id or folder), a pipeline file, a branch, a tag, a commit or an "
        f"experiment, got {name!r}; {hint}"
    )


def _ids(root: Path) -> Iterator[str]:
    for folder in sorted((root / FOLDER).glob("[0-9]*-*"), reverse=True):
        if (folder / "result.json").is_file():
            yield folder.name


def _finished(past: PastRun) -> PastRun:
    """Return a run that came to its end.

    Raises:
        InputError: If it did not.
    """
    if past.manifest.get("state") != "done":
        state = past.manifest.get("state", "unknown")
        raise InputError(
            f"expected a run that came to its end, got {past.id}, whose state is {state}; name "
            "another one"
        )
    return past
