"""The nearest of the known words, for the message about one that is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["did_you_mean"]


def did_you_mean(word: object, known: Iterable[object], otherwise: str = "") -> str:
    """Return `did you mean x?` for the nearest of the known words in either case, else `otherwise`.

    Args:
        word: What was given.
        known: What could have been meant; the first of those that are equally near counts.
        otherwise: What to return if nothing is near.

    Example:
        >>> did_you_mean("predicions", ["predictions", "photos"])
        'did you mean predictions?'
    """
    # Only a message needs it: `adversity --help` starts without.
    from difflib import get_close_matches

    words: dict[str, str] = {}
    for name in map(str, known):
        words.setdefault(name.casefold(), name)
    near = get_close_matches(str(word).casefold(), words, n=1)
    return f"did you mean {words[near[0]]}?" if near else otherwise
