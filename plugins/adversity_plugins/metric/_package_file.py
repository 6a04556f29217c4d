"""One file inside an installed distribution, found and checked without importing its package."""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

from adversity.errors import WeightsError

__all__ = ["read_from_package"]


def read_from_package(who: str, distribution: str, file: str, sha256: str, mend: str) -> bytes:
    """Return the bytes of a file that a distribution brings.

    Args:
        who: The plugin's name, which begins the messages.
        distribution: Its name.
        file: How the path of the file ends, with forward slashes.
        sha256: Of its bytes, in hexadecimal.
        mend: What to do where it is missing, which ends the messages.

    Raises:
        WeightsError: If it is not installed, or the file is another than the published one.
    """
    try:
        files = metadata.distribution(distribution).files or []
    except metadata.PackageNotFoundError:
        files = []
    path = next((Path(str(one.locate())) for one in files if str(one).endswith(file)), None)
    if path is None or not path.is_file():
        raise WeightsError(
            f"{who}: expected {file.rsplit('/', 1)[-1]} of the package {distribution}, which is not "
            f"installed; {mend}"
        )
    data = path.read_bytes()
    if (got := hashlib.sha256(data).hexdigest()) != sha256:
        raise WeightsError(
            f"{who}: expected {path.name} of the package {distribution} with SHA-256 {sha256[:12]}, "
            f"got {got[:12]}; {mend}"
        )
    return data
