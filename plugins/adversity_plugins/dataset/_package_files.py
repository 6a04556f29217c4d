"""Files that packaged data sets copy out of installed packages."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from adversity.provenance import file_sha256

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["files_sha256"]


def files_sha256(files: Iterable[Path]) -> str:
    """Return the SHA-256 over names and contents of files, in hexadecimal.

    Where the package is installed and in which order the files are given does not matter.

    Raises:
        OSError: If one cannot be read.
    """
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.name):
        digest.update(f"{path.name}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()
