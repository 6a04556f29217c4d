"""What DVC leaves out of a project: the rules of `.dvcignore`, as DVC applies them.

DVC neither hashes nor pushes such files, so no result may rest on them. The patterns are read
by the library that DVC itself uses; a test compares the answers with DVC's own.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from adversity.errors import DataError
from adversity.outside import dvc_home

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["Ignored"]

_NAME = ".dvcignore"
_ALWAYS = tuple((line, "DVC") for line in (".hg/", ".git/", ".git", ".dvc/"))
"""What DVC leaves out whatever the files say."""


class _Rule:
    """A line of a `.dvcignore`: what it matches and where it stands."""

    def __init__(self, regex: re.Pattern[str], line: str, where: str, *, leaves_out: bool) -> None:
        self.regex = regex
        self.where = where
        self.leaves_out = leaves_out
        self.folders_only = line.endswith("/")

    def matches(self, path: str, *, folder: bool) -> bool:
        if self.folders_only and not folder:
            return False
        return bool(self.regex.match(path) or (folder and self.regex.match(f"{path}/")))


class Ignored:
    """The rules of one project, each `.dvcignore` read once.

    Rules of a folder come after those above it, the last that matches decides, and what lies in
    a folder that is left out is left out.
    """

    def __init__(self, root: Path) -> None:
        """Find where DVC's rules begin: the folder with `.dvc`, else the project's."""
        self._home = dvc_home(root)
        self._of = cache(self._read)
        self._above = cache(self._all_above)
        self._folder = cache(self._folder_reason)

    def reason(self, path: Path, *, folder: bool = False) -> str | None:
        """Say which rule leaves a path out, or None.

        Args:
            path: Inside the project; links in it are not followed.
            folder: Whether it is one.

        Raises:
            DataError: If a `.dvcignore` cannot be read.
        """
        if path == self._home or not path.is_relative_to(self._home):
            return None
        if folder:
            return self._folder(path)
        return self._folder(path.parent) or self._own(path, folder=False)

    def _folder_reason(self, path: Path) -> str | None:
        if path == self._home:
            return None
        return self._folder(path.parent) or self._own(path, folder=True) or _other_project(path)

    def _own(self, path: Path, *, folder: bool) -> str | None:
        """Return the rule that leaves out the path itself."""
        return self._decided(path.parent, path.name, folder=folder)

    def _decided(self, folder_of_rules: Path, inside: str, *, folder: bool) -> str | None:
        for prefix, rules in self._above(folder_of_rules):
            for rule in rules:
                if rule.matches(f"{prefix}{inside}", folder=folder):
                    return rule.where if rule.leaves_out else None
        return None

    def _all_above(self, folder: Path) -> tuple[tuple[str, tuple[_Rule, ...]], ...]:
        """Return the rules for what lies in a folder, nearest first, with its path from each."""
        rules_above = []
        for parent in (folder, *folder.parents):
            rules = self._of(parent)
            if rules:
                inside = folder.relative_to(parent).as_posix()
                rules_above.append(("" if inside == "." else f"{inside}/", rules[::-1]))
            if parent == self._home:
                break
        return tuple(rules_above)

    def _read(self, folder: Path) -> tuple[_Rule, ...]:
        first = tuple(_rules(_ALWAYS)) if folder == self._home else ()
        file = folder / _NAME
        above = folder != self._home and self._decided(
            folder.parent, f"{folder.name}/{_NAME}", folder=False
        )
        if above or not file.is_file():
            return first
        shown = file.relative_to(self._home).as_posix()
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{shown}: expected a text file in UTF-8, got {error}") from error
        return (*first, *_rules((line.strip(), f"{shown}:{n}") for n, line in enumerate(lines, 1)))


def _rules(lines: Iterable[tuple[str, str]]) -> Iterator[_Rule]:
    for line, where in lines:
        try:
            regex, leaves_out = GitIgnoreSpecPattern.pattern_to_regex(line)
        except ValueError as error:
            raise DataError(
                f"{where}: expected a pattern as in .gitignore, got {line!r}"
            ) from error
        if regex is not None and leaves_out is not None:
            yield _Rule(re.compile(regex), line, where, leaves_out=leaves_out)


def _other_project(folder: Path) -> str | None:
    """DVC leaves a project inside the project to itself."""
    return "DVC: it is a project of its own (.dvc)" if (folder / ".dvc").exists() else None
