"""What systems, storage boxes and cloud drives leave in folders of images."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

__all__ = ["is_of_a_system", "unfinished"]

_FOLDERS = frozenset(
    {
        "@eadir",  # thumbnails of Synology boxes, named like the images
        "@tmp",
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "__macosx",  # resource forks in archives that macOS packed
        "lost+found",
        "recycler",
        "system volume information",
    }
)
_PARTS = frozenset({".crdownload", ".download", ".filepart", ".part", ".partial", ".tmp"})
_SECOND = re.compile(
    r"\(([^()]*\b)?(conflicted copy|case conflict|in konflikt stehende kopie)\b[^()]*\)"
    r"|\.sync-conflict-\d{8}-\d{6}",
    re.IGNORECASE,
)


def is_of_a_system(file: str) -> bool:
    """Say whether a path belongs to a system, not to the data: hidden, or in a folder of its own.

    Example:
        >>> is_of_a_system("cat/@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg"), is_of_a_system("cat/._1.jpg")
        (True, True)
    """
    parts = PurePosixPath(file).parts
    return any(part.startswith((".", "~$")) or part.lower() in _FOLDERS for part in parts)


def unfinished(file: str, suffixes: frozenset[str]) -> str | None:
    """Say why a file stands for an image that is not there, or not alone; None if it does not.

    Args:
        file: The path.
        suffixes: Those of images.

    Example:
        >>> unfinished("cat/1.jpg.crdownload", frozenset({".jpg"}))
        'an unfinished download'
    """
    path = PurePosixPath(file)
    stem, suffix = path.stem, path.suffix.lower()
    meant = PurePosixPath(stem.removeprefix(".")).suffix.lower() in suffixes
    if suffix == ".icloud" and stem.startswith(".") and meant:
        return "a placeholder of iCloud; download the image"
    if suffix in _PARTS and meant:
        return "an unfinished download"
    if suffix in suffixes and _SECOND.search(path.name):
        return "a second version that a cloud drive kept; keep one of the two"
    return None
