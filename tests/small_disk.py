"""A real file system that is small, for tests of full disks."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def mounted(folder, *options):
    """Mount something on a folder for a while; skip the test where that is not allowed."""
    if os.geteuid() or shutil.which("mount") is None:
        pytest.skip("only root may mount")
    done = subprocess.run(["mount", *options, folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield
    finally:
        os.chdir("/")
        subprocess.run(["umount", folder], check=True)


def fill(ballast, *, leave):
    """Write until only so many bytes are free."""
    free = shutil.disk_usage(ballast.parent).free
    with ballast.open("ab") as file:
        file.write(b"\0" * max(0, free - leave))
