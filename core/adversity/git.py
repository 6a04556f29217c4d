"""What git says of a repository, to whoever can do without."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["git_says"]

SECONDS = 30.0


def git_says(root: Path, *arguments: str, told: str | None = None) -> str | None:
    """Return what git writes, without the last line's end.

    Args:
        root: The folder that it runs in.
        arguments: Of git.
        told: What it reads.

    Returns:
        None where there is no git, it fails, or it takes longer than half a minute.
    """
    try:
        answer = subprocess.run(
            ["git", *arguments],
            cwd=root,
            capture_output=True,
            input=told,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.rstrip("\n") if answer.returncode == 0 else None
