"""DVC's repository: opening it, its lock, and its errors in our words.

Nothing outside this folder touches DVC's Python API. It is unofficial: an exact minor is pinned,
and tests/flows/dvc holds a contract test for each call we make.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.errors import AdversityError, DataError, InputError, RunError, StorageError
from adversity.project import conflict_line
from adversity_flows.dvc.parsed_once import parse_once
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dvc.repo import Repo
    from dvc.utils.serialize import ParseError

__all__ = [
    "BusyError",
    "anchored_stage_cache",
    "dvc_errors",
    "locked",
    "missing_repositories",
    "open_repository",
    "refuse_unfit_path",
]

_ONE_AT_A_TIME = threading.RLock()
"""DVC's objects are not made for threads: one call at a time in this process."""

_SHORT = 0.2
"""Seconds between two tries for DVC's lock, which its commands hold briefly."""


class BusyError(RunError):
    """Another process works on the same files, or holds DVC's lock."""


_ADVICE = {errno.ENAMETOOLONG: "move the project to a folder with a shorter path"}


def open_repository(root: Path) -> Repo:
    """Open the project's repository.

    Raises:
        InputError: If there is no git or DVC repository, with the commands that make one.
    """
    refuse_unfit_path(root)
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    missing = missing_repositories(root)
    if missing:
        raise InputError(
            f"{root}: expected a git repository with DVC, got none; make one with "
            f"`{' && '.join(['cd ' + str(root), *missing])}`, or compute without recording with "
            "`adversity.run(..., into=...)`"
        )
    with dvc_errors(root, "open the repository"):
        from dvc.repo import Repo

        # Its errors are exceptions, which we say; beside them its loggers would print each file
        # that a full disk did not take, and draw progress bars on a terminal.
        for name in ("dvc", "dvc_data", "dvc_objects"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        parse_once()
        repo = Repo(str(root))
        refuse_unfit_path(Path(repo.cache.local.path))
        repo.stage_cache = anchored_stage_cache(repo)
        return repo


def refuse_unfit_path(path: Path) -> None:
    """Refuse a folder whose path is no text, or that DVC would take for a pattern of its own.

    Raises:
        InputError: If there is a brace in it, or it is no text.
    """
    text = str(path.absolute())
    raw = os.fsencode(text)
    if raw.decode("utf-8", "replace").encode() != raw:
        shown = raw.decode("utf-8", "backslashreplace")
        raise InputError(
            f"expected a project whose path is UTF-8 text, got {shown}; rename the folder"
        )
    unfit = next((c for c in "{}" if c in text), None)
    if unfit is not None:
        raise InputError(
            f"expected a project whose path has no {unfit!r}, got {text}: DVC cannot work there; "
            "rename the folder"
        )


def missing_repositories(root: Path) -> list[str]:
    """Return the commands that make the repositories that a project lacks, in order.

    The git repository may be that of a folder above, as after `dvc init --subdir`.
    """
    within = any((folder / ".git").exists() for folder in root.absolute().parents)
    git = [] if within or (root / ".git").exists() else ["git init"]
    if (root / ".dvc").exists():
        return git
    own = (root / ".git").exists()
    return [*git, "dvc init --subdir" if within and not own else "dvc init"]


def anchored_stage_cache(repo: Repo) -> Any:
    """Return a run cache that does not depend on the current folder (DVC's own does)."""
    from dvc.stage import PipelineStage, create_stage
    from dvc.stage.cache import StageCache
    from dvc.stage.loader import StageLoader

    class AnchoredStageCache(StageCache):  # type: ignore[misc]  # DVC is untyped
        """DVC's run cache, with `dvc.yaml` looked for in the project and not where we stand."""

        def _create_stage(self, cache: Any, wdir: str | None = None) -> Any:
            stage = create_stage(
                PipelineStage,
                repo=self.repo,
                path=os.path.join(self.repo.root_dir, "dvc.yaml"),  # noqa: PTH118  (DVC wants str)
                cmd=cache["cmd"],
                wdir=wdir,
                outs=[out["path"] for out in cache["outs"]],
            )
            StageLoader.fill_from_lock(stage, cache)
            return stage

    return AnchoredStageCache(repo)


@contextmanager
def locked(repo: Repo, *, patience: float) -> Iterator[None]:
    """Hold the process's lock and DVC's, waiting up to `patience` seconds for another process.

    Raises:
        BusyError: If another process still holds DVC's lock, with its PID.
    """
    from dvc.lock import LockError
    from dvc.repo import lock_repo

    with _ONE_AT_A_TIME:
        until = time.monotonic() + patience
        while True:
            holding = lock_repo(repo)
            try:
                holding.__enter__()
            except LockError as error:
                if time.monotonic() >= until:
                    raise _busy(Path(repo.root_dir), error) from error
                time.sleep(_SHORT)
            else:
                break
        try:
            yield
        finally:
            holding.__exit__(None, None, None)


@contextmanager
def alone() -> Iterator[None]:
    """Hold the process's lock only: for reading while DVC itself runs us as a stage's command."""
    with _ONE_AT_A_TIME:
        yield


@contextmanager
def dvc_errors(root: Path, doing: str) -> Iterator[None]:
    """Turn DVC's errors into ours.

    Raises:
        DataError: If a file's name is not text.
        BusyError: If another process works on the same files.
        InputError: If git keeps what DVC is to keep.
        RunError: If DVC refuses.
        StorageError: If the disk does not take or give a file.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.output import OutputAlreadyTrackedError
    from dvc.utils.serialize import ParseError

    try:
        yield
    except AdversityError:
        raise
    except LockError as error:
        raise _busy(root, error) from error
    except UnicodeEncodeError as error:
        name = os.fsencode(error.object).decode("ascii", "backslashreplace")
        raise DataError(
            f"expected file names that are UTF-8 text, got {name}; rename the file"
        ) from error
    except ParseError as error:
        raise _unreadable(root, error) from error
    except OutputAlreadyTrackedError as error:
        raise InputError(
            f"DVC could not {doing}: expected files that git does not keep, got some that it does; take "
            "them out of git's index, where they stay in the folder, with `git rm -r --cached FOLDER` "
            "and a commit, then do this again"
        ) from error
    except DvcException as error:
        raise RunError(f"DVC could not {doing}: {_chain(error)}") from error
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "make room or rights")
        raise StorageError(f"DVC could not {doing}: {error}; {advice}, then run again") from error


def _unreadable(root: Path, error: ParseError) -> AdversityError:
    """Say which file of DVC's cannot be read, and how it becomes whole again."""
    path = Path.cwd() / str(error.path)
    name = os.path.relpath(path, root)
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    line = conflict_line(text)
    if line is None and path.name != "dvc.lock":
        return RunError(f"DVC could not read {name}: {_chain(error)}; correct it")
    what = "whole YAML, got a damaged file" if line is None else "YAML, got a merge conflict"
    where = name if line is None else f"{name}:{line}"
    advice = "keep one side of it, then run again"
    if path.name == "dvc.lock":
        advice = "delete dvc.lock and run again; finished work is restored"
    return InputError(f"{where}: expected {what}; {advice}")


def _chain(error: BaseException) -> str:
    cause = error.__cause__
    message = f"{error} ({cause})" if cause is not None and str(cause) else str(error)
    return without_secrets(message)


def _busy(root: Path, error: Exception) -> BusyError:
    blockers = re.findall(r"\(PID (\d+)\): (.+)", str(error))
    if not blockers:
        blockers = [(_lock_holder(root), "dvc")]
    who = ", ".join(f"process {pid} ({command})" for pid, command in blockers)
    return BusyError(
        f"{root}: expected to be the only one that records here, but {who} is at work; wait for "
        "it or end it, then run again (finished shards are kept)"
    )


def _lock_holder(root: Path) -> str:
    try:
        return (root / ".dvc" / "tmp" / "lock").read_text(encoding="ascii").split()[0]
    except (OSError, IndexError, UnicodeDecodeError):
        return "unknown"
