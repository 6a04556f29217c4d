"""A process and all that it started, ended so that nothing of it is left."""

from __future__ import annotations

import os
from contextlib import suppress

import psutil

__all__ = ["end_tree"]

_SHARED = "adversity_flows.prefect_flows.server_process"
"""The project's Prefect server: others may use it, and it ends with the last of them."""


def end_tree(pid: int) -> None:
    """Kill a process and its descendants, but for the project's Prefect server.

    They are stopped first, so that none starts another one while they are killed.

    Args:
        pid: The process; one that has ended is passed over.
    """
    with suppress(psutil.Error):
        top = psutil.Process(pid)
        if pid != os.getpid():
            top.suspend()
        found: dict[int, psutil.Process] = {pid: top}
        while new := [one for one in top.children(recursive=True) if one.pid not in found]:
            for one in new:
                found[one.pid] = one
                _stop(one)
        for one in reversed(found.values()):  # this process, if it is meant, is the last
            with suppress(psutil.Error):
                if not _is_shared(one):
                    one.kill()


def _stop(process: psutil.Process) -> None:
    with suppress(psutil.Error):
        if not _is_shared(process):
            process.suspend()


def _is_shared(process: psutil.Process) -> bool:
    return _SHARED in process.cmdline()
