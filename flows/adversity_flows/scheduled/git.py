"""Git, called so that it asks nobody, waits for nobody for ever, and says in a sentence what failed."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from adversity.errors import InputError, RunError
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["NETWORK_SECONDS", "Git", "GitError"]

SECONDS = 120.0
NETWORK_SECONDS = 300.0
_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "LC_ALL": "C",
}
_WITHIN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""What a git hook around us would have git believe."""


class GitError(RunError):
    """Git refused, or took too long."""


class Git:
    """The git repository that a project lies in.

    Attributes:
        root: The project's folder.
        top: The repository's folder.
        prefix: The project's place in it, with a slash at its end; empty where it is the same.
    """

    def __init__(self, root: Path) -> None:
        """Find the repository.

        Raises:
            InputError: If there is none, or no commit, with the commands that make one.
        """
        self.root = root
        make = f"cd {root} && git init && git add . && git commit -m start"
        try:
            inside = self.says("rev-parse", "--show-prefix")
        except FileNotFoundError as error:
            raise InputError(
                "expected git, got none: a scheduled run takes a commit of the project; install it"
            ) from error
        if inside is None:
            raise InputError(
                f"{root}: expected a git repository, got a plain folder: a scheduled run takes a "
                f"commit of the project; make one with `{make}`, or use `adversity run`"
            )
        self.prefix = inside
        self.top = root
        for _ in range(inside.count("/")):
            self.top = self.top.parent
        if self.says("rev-parse", "--verify", "--quiet", "HEAD") is None:
            raise InputError(
                f"{root}: expected a git repository with a commit, got none yet: a scheduled run "
                f"takes a commit of the project; make one with `cd {root} && git add . && "
                "git commit -m start`"
            )

    def says(self, *arguments: str) -> str | None:
        """Return what git says, without the line's end; None if it refuses."""
        try:
            return self.do(*arguments).decode("utf-8", "replace").rstrip("\n")
        except GitError:
            return None

    def do(
        self,
        *arguments: str,
        given: bytes = b"",
        seconds: float = SECONDS,
        within: Path | None = None,
        also: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return what git writes.

        Args:
            arguments: Of git.
            given: Its standard input.
            seconds: After so long it is ended.
            within: The folder it runs in; the project's if None.
            also: Further variables of its environment.

        Raises:
            GitError: If it refuses or takes too long.
        """
        kept = {name: value for name, value in os.environ.items() if name not in _WITHIN}
        kept.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=30")
        try:
            answer = subprocess.run(
                ["git", *arguments],
                cwd=within or self.root,
                input=given,
                capture_output=True,
                timeout=seconds,
                env=kept | _QUIET | dict(also or {}),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise GitError(
                f"`git {arguments[0]}` did not end within {seconds:.0f} s and was stopped"
            ) from error
        if answer.returncode:
            raise GitError(f"`git {arguments[0]}` failed: {_said(answer.stderr)}")
        return answer.stdout


def _said(text: bytes) -> str:
    """Return in a line what git complained of."""
    lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines()]
    told = [line for line in lines if line.startswith(("fatal:", "error:", "!"))] or lines
    return without_secrets("; ".join(filter(None, told[:2])) or "it said nothing")
