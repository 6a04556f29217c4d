"""Findings: what is wrong with a pipeline file, gathered and said all at once."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from adversity.contracts.nested import NESTED_ERROR
from adversity.did_you_mean import did_you_mean
from adversity.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import ValidationError

__all__ = ["Findings", "KeyPath", "complaints", "dotted", "listed", "suggestion"]

KeyPath = tuple[str | int, ...]
"""Where something stands in the file: `("steps", "attacked", "with", "eps")`."""

_LONGEST_LIST = 12
_MOST = 50
"""Findings of one file: nobody reads more, and each may take a search for what was meant."""
_MOST_KNOWN = 2_000
"""Names that are searched for the one that was meant."""


def dotted(path: KeyPath) -> str:
    """Write a key path as users write it: `steps.attacked.with.eps`."""
    return ".".join(str(part) for part in path)


def listed(names: Iterable[object]) -> str:
    """List names for a message; a long list is cut and says how much is left out."""
    texts = [str(name) for name in names]
    if len(texts) <= _LONGEST_LIST:
        return ", ".join(texts) or "none"
    return f"{', '.join(texts[:_LONGEST_LIST])} and {len(texts) - _LONGEST_LIST} more"


def suggestion(word: object, known: Iterable[object]) -> str:
    """Return `; did you mean x?`, or what there is to choose from where nothing is close.

    Example:
        >>> suggestion("predicions", ["predictions", "photos"])
        '; did you mean predictions?'
    """
    names = [str(name) for name in islice(known, _MOST_KNOWN)]
    otherwise = f"there is: {listed(names)}"
    return f"; {did_you_mean(word, names, otherwise)}"


class Findings:
    """What is wrong with one file, each finding with its line."""

    def __init__(
        self,
        file: str,
        lines: Mapping[KeyPath, int],
        overridden: Mapping[KeyPath, str] | None = None,
    ) -> None:
        """Start with none.

        Args:
            file: The file's name as messages show it.
            lines: The line of every key path.
            overridden: Key paths that an override set, each with the override's text.
        """
        self._file = file
        self._lines = lines
        self._overridden = overridden or {}
        self._found: dict[str, tuple[int, int]] = {}

    def __bool__(self) -> bool:
        """Say whether anything was found."""
        return bool(self._found)

    def line(self, path: KeyPath) -> int:
        """Return the line of a key path, or of the nearest key around it."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def where(self, path: KeyPath) -> str:
        """Return `file:line`, or the override that set this path."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._overridden:
                return f"--set {self._overridden[path[:length]]}"
        return f"{self._file}:{self.line(path)}"

    def add(self, path: KeyPath, message: str) -> None:
        """Note a finding; the same finding twice is said once.

        Raises:
            PipelineError: With all that was found, if this is one too many.
        """
        text = f"{self.where(path)}: {message}"
        self._found.setdefault(text, (self.line(path), len(self._found)))
        if len(self._found) > _MOST:
            del self._found[text]
            raise PipelineError(self._sorted(), more=True)

    def raise_any(self) -> None:
        """Raise all findings in the file's order, if there are any.

        Raises:
            PipelineError: If anything was found.
        """
        if self._found:
            raise PipelineError(self._sorted())

    def _sorted(self) -> list[str]:
        return sorted(self._found, key=lambda text: self._found[text])


def complaints(error: ValidationError, known: Iterable[str]) -> dict[KeyPath, str]:
    """Turn a pydantic error into a message for each key that is wrong.

    Args:
        error: What pydantic raised.
        known: The keys that would have been accepted at the top, for did-you-mean.
    """
    names = tuple(known)
    by_key: dict[KeyPath, list[dict[str, Any]]] = {}
    messages: dict[KeyPath, str] = {}
    for detail in error.errors(include_url=False):
        if detail["type"] == NESTED_ERROR:
            loc = detail["loc"]
            faults: Mapping[KeyPath, str] = detail["ctx"]["faults"]
            messages |= {(*loc, *key): f"{dotted(loc)}: {fault}" for key, fault in faults.items()}
            continue
        by_key.setdefault(detail["loc"][:1], []).append(dict(detail))
    return messages | {key: _complaint(key, details, names) for key, details in by_key.items()}


def _complaint(key: KeyPath, details: list[dict[str, Any]], known: tuple[str, ...]) -> str:
    first = details[0]
    name = dotted(key)
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        return f"unknown parameter {name}{suggestion(name, known)}"
    if first["type"] == "missing" and len(first["loc"]) == 1:
        return f"parameter {name} is missing; give it under with:"
    if first["type"] in {"value_error", "assertion_error"}:
        text = first["msg"].split(", ", 1)[-1]
        return f"{name}: {text}" if name else text
    expected = " or ".join(dict.fromkeys(expectation(detail["msg"]) for detail in details))
    return f"{name} must be {expected}, got {shown(first['input'])}{_meant(first)}"


def _meant(detail: Mapping[str, Any]) -> str:
    """Guess which of the words that may stand there was meant: `inf` for `linf`, 2 for `l2`."""
    if detail["type"] != "literal_error":
        return ""
    words = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
    hint = did_you_mean(detail["input"], words)
    return f"; {hint}" if hint else ""


def expectation(message: str) -> str:
    """Return what follows `must be` in a message of pydantic's."""
    for opening in ("Input should be a valid ", "Input should be an instance of ", "Input should "):
        if message.startswith(opening):
            rest = message.removeprefix(opening)
            rest = rest.split(", unable to parse", 1)[0].split(", got ", 1)[0]
            article = "an " if rest[:1] in "aeiou" else "a "
            return article + rest if "valid" in opening else rest.removeprefix("be ")
    return message


def plainly(message: str) -> str:
    """Say `a mapping` and `a list` for what pydantic calls a dictionary and a tuple."""
    text = expectation(message)
    for phrase, meant in (
        ("a dictionary or an instance of", "a mapping for"),
        ("a dictionary", "a mapping"),
        ("a mapping", "a mapping"),
        ("a tuple", "a list"),
        ("a string", "text"),
    ):
        if text.startswith(phrase):
            return meant if phrase.startswith("a dictionary") else text.replace(phrase, meant, 1)
    return text


def way_to_write(expected: str) -> str:
    """Say how the mapping or the list is written that must stand where something else does."""
    if expected.startswith("a mapping"):
        return "; write its entries as `name: value`, each in an indented line of its own"
    if expected == "a list":
        return "; write its entries as [..., ...], or each in a line that begins with `- `"
    return ""


def shown(value: object) -> str:
    """Show a value in a message: short, and nothing for an empty entry."""
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
