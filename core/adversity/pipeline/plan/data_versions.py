"""Data at revisions in a plan: which contents it reads, and the stages that write them out."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from adversity.contracts.project_files import project_files
from adversity.errors import InputError
from adversity.pipeline.plan.model import Stage
from adversity.pipeline.read.revisions import pinned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adversity.contracts import Dataset
    from adversity.pipeline.plan.model import PlannedData
    from adversity.pipeline.read.findings import Findings, KeyPath
    from adversity.pipeline.read.load import Loaded
    from adversity.pipeline.read.revisions import Pinned

__all__ = [
    "pinned_data",
    "revision_facts",
    "revision_in_keys",
    "version_file",
    "version_stages",
    "versions_of",
]

_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
"""What DVC takes in no name of a stage."""


def version_file(name: str) -> str:
    """Return the DVC param file that holds which contents a version is made of.

    No revision stands in it: pipelines that name the same content by several share its stage.
    """
    return f"pipelines/.resolved/data/{name}.yaml"


def pinned_data(
    loaded: Loaded,
    revision: str | None,
    plugin: Dataset,
    planned: PlannedData,
    path: KeyPath,
    findings: Findings,
) -> Pinned | None:
    """Return what a data set is at a revision; None where it names none.

    Args:
        loaded: The file.
        revision: That `rev:` names, by itself or by a variable.
        plugin: Of the data set.
        planned: As it lies in the project.
        path: Where the revision stands in the file.
        findings: Where what is wrong is noted.
    """
    if revision is None:
        return None
    if plugin.packaged or planned.location is None:
        uses = loaded.spec.data[planned.id].uses
        fault = f"{uses} has no place in the project: it has its package's versions; drop rev:"
        findings.add(path, f"rev: {fault}")
        return None
    try:
        files = (file.text for file in project_files(plugin))
        return pinned(loaded.root, revision, planned.location, files)
    except InputError as error:
        findings.add(path, f"rev: {error}")
        return None


def versions_of(data: Iterable[PlannedData]) -> dict[str, Pinned]:
    """Return what data sets are at revisions, by the name of the version, each once."""
    found = (planned.pinned for planned in data)
    return {one.name: one for one in found if one is not None}


def version_stages(data: Iterable[PlannedData]) -> tuple[Stage, ...]:
    """Return a stage for each content; what the revision is called is in no key of it."""
    return tuple(
        Stage(
            step=f"data:{name}",
            name=f"data-{_UNFIT.sub('-', name)}",
            command=f"adversity materialise {shlex.quote(name)}",
            deps=(),
            params={version_file(name): ("contents",)},
            out=one.folder,
        )
        for name, one in sorted(versions_of(data).items())
    )


def revision_in_keys(*versions: PlannedData) -> dict[str, dict[str, str]]:
    """Return which content each revision names: where its tag moves, the data are others."""
    pinned = [one.pinned for one in versions if one.pinned is not None]
    return {"revision": {one.revision: one.content for one in pinned}} if pinned else {}


def revision_facts(planned: PlannedData) -> dict[str, str]:
    """Return what a report says of the version: the revision as the file names it, its content."""
    one = planned.pinned
    return {} if one is None else {"revision": one.revision, "version": one.content}
