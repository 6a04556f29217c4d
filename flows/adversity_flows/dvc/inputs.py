"""What a stage depends on, read through DVC, and what of it changed, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from adversity_flows.dvc.reasons import ABSENT, parameter_reasons, plugin_reasons
from adversity_flows.dvc.resolved import is_resolved

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dvc.stage import PipelineStage

__all__ = ["Ahead", "Inputs", "read_inputs", "stale_reasons"]


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a run would find where the disk does not say it yet.

    Attributes:
        contents: Files of resolved plugins as they must be, by path.
        recorded: The recorded hash of what a stage or `dvc add` made, by path: where it is not on
            this disk, but somewhere else, that is what it will be.
    """

    contents: Mapping[str, Any] = field(default_factory=dict)
    recorded: Mapping[str, Any] = field(default_factory=dict)

    def parameters(self, file: str, keys: Iterable[str]) -> dict[str, Any] | None:
        """Return dotted keys of a file to their values; None for a file that is as on disk."""
        if file not in self.contents:
            return None
        found = {}
        for key in keys:
            value: Any = self.contents[file]
            for part in key.split("."):
                value = value.get(part, ABSENT) if isinstance(value, Mapping) else ABSENT
            if value is not ABSENT:
                found[key] = value
        return found


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a stage depends on, as it is on disk now.

    Attributes:
        files: Path to DVC's hash; None where the path does not exist.
        parameters: Parameter file to dotted key to value.
    """

    files: Mapping[str, str | None]
    parameters: Mapping[str, Mapping[str, Any]]

    def changes(self, later: Inputs) -> list[str]:
        """Say in words what differs in a later reading."""
        words = [
            f"{path} changed" for path, value in self.files.items() if later.files[path] != value
        ]
        for file, values in self.parameters.items():
            words += _parameter_words(file, values, later.parameters[file])
        return words


def read_inputs(known: PipelineStage, *, fresh: bool) -> Inputs:
    """Read the inputs of a stage.

    Args:
        known: DVC's stage.
        fresh: Read from disk; else what DVC has just hashed.
    """
    from dvc.dependency import ParamsDependency

    hashes: dict[str, str | None] = {}
    parameters: dict[str, Mapping[str, Any]] = {}
    for dep in known.deps:
        if isinstance(dep, ParamsDependency):
            values = dep.read_params() if fresh else dep.hash_info.value
            parameters[dep.def_path] = values or {}
        elif fresh:
            hashes[dep.def_path] = dep.get_hash().value if dep.exists else None
        else:
            hashes[dep.def_path] = dep.hash_info.value
    return Inputs(files=hashes, parameters=parameters)


def stale_reasons(known: PipelineStage, ahead: Ahead | None = None) -> list[str]:
    """Say in words how a stage differs from its record.

    Args:
        known: DVC's stage.
        ahead: What a run would find before it, where that is not what is on disk.
    """
    from dvc.dependency import ParamsDependency

    ahead = ahead or Ahead()
    if not any(out.hash_info for out in known.outs):
        return ["never ran"]
    reasons = ["its command changed"] if known.changed_stage() else []
    for dep in known.deps:
        if isinstance(dep, ParamsDependency):
            now = ahead.parameters(dep.def_path, dep.params) or dep.read_params()
            reasons += _parameter_words(dep.def_path, dep.hash_info.value, now)
        elif ahead.recorded.get(dep.fs_path) != dep.hash_info or dep.exists:
            reasons += [_WORDS[what].format(dep.def_path) for what in dep.status().values()]
    for out in known.outs:
        if ahead.recorded.get(out.fs_path) != out.hash_info or out.exists:
            reasons += [_OUTPUT_WORDS[what].format(out.def_path) for what in out.status().values()]
    return reasons


_WORDS = {"modified": "{} changed", "deleted": "{} is missing", "new": "{} is a new input"}
_OUTPUT_WORDS = {
    "modified": "output {} was changed by hand",
    "deleted": "output {} missing",
    "new": "output {} is new",
    "not in cache": "output {} is not in DVC's cache",
}


def _parameter_words(file: str, old: Any, new: Any) -> list[str]:
    words = plugin_reasons if is_resolved(file) else parameter_reasons
    before = old if isinstance(old, Mapping) else {}
    return words(_nested(before, new), _nested(new, before)) if before != new else []


def _nested(values: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Keep a key that only the other reading has visible as absent."""
    return {**dict.fromkeys(other, ABSENT), **values}
