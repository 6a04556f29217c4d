"""The nearest of the known words, for the message about one that is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["did_you_mean"]

_SHORTEST = 3
"""An abbreviation of fewer letters could stand for too much."""


def did_you_mean(word: object, known: Iterable[object], otherwise: str = "") -> str:
    """Return `did you mean x?` for the nearest of the known words in either case.

    Args:
        word: What was given: misspelt, or an abbreviation that begins a name or a word in it.
        known: What could have been meant; the first of those that are equally near counts.
        otherwise: What to return if nothing is near.

    Example:
        >>> did_you_mean("predicions", ["predictions", "photos"])
        'did you mean predictions?'
        >>> did_you_mean("BSD", ["MIT", "BSD-3-Clause"])
        'did you mean BSD-3-Clause?'
    """
    # Only a message needs it: `adversity --help` starts without.
    from difflib import get_close_matches

    names: dict[str, str] = {}
    for name in map(str, known):
        names.setdefault(name.casefold(), name)
    given = str(word).casefold()
    near = get_close_matches(given, names, n=1) or _abbreviated(given, names)
    return f"did you mean {names[near[0]]}?" if near else otherwise


def _abbreviated(word: str, names: Iterable[str]) -> list[str]:
    """Return the names that a word can stand for, the shortest first."""
    if len(word) < _SHORTEST:
        return []
    begun = [name for name in names if name.startswith(word)]
    return sorted(begun or [name for name in names if f"_{word}" in name], key=len)
