"""What samples were read from, or what they were where files are packed: hashes by id, then and here."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from adversity.engine.calls.set_up import set_up
from adversity.engine.set_up.data_places import open_root
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import AdversityError, StorageError
from adversity.pipeline.plan.in_versions import versions_in
from adversity.pipeline.read.revisions import SHORT, VERSIONS
from adversity_flows.runs.listed_contents import listed_contents
from adversity_flows.runs.past_runs import INPUTS, read_run
from adversity_flows.runs.sample_list import DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan, PlannedData
    from adversity_flows.runs.past_runs import PastRun

__all__ = ["contents_here", "contents_in", "place_of"]


def place_of(data: Mapping[str, Any], read: Iterable[str]) -> str | None:
    """Return the folder in which a run read a data set; None where it read none that is known.

    Args:
        data: What its report says of the data set.
        read: The paths that its steps read.
    """
    facts = data.get("facts") or {}
    place, version = facts.get("path"), facts.get("version")
    if not isinstance(place, str) or version is None:
        return place if isinstance(place, str) else None
    ends = f"@{str(version).removeprefix('git:')[:SHORT]}"
    folders = [one for one in read if one.startswith(f"{VERSIONS}/") and one.endswith(ends)]
    return f"{folders[0]}/{place}" if folders else None


def contents_in(past: PastRun, data: Mapping[str, Any], ids: Sequence[str]) -> dict[str, str]:
    """Return the MD5 of the files that a run read for some samples, as DVC had it then.

    Samples in packed files are known by their pixels, if there is a list of the version.

    Args:
        past: The run.
        data: What its report says of the data set.
        ids: Of samples; those that are no files of the data set are left out.
    """
    hashes: Mapping[str, str] = past.manifest.get("hashes") or {}
    place = place_of(data, hashes) or ""
    whole = next((one for one in hashes if place == one or place.startswith(f"{one}/")), None)
    files = {} if whole is None else _files_of(past, whole, hashes[whole])
    within = place.removeprefix(whole or "").lstrip("/")
    paths = {id_: f"{within}/{id_}" if within else id_ for id_ in ids}
    found = {id_: files[path] for id_, path in paths.items() if path in files}
    if found or whole is None or within:
        return found
    return listed_contents(past.path.parent.parent, whole, hashes[whole], ids)


def _files_of(past: PastRun, folder: str, content: str) -> Mapping[str, str]:
    """Return the files of a folder with their hashes, by what the run kept of them.

    A run in which nothing had to be computed keeps none: one that read the same content did.
    """
    others = (one for one in past.path.parent.iterdir() if one != past.path)
    for path in (past.path, *sorted(others, reverse=True)):
        with suppress(
            OSError, ValueError, KeyError, TypeError, StorageError
        ):  # it kept none either
            run = past if path == past.path else read_run(path.parent.parent, path.name)
            if run is not None and run.manifest["hashes"].get(folder) == content:
                return dict(json.loads((path / INPUTS).read_text(encoding="utf-8"))[folder])
    return {}


def contents_here(plan: Plan, outputs: Path, data: str, ids: Sequence[str]) -> dict[str, str]:
    """Return the same of a pipeline's data as they lie here; nothing of what does not.

    Of several versions the first that has a sample says what it is.
    """
    found: dict[str, str] = {}
    for planned in versions_in(plan.data, data):
        found = _contents_of(plan, outputs, planned, ids) | found
    return found


def _contents_of(
    plan: Plan, outputs: Path, planned: PlannedData, ids: Sequence[str]
) -> dict[str, str]:
    dataset: Any = planned.plugin
    place = None if dataset.packaged else dataset.location()
    if place is None:
        return {}
    try:
        workspace = Workspace(plan.root, outputs, Workspace.of(plan.root).store)
        folder = open_root(planned, workspace) / place
    except AdversityError:
        return {}
    found = {}
    for id_ in ids:
        path = folder / PurePosixPath(id_)
        if ".." not in PurePosixPath(id_).parts and path.is_file():
            found[id_] = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return found or _packed_contents(planned, workspace, ids)


def _packed_contents(
    planned: PlannedData, workspace: Workspace, ids: Sequence[str]
) -> dict[str, str]:
    """Return the start of the SHA-256 of the pixels of samples that are no files of their own."""
    try:
        root = open_root(planned, workspace)
        dataset: Any = set_up(planned.plugin, planned.entry.label, "cpu", root=root).plugin
        dataset.open(root)
    except AdversityError:
        return {}
    rows = {row.id: row.pixels[0][:DIGITS] for row in dataset.index() or () if row.pixels}
    return {id_: rows[id_] for id_ in ids if id_ in rows}
