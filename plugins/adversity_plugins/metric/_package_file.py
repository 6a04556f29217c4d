"""One file inside an installed distribution, found and checked without importing its package."""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

from adversity.errors import WeightsError

__all__ = ["read_from_package"]


def read_from_package(
    who: str, distributions: tuple[str, ...], file: str, sha256: str, mend: str
) -> bytes:
    """Return the bytes of a file that one of several distributions brings.

    Args:
        who: The plugin's name, which begins the messages.
        distributions: Their names, the first that is installed and has the file counts.
        file: How the path of the file ends, with forward slashes.
        sha256: Of its bytes, in hexadecimal.
        mend: What to do where it is missing, which ends the messages.

    Raises:
        WeightsError: If none of them is installed, or the file is another than the published one.
    """
    for name in distributions:
        try:
            files = metadata.distribution(name).files or []
        except metadata.PackageNotFoundError:
            continue
        path = next((Path(str(one.locate())) for one in files if str(one).endswith(file)), None)
        if path is None or not path.is_file():
            continue
        data = path.read_bytes()
        if (got := hashlib.sha256(data).hexdigest()) != sha256:
            raise WeightsError(
                f"{who}: expected {path.name} of the package {name} with SHA-256 {sha256[:12]}, got "
                f"{got[:12]}; {mend}"
            )
        return data
    named = " or ".join(distributions)
    raise WeightsError(
        f"{who}: expected {file.rsplit('/', 1)[-1]} of the package {named}, which is not installed; "
        f"{mend}"
    )
