"""What a finished folder holds, by content: a file `SHA256SUMS` that covers all the others.

A byte that changed on the disk usually still reads, as another number. So whoever uses a file of
an artifact gets its path here, verified. `sha256sum -c SHA256SUMS` in the folder says the same.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from adversity.data.atomic import atomic_write
from adversity.errors import StorageError
from adversity.provenance import file_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["SUMS", "Checksums", "verified_file", "write_checksums"]

SUMS = "SHA256SUMS"
_LINE = re.compile(r"(?P<sum>[0-9a-f]{64})  (?P<name>.+)")
_AGAIN = "delete {folder} and run again: finished work in the store is kept"


def write_checksums(folder: Path) -> None:
    """Write the checksums of everything in a folder and below, sorted by name.

    Raises:
        StorageError: If the disk is full or not writable.
    """
    lines = [f"{file_sha256(folder / name)}  {name}\n" for name in _names(folder)]
    atomic_write(folder / SUMS, lambda partial: partial.write_text("".join(lines), "utf-8"))


class Checksums:
    """The checksums of one folder, read once."""

    def __init__(self, folder: Path) -> None:
        """Read them; no file is looked at.

        Raises:
            StorageError: If the folder has none, or they cannot be read.
        """
        self._folder = folder
        self._sums: Mapping[str, str] = _read(folder)

    def verified(self, name: str) -> Path:
        """Return the path of a file that holds what was written.

        Args:
            name: Relative to the folder, with `/`.

        Raises:
            StorageError: If it does not, or is missing.
        """
        fault = self._fault(name)
        if fault:
            raise StorageError(f"{fault}; {_AGAIN.format(folder=self._folder)}")
        return self._folder / name

    def verify(self, *, aside: str | None = None) -> None:
        """Look at every file.

        Args:
            aside: A folder in it that is left out.

        Raises:
            StorageError: If one does not hold what was written, is missing, or is new.
        """
        names = [name for name in {*self._sums, *_names(self._folder)} if not _below(name, aside)]
        for name in sorted(names):
            self.verified(name)

    def hash_of(self, part: str) -> str:
        """Return the SHA-256 over the contents of a part of the folder, and over names within it.

        What the part itself is called does not count: a cell's name says which variables there are.

        Args:
            part: A file or a folder in it, with `/`.

        Raises:
            StorageError: If a file of it does not hold what was written, is missing, or is new.
        """
        names = [n for n in {*self._sums, *_names(self._folder)} if n == part or _below(n, part)]
        for name in sorted(names) or [part]:
            self.verified(name)
        lines = (f"{self._sums[name]}  {name.removeprefix(part)}\n" for name in sorted(names))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def _fault(self, name: str) -> str | None:
        path = self._folder / name
        if name not in self._sums:
            what = "is not of the files that were written" if path.exists() else "is missing"
            return f"{path} {what}"
        try:
            held = file_sha256(path)
        except FileNotFoundError:
            return f"{path} is missing"
        except OSError as error:
            return f"{path} cannot be read ({error.strerror or error})"
        if held == self._sums[name]:
            return None
        return (
            f"{path} is damaged: expected the SHA-256 {self._sums[name][:12]} that it was written "
            f"with, got {held[:12]}"
        )


def verified_file(folder: Path, name: str) -> Path:
    """Return the path of one file of a finished folder, which holds what was written.

    Raises:
        StorageError: If it does not, or is missing.
    """
    return Checksums(folder).verified(name)


def _read(folder: Path) -> dict[str, str]:
    path = folder / SUMS
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        why = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        raise StorageError(f"{path} {why}; {_AGAIN.format(folder=folder)}") from error
    matches = [_LINE.fullmatch(line) for line in lines]
    if not lines or None in matches:
        raise StorageError(f"{path} is damaged; {_AGAIN.format(folder=folder)}")
    return {match["name"]: match["sum"] for match in matches if match is not None}


def _names(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    names = (path.relative_to(folder).as_posix() for path in files)
    return sorted(name for name in names if name != SUMS)


def _below(name: str, aside: str | None) -> bool:
    return aside is not None and name.startswith(f"{aside}/")
