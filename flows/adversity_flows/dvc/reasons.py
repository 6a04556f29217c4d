"""Differences in words: why a step is stale, what changed while it ran. Pure functions, no DVC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

__all__ = [
    "ABSENT",
    "differences",
    "parameter_reasons",
    "plugin_reasons",
    "sentence",
    "value_words",
]

_LONGEST_VALUE = 48
_MOST_REASONS = 4


class _Absent:
    """The value of a key that is not there."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = _Absent()


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield each leaf that differs as `(dotted path, old, new)`; `ABSENT` where there is none.

    >>> list(differences({"eps": "4/255", "steps": 20}, {"eps": "2/255", "steps": 20}))
    [('eps', '4/255', '2/255')]
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            below = f"{path}.{key}" if path else str(key)
            yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), below)
    elif old != new:
        yield path, old, new


def value_words(value: Any) -> str:
    """Show a value briefly, as a pipeline file would write it."""
    words = value if isinstance(value, str) else repr(value)
    return words if len(words) <= _LONGEST_VALUE else f"{words[: _LONGEST_VALUE - 1]}…"


def parameter_reasons(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say what differs between two readings of the parameters of a pipeline file.

    >>> parameter_reasons({"steps.attacked": {"with": {"eps": "4/255"}}},
    ...                   {"steps.attacked": {"with": {"eps": "2/255"}}})
    ['steps.attacked.with.eps 4/255 -> 2/255']
    """
    return [_leaf(*difference) for difference in differences(old, new)]


def plugin_reasons(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say what differs between two readings of a file of resolved plugins.

    A leaf is named after its plugin, where the record around it has `plugin`, else after its path.
    """
    return list(dict.fromkeys(_plugin_leaves(old, new, "")))


def _plugin_leaves(old: Any, new: Any, path: str) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping) and not _is_revision(path):
        name = new.get("plugin", path)
        if name != old.get("plugin", name):
            yield f"plugin {old['plugin']} -> {name}"
            return
        for key in [*old, *(key for key in new if key not in old)]:
            before, now = old.get(key, ABSENT), new.get(key, ABSENT)
            if isinstance(before, Mapping) or isinstance(now, Mapping):
                yield from _plugin_leaves(before, now, f"{path}.{key}" if path else str(key))
            elif before != now and "plugin" not in new:
                yield _leaf(f"{path}.{key}" if path else str(key), before, now)
            elif before != now:
                yield _plugin_words(str(name), str(key), before, now)
    elif old != new:
        yield _leaf(path, old, new)


def _version(revision: Any) -> str:
    """Say which version of data a pipeline reads: what names it, and the start of its hash."""
    if not isinstance(revision, Mapping):
        return "what is on the disk"
    return ", ".join(f"{name} ({str(content)[:10]})" for name, content in revision.items())


def _plugin_words(name: str, key: str, old: Any, new: Any) -> str:
    if key == "fingerprint":
        return f"{name if name.startswith('the ') else f'plugin {name}'}: source changed"
    if key == "content":
        return f"plugin {name}: the packaged data changed"
    if key == "measures":
        return f"plugin {name}: what is known of the measures that it folds changed"
    return f"plugin {name}: {_leaf(key, old, new)}"


def _is_revision(path: str) -> bool:
    """Say whether it is what a revision of data is called, and its content."""
    return path.endswith(".revision")


def _leaf(path: str, old: Any, new: Any) -> str:
    if _is_revision(path):
        return f"{path.removesuffix('.revision')}: {_version(old)} -> {_version(new)}"
    if old is ABSENT:
        return f"{path} is new" if isinstance(new, Mapping) else f"{path} {value_words(new)} is new"
    if new is ABSENT:
        return f"{path} was taken out"
    if str(old) == str(new):
        return f"{path} {old!r} -> {new!r}"
    return f"{path} {value_words(old)} -> {value_words(new)}"


def sentence(reasons: Sequence[str]) -> str:
    """Join reasons, the first few in full.

    >>> sentence(["a changed", "b changed"])
    'a changed; b changed'
    """
    shown = list(dict.fromkeys(reasons))
    more = len(shown) - _MOST_REASONS
    return "; ".join([*shown[:_MOST_REASONS], *([f"and {more} more"] if more > 0 else [])])
