"""Which commit a scheduled look takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity.did_you_mean import did_you_mean
from adversity.errors import InputError
from adversity_flows.scheduled.git import NETWORK_SECONDS, GitError
from adversity_flows.scheduled.retried import retried

if TYPE_CHECKING:
    from adversity_flows.scheduled.git import Git

__all__ = ["Revision", "changed_files", "found_revision", "remote_of", "remotes_of"]


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit.

    Attributes:
        name: As it was asked for; the branch where nothing was.
        commit: Its hash.
    """

    name: str
    commit: str

    @property
    def words(self) -> str:
        """What it is, for people."""
        return f"{self.name} ({self.commit[:10]})"


def found_revision(git: Git, rev: str | None) -> Revision:
    """Return the commit that a name stands for, a branch of a remote as it is there now.

    Args:
        git: The project's repository.
        rev: A branch, a tag, a commit, or a remote's branch such as `origin/main`; what is checked
            out if None.

    Raises:
        GitError: If the remote does not answer.
        InputError: If nothing has that name.
    """
    if rev is None:
        branch = git.says("symbolic-ref", "--short", "--quiet", "HEAD") or "HEAD"
        return Revision(branch, _commit(git, "HEAD") or "")
    remote, _, branch = rev.partition("/")
    if branch and remote in remotes_of(git):
        _fetch(git, remote, f"+refs/heads/{branch}:refs/remotes/{remote}/{branch}", rev)
        commit = _commit(git, f"refs/remotes/{remote}/{branch}")
    else:
        commit = _commit(git, rev)
        if commit is None and (known := remote_of(git)) is not None:
            _fetch(git, known, f"refs/tags/{rev}:refs/tags/{rev}", rev)
            commit = _commit(git, rev)
    if commit is None:
        raise _unknown(git, rev)
    return Revision(rev, commit)


def remote_of(git: Git) -> str | None:
    """Return the remote of the branch that is checked out, else `origin`, else the only one."""
    names = remotes_of(git)
    branch = git.says("symbolic-ref", "--short", "--quiet", "HEAD")
    own = git.says("config", f"branch.{branch}.remote") if branch else None
    if own in names:
        return own
    return "origin" if "origin" in names else names[0] if len(names) == 1 else None


def changed_files(git: Git) -> list[str]:
    """Return the tracked files of the project's folder that no commit has as they are."""
    said = git.says("status", "--porcelain", "--untracked-files=no") or ""
    return [line[3:] for line in said.splitlines()]


def remotes_of(git: Git) -> list[str]:
    """Return the names of git's remotes."""
    return (git.says("remote") or "").splitlines()


def _commit(git: Git, name: str) -> str | None:
    return git.says("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")


def _fetch(git: Git, remote: str, what: str, rev: str) -> None:
    try:
        retried(
            lambda: git.do("fetch", "--quiet", "--no-tags", remote, what, seconds=NETWORK_SECONDS),
            unless=_is_absent,
        )
    except GitError as error:
        if not _is_absent(error):
            raise
        raise _unknown(git, rev) from error


def _is_absent(error: Exception) -> bool:
    return "couldn't find remote ref" in str(error)


def _unknown(git: Git, rev: str) -> InputError:
    names = git.says(
        "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes"
    )
    instead = "name one that git knows, or a branch of a remote such as origin/main"
    meant = did_you_mean(rev, (names or "").splitlines(), instead)
    return InputError(
        f"schedule.rev: expected a branch, a tag or a commit, got {rev!r}, which is none; {meant}"
    )
