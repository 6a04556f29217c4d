"""What is kept for the user beside every project, because it takes long to make; all of it can go.

A file is written beside its place and renamed: no reader ever sees half of one.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

__all__ = ["user_cache", "write_whole"]


def user_cache() -> Path:
    """Return the folder, which need not be there."""
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Caches"
    else:
        given = os.environ.get("XDG_CACHE_HOME", "")
        # The XDG specification says that a relative path is invalid and to be ignored.
        folder = Path(given) if Path(given).is_absolute() else Path.home() / ".cache"
    return folder / "adversity"


def write_whole(file: Path, content: str | bytes) -> None:
    """Write text, as UTF-8, or bytes in the place of `file`; its folder is made.

    Raises:
        OSError: If it cannot be written; then nothing is left of it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode("utf-8") if isinstance(content, str) else content
    with tempfile.NamedTemporaryFile(
        dir=file.parent, prefix=f".{file.stem}-", delete=False
    ) as stream:
        beside = Path(stream.name)
        try:
            stream.write(data)
            stream.flush()
            beside.replace(file)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
