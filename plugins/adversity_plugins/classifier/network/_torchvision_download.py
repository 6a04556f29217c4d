"""Fetch weight files with torch.hub's own downloader, checked by their SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from urllib.error import URLError
from urllib.parse import urlsplit

from adversity.errors import WeightsError
from adversity.provenance import file_sha256

__all__ = ["fetch"]


def fetch(url: str, sha256: str, *, mirrored: bool = False) -> Path:
    """Return the file behind `url` from torch.hub's folder, downloading it once.

    Args:
        url: An http or https address.
        sha256: The file's SHA-256, or its first digits.
        mirrored: Keep the file apart from those that torchvision itself downloads.

    Raises:
        WeightsError: If it cannot be had or is another file.
    """
    from torch import hub

    name = PurePosixPath(urlsplit(url).path).name or "weights"
    folder = Path(hub.get_dir()) / "checkpoints"
    if mirrored:
        folder = folder / hashlib.sha256(f"{url} {sha256}".encode()).hexdigest()[:16]
    path = folder / name
    by_hand = f"download {url} on another machine and name the file in `file:`"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            hub.download_url_to_file(url, str(path), hash_prefix=sha256, progress=False)
    except RuntimeError as error:
        raise WeightsError(
            f"weights {name}: {url} gave another file than expected ({error}); nothing was kept. "
            "Check the address and `sha256`"
        ) from error
    except (URLError, OSError, ValueError) as error:
        raise WeightsError(f"weights {name}: cannot download {url} ({error}); {by_hand}") from error
    if not file_sha256(path).startswith(sha256):
        raise WeightsError(
            f"weights {name}: {path} is not the file with SHA-256 {sha256}...; delete it and run "
            f"again, or {by_hand}"
        )
    return path
