"""Names of files as people see them: what may not be in one, and when two are the same."""

from __future__ import annotations

import unicodedata

__all__ = ["code_points", "name_fault", "same_name"]

_MARKS = frozenset("\u061c\u200e\u200f")
_TURNS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def name_fault(name: str) -> str | None:
    r"""Say which character of a name may not be in it, or None.

    Spaces of any width and joiners are part of real names. Control characters break tables and
    terminals, and characters that turn the direction of writing make a name look like another.

    Example:
        >>> name_fault("Bildschirmfoto um 9.41\u202fAM.png") is None
        True
        >>> name_fault("cat\u202egnp.exe")
        'a character that turns the direction of writing (U+202E)'
    """
    for letter in name:
        category = unicodedata.category(letter)
        if category in ("Cc", "Zl", "Zp"):
            return f"a control character ({code_points(letter)})"
        if category == "Cs":
            return "bytes that are not UTF-8"
        if letter in _MARKS or unicodedata.bidirectional(letter) in _TURNS:
            return f"a character that turns the direction of writing ({code_points(letter)})"
    return None


def same_name(name: str) -> str:
    r"""Return a name in the form in which equal ones are equal (Unicode NFC).

    macOS writes an accent as a letter of its own, most other systems write both as one.

    Example:
        >>> same_name("e\u0301") == "\u00e9"
        True
    """
    return unicodedata.normalize("NFC", name)


def code_points(text: str) -> str:
    r"""Spell a text out, for names that look alike.

    Example:
        >>> code_points("e\u0301")
        'U+0065 U+0301'
    """
    return " ".join(f"U+{ord(letter):04X}" for letter in text)
