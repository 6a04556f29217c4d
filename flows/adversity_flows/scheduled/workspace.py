"""The worktree in which a scheduled look works: a commit, beside the user's files and not in them.

It shares with the project what is found by its content (DVC's cache, finished shards, drawings), so
that nothing is computed or fetched twice; everything else in it is the commit's.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity.data.atomic import storage_error
from adversity.errors import InputError
from adversity_flows.dvc.shared_cache import share_cache
from adversity_flows.runs.past_runs import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adversity_flows.scheduled.git import Git
    from adversity_flows.scheduled.revision import Revision

__all__ = ["LENT", "Worktree", "bring_home", "remove_worktree", "worktree_of"]

LENT = ".lent"
"""A file in the folder of a run that is in a worktree for comparisons, and is the project's."""
_SHARED = ("store", "drawings", "shown", "prefect")
"""Folders of `.adversity` whose entries go by the hash of what they depend on, and the server's."""


@dataclass(frozen=True, slots=True)
class Worktree:
    """A commit of the project in a folder of its own.

    Attributes:
        root: The project's folder in it.
        revision: The commit.
    """

    root: Path
    revision: Revision


@contextmanager
def worktree_of(git: Git, folder: Path, revision: Revision) -> Iterator[Worktree]:
    """Lend a worktree; its runs come home and it goes, whatever happens.

    Args:
        git: The project's repository.
        folder: Where it is made; what a killed look left there is removed.
        revision: The commit.

    Raises:
        InputError: If the commit holds no project.
        StorageError: If the disk does not take it.
    """
    remove_worktree(git, folder)
    git.do("worktree", "add", "--quiet", "--detach", "--force", str(folder), revision.commit)
    try:
        root = folder / git.prefix
        if not (root / ".dvc").is_dir():
            raise InputError(
                f"expected a project in {revision.words}, got a commit without .dvc; add it: "
                "`git add .dvc .dvcignore && git commit`"
            )
        _share(git.root, root)
        yield Worktree(root, revision)
    finally:
        remove_worktree(git, folder)


def bring_home(root: Path, tree: Path) -> dict[str, str]:
    """Move the runs that were made in a worktree to the project's.

    Returns:
        The id of each under which the project has it, by the id that it had.
    """
    moved: dict[str, str] = {}
    for folder in sorted((tree / FOLDER).glob("[0-9]*")):
        name = folder.name
        if (folder / LENT).exists():
            continue
        while (root / FOLDER / name).exists():  # a run by hand began in the same second
            name += "-scheduled"
        (root / FOLDER).mkdir(exist_ok=True)
        shutil.move(folder, root / FOLDER / name)
        moved[folder.name] = name
    return moved


def remove_worktree(git: Git, folder: Path) -> None:
    """Remove a worktree, or what is left of one; its runs come home."""
    if folder.exists():
        bring_home(git.root, folder / git.prefix)
        git.says("worktree", "remove", "--force", "--force", str(folder))
        shutil.rmtree(folder, ignore_errors=True)
    git.says("worktree", "prune")


def _share(root: Path, tree: Path) -> None:
    try:
        for name in _SHARED:
            (root / ".adversity" / name).mkdir(parents=True, exist_ok=True)
            (tree / ".adversity").mkdir(exist_ok=True)
            (tree / ".adversity" / name).symlink_to(root / ".adversity" / name)
    except OSError as error:
        raise storage_error(error, tree) from error
    share_cache(root, tree)
