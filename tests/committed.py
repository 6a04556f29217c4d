"""The files that git commits, read once in a process: their bytes' digests and what they say."""

from __future__ import annotations

import hashlib
import re
import subprocess
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from adversity.source_text import computing_text

if TYPE_CHECKING:
    from pathlib import Path


def committed(root: Path) -> list[str]:
    """Return the files that git commits, or would after `git add`; none where there is no git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    names = set(done.stdout.decode().split("\0")) - {""}
    return [name for name in names if (root / name).is_file()]


@cache
def fingerprint(root: Path, name: str) -> str:
    """Return the SHA-256 of a file's bytes, read once in a process."""
    return hashlib.sha256((root / name).read_bytes()).hexdigest()


@cache
def text_of(root: Path, name: str) -> str:
    """Return what a file says, read once in a process; an image says nothing."""
    source = (root / name).read_bytes()
    return "" if b"\0" in source else source.decode(errors="replace")


@cache
def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(re.findall(r"\w+", text))


@cache
def stem(name: str) -> str:
    """Return a file's name without folders and ending."""
    return PurePosixPath(name).stem


@cache
def folders(name: str) -> tuple[str, ...]:
    """Return the folders that a file lies in, the nearest first."""
    return tuple(map(str, PurePosixPath(name).parents))


@cache
def is_test(name: str) -> bool:
    """Say whether a file has tests, by its name."""
    return stem(name).startswith("test_")


@cache
def says(root: Path, name: str, what: re.Pattern[str]) -> bool:
    """Say whether a file says something, in Python outside of comments and docstrings."""
    text = text_of(root, name)
    if not what.search(text):  # to parse what does not would take seconds
        return False
    code = computing_text(text.encode()).decode() if name.endswith(".py") else text
    return what.search(code) is not None


def forget() -> None:
    """Read files anew from now on."""
    for known in (fingerprint, text_of, says):
        known.cache_clear()
