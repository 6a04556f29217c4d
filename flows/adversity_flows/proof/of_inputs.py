"""Data, files and artifacts, hashed anew and compared with what a run recorded, file by file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from adversity.data.checksums import SUMS
from adversity.engine.stages.stored_images import IMAGES
from adversity.report.words.wording import plural
from adversity_flows.proof.check import Check, State, compared
from adversity_flows.runs.past_runs import INPUTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from adversity_flows.dvc.on_disk import Hashed, OnDisk
    from adversity_flows.proof.subject import Subject

__all__ = ["artifact_checks", "input_checks"]

_MADE = ("artifact", "numbers")
_NAMED = 3
"""So many files that changed are named."""


class _Place(NamedTuple):
    """A path whose hash a run recorded, and what to call it."""

    path: str
    what: str
    name: str


def input_checks(
    subject: Subject, disk: OnDisk, only: Collection[str] | None = None
) -> Iterator[Check]:
    """Check what no step made: data sets, weights and other files of the project.

    Args:
        subject: The run.
        disk: Its project.
        only: The paths that count; all, if not given.
    """
    listed = _listed(subject)
    for place in _places(subject, made=False):
        if only is None or place.path in only:
            yield from _checked(subject, disk, place, listed.get(place.path))


def artifact_checks(
    subject: Subject, disk: OnDisk, only: Collection[str] | None = None
) -> Iterator[Check]:
    """Check what steps made, with the images that they keep; the arguments as above."""
    for place in _places(subject, made=True):
        if only is None or place.path in only:
            yield from _checked(subject, disk, place, None)


def _places(subject: Subject, *, made: bool) -> Iterator[_Place]:
    artifacts, metrics = f"artifacts/{subject.pipeline}/", f"metrics/{subject.pipeline}/"
    for path in subject.hashes:
        if path.startswith(artifacts):
            place = _Place(path, "artifact", path.removeprefix(artifacts))
        elif path.startswith(metrics):
            place = _Place(path, "numbers", path)
        else:
            is_folder = subject.hashes[path].endswith(".dir")
            place = _Place(path, "data" if is_folder else "file", path)
        if made == (place.what in _MADE):
            yield place


def _checked(
    subject: Subject, disk: OnDisk, place: _Place, listed: Mapping[str, str] | None
) -> Iterator[Check]:
    """Check a file or folder; images that an artifact keeps have a line of their own."""
    recorded, found = subject.hashes[place.path] or None, disk.hashed(place.path)
    check = compared(place.what, place.name, recorded, None if found is None else found.value)
    state: State = check.state
    if state == "changed" and place.what in _MADE and disk.recorded(place.path) == check.found:
        yield _replaced(subject, disk, place, check)
        return
    if state == "holds" and found is not None:
        count = len(found.files)
        yield Check(*_named(place), state, plural(count, "file") if count else "", *_hashes(check))
        images = [name for name in found.files if name.startswith(f"{IMAGES}/")]
        if images:
            words = f"of {place.name}, {plural(len(images), 'file')}"
            yield Check("images", place.name, state, words, *_hashes(check))
        return
    then = listed or disk.kept(check.recorded or "")
    words = _words(check, found, then)
    if state in ("changed", "missing") and place.what == "artifact" and disk.has(str(recorded)):
        words += "; DVC's cache still has what the run left"
    yield Check(*_named(place), state, words, *_hashes(check))


def _replaced(subject: Subject, disk: OnDisk, place: _Place, check: Check) -> Check:
    """Return the check of a result in whose place a later run put another: is it still kept?"""
    recorded = str(check.recorded)
    if place.what == "numbers" and subject.past is not None:
        words = "written anew since; the numbers of this run stand in result.json"
    elif disk.has(recorded):
        words = "made anew since; what this run left is in DVC's cache"
    else:
        words = "made anew since, and what this run left is not in DVC's cache, or damaged there"
        return Check(*_named(place), "changed", words, recorded, check.found)
    return Check(*_named(place), "holds", words, recorded, recorded)


def _named(place: _Place) -> tuple[str, str]:
    return place.what, place.name


def _hashes(check: Check) -> tuple[str | None, str | None]:
    return check.recorded, check.found


def _words(check: Check, found: Hashed | None, then: Mapping[str, str] | None) -> str:
    """Say what changed, file by file where it is known what they were."""
    if check.state == "missing":
        return "it is not on this disk; get it with `dvc pull`, or put it back"
    if check.state != "changed" or found is None or not (found.files or then):
        return check.words or "its bytes are others than the run read or left"
    if then is None:
        return "its files are others than the run read; which one is not recorded"
    faults = [f"{name} changed" for name in then if found.files.get(name, then[name]) != then[name]]
    faults += [f"{name} is missing" for name in then if name not in found.files]
    faults += [f"{name} is new" for name in found.files if name not in then]
    faults.sort(key=lambda fault: fault.startswith(SUMS))  # it follows from the others
    more = f", and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
    return ", ".join(faults[:_NAMED]) + more


def _listed(subject: Subject) -> Mapping[str, Mapping[str, str]]:
    """Return the hash of each file that data sets were made of, if the run kept them."""
    if subject.past is None:
        return {}
    try:
        read = json.loads((subject.past.path / INPUTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # an older run; a damaged one is named where it is checked
        return {}
    return read if isinstance(read, dict) else {}
