"""The fingerprint of the core's source, kept for the user's next command.

To take comments and docstrings out of 200 files costs half a second, to hash their bytes a
hundredth; and every command that plans, and each step of `dvc repro`, needs it.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from contextlib import suppress
from pathlib import Path

from adversity import provenance
from adversity.user_cache import user_cache, write_whole

__all__ = ["kept_core_fingerprint"]

_RULE = ("provenance.py", "source_text.py")
"""What says which part of a source computes: another rule, another fingerprint."""
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


def kept_core_fingerprint(*parts: str) -> str:
    """Return `core_fingerprint` of these parts: the one that is kept, if no byte has changed.

    Args:
        *parts: Files and folders relative to the package `adversity`.
    """
    root = Path(provenance.__file__).parent
    key = _sha256(root, parts)
    file = _file(root, parts)
    kept = _read(file, key)
    if kept is not None:
        return kept
    fingerprint = provenance.core_fingerprint(*parts)
    if _sha256(root, parts) == key:  # nobody edited a file meanwhile
        # What cannot be written costs time at the next start, nothing else.
        with suppress(OSError):
            write_whole(file, json.dumps({"key": key, "fingerprint": fingerprint}))
    return fingerprint


def _sha256(root: Path, parts: tuple[str, ...]) -> str:
    """Return the SHA-256 of the files as they lie, compiled ones aside."""
    digest = hashlib.sha256()
    for part in (*_RULE, *parts):
        start = root / part
        paths = [start] if start.is_file() else sorted(start.rglob("*"))
        for path in paths:
            if "__pycache__" not in path.parts and path.is_file():
                content = path.read_bytes()
                digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
                digest.update(content)
    return digest.hexdigest()


def _file(root: Path, parts: tuple[str, ...]) -> Path:
    """Return where the fingerprint is kept: each installed core and each Python has its own."""
    text = "\0".join((str(root), sys.version, *parts))
    return user_cache() / f"core-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"


def _read(file: Path, key: str) -> str | None:
    """Return the kept fingerprint if the file is whole and of this key."""
    try:
        record = json.loads(file.read_bytes())
        fingerprint = record["fingerprint"]
        fits = record["key"] == key and _FINGERPRINT.fullmatch(fingerprint)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(fingerprint) if fits else None
