"""The branch `results/<pipeline>`: a commit a run, made without a checkout.

Each commit is the tree of the code that ran, with `dvc.lock`, `dvc.yaml` and the resolved plugins
as the run left them, and with the folder `results/<pipeline>/`. Its parents are the commit of the
run before it and the code, so that `git log --first-parent` lists the runs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from adversity.errors import InputError
from adversity_flows.scheduled.git import NETWORK_SECONDS, GitError
from adversity_flows.scheduled.retried import retried

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from adversity_flows.scheduled.git import Git

__all__ = ["ResultsBranch"]

_SOMEBODY = {"NAME": "adversity", "EMAIL": "adversity@localhost"}


class ResultsBranch:
    """The results of one pipeline in git.

    Attributes:
        name: The branch's name.
        folder: Where a run stands in its commits, relative to the project.
    """

    def __init__(self, git: Git, pipeline: str) -> None:
        """Look at nothing yet.

        Args:
            git: The project's repository.
            pipeline: The pipeline's name.
        """
        self.name = self.folder = f"results/{pipeline}"
        self._git = git
        self._ref = f"refs/heads/{self.name}"
        self._pushed = f"refs/adversity/pushed/{pipeline}"

    @property
    def tip(self) -> str | None:
        """Its newest commit."""
        return self._commit(self._ref)

    def refuse_checked_out(self) -> None:
        """Refuse to move a branch under somebody's feet.

        Raises:
            InputError: If it is checked out.
        """
        place = ""
        for line in (self._git.says("worktree", "list", "--porcelain") or "").splitlines():
            place = line.partition(" ")[2] if line.startswith("worktree ") else place
            if line == f"branch {self._ref}":
                raise InputError(
                    f"{self.name} gets a commit from each run, and is checked out in {place}; "
                    "switch to another branch there"
                )

    def text(self, path: str, commit: str | None = None) -> str | None:
        """Return a file of a commit, relative to the project; None if it has none.

        Args:
            path: The file.
            commit: The newest one if None.
        """
        at = commit or self.tip
        try:
            name = f"{at}:{self._git.prefix}{path}"
            return self._git.do("cat-file", "blob", name).decode() if at else None
        except (GitError, UnicodeDecodeError):
            return None

    def record(self, path: str, commit: str | None = None) -> dict[str, Any]:
        """Return a JSON file of the branch's folder; empty if there is none."""
        try:
            found = json.loads(self.text(f"{self.folder}/{path}", commit) or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def commit(self, code: str, files: Mapping[str, bytes], message: str, index: Path) -> str:
        """Add a commit; nothing that is checked out is touched.

        Args:
            code: The commit that ran.
            files: What stands in the tree beside the code, relative to the project.
            message: Of the commit.
            index: A file that may be written.

        Returns:
            Its hash.
        """
        own = {"GIT_INDEX_FILE": str(index)}
        try:
            self._git.do("read-tree", code, also=own)
            lines = [
                f"100644 {self._blob(content)}\t{self._git.prefix}{path}"
                for path, content in files.items()
            ]
            given = "\n".join(lines).encode()
            self._git.do("update-index", "--add", "--index-info", given=given, also=own)
            tree = self._git.do("write-tree", also=own).decode().strip()
        finally:
            index.unlink(missing_ok=True)
        return self._add(tree, [one for one in (self.tip, code) if one], message)

    def catch_up(self, remote: str) -> None:
        """Take in what other machines have added to the remote's branch.

        Raises:
            GitError: If the remote does not answer.
        """
        theirs = retried(lambda: self._theirs(remote))
        ours = self.tip
        if theirs is None:
            return
        if ours and self._holds(ours, theirs):
            self._git.do("update-ref", self._pushed, theirs)
            return
        if ours is None or self._holds(theirs, ours):
            self._git.do("update-ref", self._ref, theirs, ours or "")
            self._git.do("update-ref", self._pushed, theirs)
            return
        newest = max(
            (ours, theirs), key=lambda one: self.record("run/manifest.json", one).get("id", "")
        )
        tree = self._git.do("rev-parse", f"{newest}^{{tree}}").decode().strip()
        self._add(tree, [ours, theirs], f"{self.name}: runs of two machines, the newest stays")

    def unpushed(self) -> list[str]:
        """Return the commits that no remote is known to have, newest first."""
        done = self._commit(self._pushed)
        found: list[str] = []
        at = self.tip
        while at and at != done and self.text(f"{self.folder}/run/manifest.json", at):
            found.append(at)
            at = self._commit(f"{at}^1")
        return found

    def push(self, remote: str) -> None:
        """Bring the branch to the remote; what another machine added meanwhile is taken in.

        Raises:
            GitError: If the remote does not take it.
        """
        try:
            self._push(remote)
        except GitError as error:
            if not _is_behind(error):
                raise
            self.catch_up(remote)
            self._push(remote)

    def note_pushed(self) -> None:
        """Note that the remotes have all of it."""
        if self.tip:
            self._git.do("update-ref", self._pushed, self.tip)

    def _push(self, remote: str) -> None:
        what = f"{self._ref}:{self._ref}"
        retried(
            lambda: self._git.do("push", "--quiet", remote, what, seconds=NETWORK_SECONDS),
            unless=_is_behind,
        )

    def _theirs(self, remote: str) -> str | None:
        """Return the newest commit of the remote's branch, fetched; None if it has none."""
        said = self._git.do("ls-remote", remote, self._ref, seconds=NETWORK_SECONDS).decode()
        theirs = said.partition("\t")[0]
        if theirs and self._commit(theirs) is None:
            self._git.do(
                "fetch", "--quiet", "--no-tags", remote, self._ref, seconds=NETWORK_SECONDS
            )
        return theirs or None

    def _add(self, tree: str, parents: list[str], message: str) -> str:
        before = self.tip
        named = [word for one in dict.fromkeys(parents) for word in ("-p", one)]
        made = self._git.do(
            "commit-tree", tree, *named, given=message.encode(), also=self._identity()
        )
        commit = made.decode().strip()
        self._git.do("update-ref", "-m", "a run", self._ref, commit, before or "")
        return commit

    def _identity(self) -> dict[str, str]:
        """Return who commits, where git knows nobody: a machine that runs at night."""
        found: dict[str, str] = {}
        for role in ("AUTHOR", "COMMITTER"):
            if self._git.says("var", f"GIT_{role}_IDENT") is None:
                found |= {f"GIT_{role}_{what}": value for what, value in _SOMEBODY.items()}
        return found

    def _blob(self, content: bytes) -> str:
        return self._git.do("hash-object", "-w", "--stdin", given=content).decode().strip()

    def _commit(self, name: str) -> str | None:
        return self._git.says("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")

    def _holds(self, newer: str, older: str) -> bool:
        return self._git.says("merge-base", "--is-ancestor", older, newer) is not None


def _is_behind(error: Exception) -> bool:
    text = str(error)
    return "rejected" in text and ("fetch first" in text or "non-fast-forward" in text)
