"""What of a project may be read: regular files that DVC sees, inside it or where it may link to.

Every path that a pipeline file, a parameter or a table names goes through here, so that a link,
a pipe or a file that DVC leaves out is treated alike by every door.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from adversity.errors import DataError
from adversity.ignored import Ignored
from adversity.outside import is_permitted

__all__ = [
    "Listing",
    "code_fault",
    "conflict_line",
    "file_fault",
    "folder_fault",
    "kind_of",
    "list_files",
    "outside_fault",
    "place_in",
    "read_regular",
    "text_fault",
]

_CACHED = re.compile(r".*/(files/md5/)?[0-9a-f]{2}/[0-9a-f]{30}")
"""How DVC names what lies in its cache, wherever that is: after the hash of its content."""
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a regular file",
}
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in a folder of the project.

    Attributes:
        files: The regular files that DVC sees, as sorted paths with forward slashes.
        ignored: Those that DVC leaves out, each with the rule; of a folder the folder alone.
    """

    files: tuple[str, ...]
    ignored: tuple[tuple[str, str], ...] = ()


def kind_of(mode: int) -> str:
    """Say what a file is, from its mode: `a pipe`."""
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def text_fault(text: str) -> str | None:
    """Say why a text is no path inside the project, whatever lies there; None if it is one."""
    windows = PureWindowsPath(text)
    if not text or "\0" in text or windows.anchor or text.startswith("/") or ".." in windows.parts:
        return f"must be a path inside the project, got {text!r}"
    return None


def place_in(root: Path, text: str) -> str | None:
    """Return a path relative to the project, with forward slashes; None if it leaves it.

    Links are followed, since what they lead to is what a result rests on. A link into DVC's
    cache, wherever that lies, is not followed: DVC made it and hashes it under its own name.
    Nor is one to a folder outside that this machine permits: where it lies is the machine's matter.

    Raises:
        DataError: If the machine's configuration cannot be read.
    """
    base = Path(os.path.normpath(root / text))
    try:
        full = base.resolve()
    except (OSError, ValueError, RuntimeError):  # RuntimeError: a loop, before Python 3.13
        return None
    if full.is_relative_to(root) and not _is_cached(full):
        return full.relative_to(root).as_posix()
    named = base.is_relative_to(root) and (_is_cached(full) or is_permitted(root, full))
    return base.relative_to(root).as_posix() if named else None


def outside_fault(root: Path, text: str) -> str:
    """Say what to do about a path of which `place_in` knows no place in the project."""
    try:
        full = (root / text).resolve()
        full.stat()
    except FileNotFoundError:
        pass
    except (OSError, ValueError, RuntimeError):
        full = root
    if full.is_relative_to(root):  # nowhere else, and nowhere at all
        return f"{text} must lie in the project {root} (its links go in a circle); delete them"
    return (
        f"{text} must lie in the project {root}, or in a folder that this machine permits, and "
        f"leads to {full}; permit it with `dvc remote add --local NAME {_folder_of(full)}`, copy "
        "it in, or let DVC do it with `dvc import-url`"
    )


def _folder_of(full: Path) -> Path:
    return full.parent if full.is_file() else full


def _is_cached(full: Path) -> bool:
    return _CACHED.fullmatch(full.as_posix()) is not None


def file_fault(root: Path, text: str) -> str | None:
    """Say why a path is no file of the project that can be read, or None."""
    return _path_fault(root, text, folder=False)


def code_fault(root: Path, text: str) -> str | None:
    """Say why a path is no file of the project that may be run, or None.

    What this machine permits to be read outside is data, and no code.
    """
    fault = file_fault(root, text)
    root = root.resolve()
    full = (root / text).resolve()
    if fault is None and not full.is_relative_to(root) and not _is_cached(full):
        return f"{text} must lie in the project {root}, since it is code; copy it in"
    return fault


def folder_fault(root: Path, text: str) -> str | None:
    """Say why a path is no folder of the project that can be read, or None."""
    return _path_fault(root, text, folder=True)


def _path_fault(root: Path, text: str, *, folder: bool) -> str | None:
    expected = "folder" if folder else "file"
    root = root.resolve()
    place = place_in(root, text)
    if place is None:
        return outside_fault(root, text)
    full = root / place
    try:
        mode = full.stat().st_mode
    except OSError as error:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            return f"{text} cannot be read: {error.strerror}"
        return (
            f"there is no {expected} {text} in the project; correct the path, put it there, or get "
            "it with `dvc pull`"
        )
    if not (stat.S_ISDIR(mode) if folder else stat.S_ISREG(mode)):
        return f"{text}: expected a {expected} in the project, got {kind_of(mode)}"
    rule = Ignored(root).reason(full, folder=folder)
    if rule is not None:
        return (
            f"{text} is left out by {rule}: DVC does not see it, so a change would go unnoticed; "
            "take it out of .dvcignore, or move it"
        )
    return None


def list_files(root: Path, place: str) -> Listing:
    """List the files of a folder of the project, hidden ones too, as DVC sees them.

    Args:
        root: The project's folder.
        place: The folder, relative to it.

    Raises:
        DataError: If it is no folder, DVC leaves it out, or something in it is neither file nor
            folder, is a link that leads out of the folder, into another folder, or nowhere. DVC
            could not hash such a folder: it would wait for ever or stop.
    """
    fault = folder_fault(root, place)
    if fault is not None:
        raise DataError(fault)
    walk = _Walk(root.resolve(), place)
    walk.through()
    if walk.faults:
        more = [f"and {len(walk.faults) - _SHOWN} more"] if len(walk.faults) > _SHOWN else []
        raise DataError("\n".join([*sorted(walk.faults)[:_SHOWN], *more]))
    return Listing(tuple(sorted(walk.files)), tuple(sorted(walk.ignored)))


class _Walk:
    """One way through a folder; links to folders are not followed."""

    def __init__(self, root: Path, place: str) -> None:
        self.folder = root / PurePosixPath(place)
        self.files: list[str] = []
        self.ignored: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self._inside = self.folder.resolve()
        self._where = PurePosixPath(place).as_posix()
        self._rules = Ignored(root)

    def through(self) -> None:
        """See everything in the folder."""
        waiting = [""]
        while waiting:
            inside = waiting.pop()
            try:
                with os.scandir(self.folder / inside) as entries:
                    named = ((entry, f"{inside}{entry.name}") for entry in entries)
                    waiting += [f"{name}/" for entry, name in named if self._see(entry, name)]
            except OSError as error:
                self.faults.append(f"{self._where}/{inside} cannot be read: {error.strerror}")

    def _see(self, entry: os.DirEntry[str], name: str) -> bool:
        """Put a file where it belongs; say whether it is a folder to look into."""
        is_folder = entry.is_dir(follow_symlinks=False)
        shown = f"{self._where}/{name}".encode("utf-8", "backslashreplace").decode()
        if len(shown) > len(f"{self._where}/{name}"):
            self.faults.append(f"{shown}: expected a name in UTF-8; rename it")
            return False
        rule = self._rules.reason(self.folder / name, folder=is_folder)
        if rule is not None:
            self.ignored.append((name, rule))
        elif not is_folder:
            fault = self._link_fault(Path(entry.path)) if entry.is_symlink() else _kind(entry)
            if fault is None:
                self.files.append(name)
            else:
                self.faults.append(f"{self._where}/{name} is {fault}")
        return is_folder and rule is None

    def _link_fault(self, path: Path) -> str | None:
        try:
            full = path.resolve()
            mode = full.stat().st_mode
        except FileNotFoundError:
            return "a link to nothing; delete it, or put the file in its place"
        except (OSError, RuntimeError):
            return "a link that leads in a circle; delete it"
        if stat.S_ISDIR(mode):
            return "a link to a folder; copy the folder, links are not followed"
        if not full.is_relative_to(self._inside) and not _is_cached(full):
            return "a link out of the data set; copy the file in"
        return None if stat.S_ISREG(mode) else _not_a_file(mode)


def _kind(entry: os.DirEntry[str]) -> str | None:
    if entry.is_file(follow_symlinks=False):
        return None
    return _not_a_file(entry.stat(follow_symlinks=False).st_mode)


def _not_a_file(mode: int) -> str:
    return f"{kind_of(mode)}, expected a regular file; delete it"


def read_regular(path: Path) -> bytes:
    """Read a regular file; anything else is refused before it could keep us waiting.

    Raises:
        OSError: If it cannot be read, or is no regular file.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(0, f"expected a regular file, got {kind_of(mode)}")
        return file.read()


def conflict_line(text: str) -> int | None:
    """Return the line where git has left a merge conflict, or None."""
    lines = text.splitlines()
    starts = (number for number, line in enumerate(lines, 1) if line.startswith("<<<<<<< "))
    ends = any(line.startswith(">>>>>>> ") for line in lines)
    return next(starts, None) if ends else None
