"""Overrides: `steps.attacked.with.eps=2/255` on top of a file, without editing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.errors import PipelineError
from adversity.pipeline.read.findings import KeyPath, dotted, suggestion
from adversity.pipeline.read.notify import NotifierSpec, NotifySpec
from adversity.pipeline.read.reader import Document, parse
from adversity.pipeline.read.spec import (
    DataSpec,
    LicenceSpec,
    MetricSpec,
    PipelineSpec,
    PrepareSpec,
    RunSpec,
    ScheduleSpec,
    StepSpec,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["accepted_keys", "apply_override", "find_place", "split_override"]

_PARTS: dict[KeyPath, type[BaseModel]] = {
    (): PipelineSpec,
    ("data", "*"): DataSpec,
    ("data", "*", "prepare"): PrepareSpec,
    ("steps", "*"): StepSpec,
    ("metrics", "*"): MetricSpec,
    ("run",): RunSpec,
    ("schedule",): ScheduleSpec,
    ("licences",): LicenceSpec,
    ("notify",): NotifySpec,
    ("notify", "to", "*"): NotifierSpec,
}
_NAMED = {"data", "steps", "metrics"}


def accepted_keys(path: KeyPath) -> tuple[str, ...] | None:
    """Return the keys that may stand under a key path; None where the file decides."""
    shape = tuple(
        "*" if isinstance(part, int) or (index == 1 and path[0] in _NAMED) else part
        for index, part in enumerate(path)
    )
    part = _PARTS.get(shape)
    if part is None:
        return None
    return tuple(field.alias or name for name, field in part.model_fields.items())


def split_override(text: str) -> tuple[KeyPath, str]:
    """Split `a.b.c=value` into the key path and the value's text.

    Raises:
        PipelineError: If the text has another form.
    """
    name, equals, value = text.partition("=")
    keys = tuple(name.strip().split("."))
    if not equals or not all(keys) or not value.strip():
        raise PipelineError(
            f"--set {text}: expected KEY=VALUE such as steps.attacked.with.eps=2/255, got {text!r}"
        )
    return keys, value.strip()


def find_place(tree: Any, keys: KeyPath, label: str) -> KeyPath:
    """Return the key path with list positions as numbers, if a value may be set there.

    Args:
        tree: The file.
        keys: Names as typed.
        label: How messages begin.

    Raises:
        PipelineError: If the path leads nowhere, with a suggestion.
    """
    place: KeyPath = ()
    for key in keys:
        here = _at(tree, place)
        if isinstance(here, list):
            place = (*place, _position(here, key, label, dotted(place)))
            continue
        if here is not None and not isinstance(here, dict):
            raise PipelineError(
                f"{label}: {dotted(place)} is a value, so it has no {key}; set {dotted(place)}"
            )
        known = accepted_keys(place)
        _check_key(key, here or {}, known, place, label)
        place = (*place, key)
    return place


def _check_key(
    key: str | int, here: dict[str, Any], known: tuple[str, ...] | None, place: KeyPath, label: str
) -> None:
    free = known is None and "with" in place[2:3]
    if key in here or free or (known is not None and key in known):
        return
    choices = dict.fromkeys([*here, *(known or ())])
    where = f" in {dotted(place)}" if place else ""
    raise PipelineError(f"{label}: there is no {key}{where}{suggestion(key, choices)}")


def _position(values: list[Any], key: str | int, label: str, where: str) -> int:
    if str(key).isdecimal() and int(key) < len(values):
        return int(key)
    raise PipelineError(
        f"{label}: {where} is a list; expected a position 0 to {len(values) - 1}, got {key}"
    )


def _at(tree: Any, place: KeyPath) -> Any:
    for key in place:
        tree = tree.get(key) if isinstance(tree, dict) else tree[key]
        if tree is None:
            return None
    return tree


def apply_override(document: Document, text: str) -> KeyPath:
    """Set one value in a document.

    Args:
        document: What was read; changed in place.
        text: `KEY=VALUE`, the value in YAML.

    Returns:
        Where the value now stands.

    Raises:
        PipelineError: If the path leads nowhere or the value is not YAML.
    """
    label = f"--set {text}"
    keys, value = split_override(text)
    new = parse(value, label)
    if not isinstance(document.tree, dict):
        raise PipelineError(f"{label}: the file is not a mapping, so nothing can be set in it")
    place = find_place(document.tree, keys, label)
    parent = document.tree
    for key in place[:-1]:
        if isinstance(parent, dict) and parent.get(key) is None:
            parent[key] = {}
        parent = parent[key]
    parent[place[-1]] = new.tree
    _graft(document, new, place)
    return place


def _graft(document: Document, new: Document, place: KeyPath) -> None:
    """Replace what is known of the old value by what is known of the new one."""
    size = len(place)
    line = next(
        document.lines[place[:cut]] for cut in range(size, -1, -1) if place[:cut] in document.lines
    )
    for notes in (document.lines, document.written, document.spans):
        for path in [path for path in notes if path[:size] == place]:
            del notes[path]
    document.lines.update({(*place, *path): line for path in new.lines})
    document.written.update({(*place, *path): text for path, text in new.written.items()})
