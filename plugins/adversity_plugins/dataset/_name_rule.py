"""Rules of names: which file is an image's clean partner, and what its name says besides."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from adversity.project import text_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NameRule", "fields_of", "rule_fault"]

_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def rule_fault(text: str) -> str | None:
    """Say why a text is no rule, or None.

    Example:
        >>> rule_fault("hazy/{scene}_{k}"), rule_fault("hazy/{scene")
        (None, "must have names of letters in braces, such as hazy/{scene}_{level}, got 'hazy/{scene'")
    """
    rest = _FIELD.sub("x", text)
    if text_fault(rest) is not None:
        return f"must be a path inside the data set, got {text!r}"
    if "{" in rest or "}" in rest or not _FIELD.search(text):
        return (
            f"must have names of letters in braces, such as hazy/{{scene}}_{{level}}, got {text!r}"
        )
    return None


def fields_of(text: str) -> frozenset[str]:
    """Return the names in a rule's braces."""
    return frozenset(_FIELD.findall(text))


class NameRule:
    """Paths without suffix that are alike: `hazy/{scene}_{level}` means `hazy/0001_3.png`.

    A name in braces stands for at least one character, none of them a slash, and for as few as
    fit, from the left; where it comes twice, it is the same both times.
    """

    def __init__(self, text: str) -> None:
        """Take a rule that has no fault."""
        self.text = text
        pattern, at, seen = "", 0, set[str]()
        for match in _FIELD.finditer(text):
            name = match[1]
            pattern += re.escape(text[at : match.start()])
            pattern += f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+?)"
            seen.add(name)
            at = match.end()
        self._pattern = re.compile(pattern + re.escape(text[at:]))

    def match(self, file: str) -> dict[str, str] | None:
        """Return what the names in braces are in a file's path; None where it is not alike.

        Example:
            >>> NameRule("hazy/{scene}_{level}").match("hazy/0001_0.8_0.2.jpg")
            {'scene': '0001', 'level': '0.8_0.2'}
        """
        found = self._pattern.fullmatch(PurePosixPath(file).with_suffix("").as_posix())
        return None if found is None else found.groupdict()

    def filled(self, fields: Mapping[str, str]) -> str:
        """Return the path, without suffix, in which the names in braces are replaced."""
        return _FIELD.sub(lambda match: fields[match[1]], self.text)
