"""The names of runs whose shards others compute, and the marks that killed ones left.

Such a run has a file `.adversity/tmp/run-<name>`, by which a worker knows that it sees the run's
files. The name says which process it is, so that the file of a dead one can go.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import time
import uuid
from contextlib import suppress
from pathlib import Path

from adversity_flows.runs.living import born, is_same

__all__ = ["clear_marks", "new_name"]

_BETWEEN = "x"
"""No hexadecimal digit."""
_PARTS = 4
_OLD_DAYS = 1.0
_UNNAMED = re.compile(r"[0-9a-f]{32}", re.ASCII)
"""Chance alone, which says nothing of the process: earlier versions called runs so."""


def new_name() -> str:
    """Return a name that no other run has: machine, process, when that began, and chance.

    It is of letters and digits alone, as workers take it.
    """
    began = int(1000 * (born(os.getpid()) or 0.0))
    return _BETWEEN.join([_machine(), str(os.getpid()), str(began), uuid.uuid4().hex])


def clear_marks(root: Path) -> None:
    """Remove the marks of runs of this machine whose process is gone.

    A mark that names no process, as earlier versions left them, goes when it is older than a day and
    no process that is older yet works in the project's folder.

    Args:
        root: The project's folder. What cannot be removed stays: it does no harm.
    """
    with suppress(OSError):
        for mark in (root / ".adversity" / "tmp").glob("run-*"):
            name = mark.name.removeprefix("run-")
            if _is_left(name) or (_UNNAMED.fullmatch(name) and _is_forgotten(root, mark)):
                mark.unlink(missing_ok=True)


def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:12]


def _is_left(name: str) -> bool:
    parts = name.split(_BETWEEN)
    if len(parts) != _PARTS or parts[0] != _machine():
        return False
    try:
        pid, began = int(parts[1]), int(parts[2]) / 1000
    except ValueError:
        return False
    return not is_same(pid, began)


def _is_forgotten(root: Path, mark: Path) -> bool:
    import psutil

    written = mark.stat().st_mtime
    if time.time() - written < _OLD_DAYS * 86_400:
        return False
    folder = root.resolve()
    for process in psutil.process_iter():
        try:
            if process.create_time() <= written and Path(process.cwd()).is_relative_to(folder):
                return False
        except (psutil.Error, OSError):  # it ended, or is somebody else's
            continue
    return True
