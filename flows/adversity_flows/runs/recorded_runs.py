"""Runs as they are compared: those in `runs/`, and one that has just come to its end."""

from __future__ import annotations

import json
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import yaml

from adversity.data.checksums import verified_file
from adversity.data.stored import TABLE, StoredTable
from adversity.engine.summary.recorded_run import RecordedRun
from adversity.errors import StorageError
from adversity.pipeline.plan.in_versions import file_name
from adversity.pipeline.plan.stages import resolved_file
from adversity_flows.runs.file_contents import contents_here, contents_in, place_of
from adversity_flows.runs.listed_contents import listed_contents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan
    from adversity_flows.dvc.revision import Revision
    from adversity_flows.runs.past_runs import PastRun

__all__ = ["finished_run", "past_run", "read_result", "revision_run"]

_REPORT = "report.json"


def past_run(past: PastRun) -> RecordedRun:
    """Return a run of `runs/`, each file verified as it is read.

    Raises:
        StorageError: If its result is missing or damaged.
    """

    def table(step: str) -> StoredTable | None:
        path = past.table(step)
        return StoredTable(past.verified(path)) if path.is_file() else None

    result = read_result(past.verified(past.result))

    def contents(name: str, ids: Sequence[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for one in _versions(result, name):
            found = contents_in(past, one, ids) | found
        return found

    return RecordedRun(past.id, result, _once(table), past.manifest, contents)


def finished_run(
    plan: Plan, outputs: Path, *, name: str, result: Mapping[str, Any], facts: Mapping[str, Any]
) -> RecordedRun:
    """Return the run whose artifacts lie in the project.

    Args:
        plan: The pipeline.
        outputs: Where its artifacts lie.
        name: Its id.
        result: Its report as JSON.
        facts: What its manifest says.
    """
    stages = {stage.step: stage for stage in plan.stages}

    def table(step: str) -> StoredTable | None:
        folder = outputs / stages[step].out if step in stages else None
        if folder is None or not (folder / TABLE).is_file():
            return None
        return StoredTable(verified_file(folder, TABLE))

    contents = partial(contents_here, plan, outputs)
    return RecordedRun(name, result, _once(table), facts, contents)


def revision_run(revision: Revision, pipeline: str) -> RecordedRun:
    """Return what DVC has of a pipeline in a commit; of its machine and libraries nothing is known.

    Args:
        revision: The commit.
        pipeline: One of its `pipelines`.

    Raises:
        StorageError: If its results are not there, or damaged.
    """
    folder = revision.artifact(pipeline, "report", _REPORT)
    if folder is None:
        raise StorageError(
            f"expected the report of {pipeline} in {revision.name}, got none; run `adversity run` "
            "there and commit dvc.lock"
        )
    result = read_result(verified_file(folder, _REPORT))
    result["text"] = revision.text(str(result["file"]))

    def table(step: str) -> StoredTable | None:
        found = revision.artifact(pipeline, step, TABLE)
        return None if found is None else StoredTable(verified_file(found, TABLE))

    resolved = yaml.safe_load(revision.text(resolved_file(pipeline)) or "{}")
    facts = {
        "hashes": revision.hashes(pipeline),
        "resolved": resolved,
        "git": {"revision": revision.commit},
        "verdict_line": f"commit {revision.commit[:12]}",
    }

    def contents(name: str, ids: Sequence[str]) -> Mapping[str, str]:
        places = (place_of(one, facts["hashes"]) for one in _versions(result, name))
        found: dict[str, str] = {}
        for place in filter(None, places):
            files = dict(revision.file_hashes(place, ids))
            md5 = str(facts["hashes"].get(place, ""))
            found = (files or listed_contents(revision.root, place, md5, ids)) | found
        return found

    return RecordedRun(revision.name, result, _once(table), facts, contents)


def _versions(result: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return what a report says of a data set, in each of its versions; nothing of an unknown one."""
    return [one for one in result.get("data", ()) if file_name(str(one.get("id"))) == name]


def read_result(path: Path) -> dict[str, Any]:
    """Read a report's JSON.

    Raises:
        StorageError: If it is none.
    """
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(read, dict) or "steps" not in read:
            raise ValueError("it is no report")
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} is missing or damaged ({error}); run again") from error
    return read


def _once(table: Callable[[str], StoredTable | None]) -> Callable[[str], StoredTable | None]:
    """Open each table once: its file is hashed, and its footer read, when it is first asked for."""
    return lru_cache(maxsize=None)(table)
