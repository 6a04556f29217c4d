"""Outputs are written beside their place and renamed, so that a kill leaves the old or the new.

An output at `out` is written to `out.tmp-<pid>-<random>`; the old one moves to
`out.old-<pid>-<random>` for the moment between the two renames. `recover` puts things right after
a process that was killed.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from adversity.data.atomic import remove_leftovers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from adversity.engine.stages.stage import StageResult, StageRun
    from adversity.pipeline.plan.model import Stage

__all__ = ["beside", "clean_up", "clear", "exchanged", "finish_beside", "recover"]


def beside(path: Path, tag: str = "tmp") -> Path:
    """Return a new place beside `path`, by whose name a process tells its own from leftovers."""
    return path.with_name(f"{path.name}.{tag}-{os.getpid()}-{secrets.token_hex(4)}")


def clear(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def exchanged(pairs: Sequence[tuple[Path, Path]]) -> Iterator[None]:
    """Rename each new output into its place; if the body fails, put back what was there.

    Args:
        pairs: What was written beside, and its place.
    """
    olds = [beside(path, "old") for _, path in pairs]
    with ExitStack() as undo:
        for (new, path), old in zip(pairs, olds, strict=True):
            if os.path.lexists(path):
                path.rename(old)
                undo.callback(old.rename, path)
            new.rename(path)
            undo.callback(clear, path)
        yield
        undo.pop_all()
    for old in olds:
        clear(old)


def recover(path: Path) -> None:
    """Put back what a killed process had moved away, and delete what it had begun to write."""
    if not path.parent.is_dir():
        return
    for left in sorted(path.parent.iterdir()):
        tag, _, owner = left.name.removeprefix(f"{path.name}.").partition("-")
        pid = owner.partition("-")[0]
        if left.name.startswith(f"{path.name}.") and tag in {"tmp", "old"} and _ended(pid):
            if tag == "old" and not path.exists():
                left.rename(path)
            else:
                clear(left)


def _ended(pid: str) -> bool:
    if not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def clean_up(root: Path, ledger: Path) -> None:
    """Remove what killed processes left of files that they were writing.

    Args:
        root: The project.
        ledger: The folder of the ledger of attacks, which may lie elsewhere.
    """
    for folder in (root / ".adversity" / "store", root / "pipelines", root / "runs", ledger):
        remove_leftovers(folder)
    remove_leftovers(root, below=False)
    recover(root / "dvc.lock")


@contextmanager
def finish_beside(
    stage: Stage, stage_run: StageRun, outputs: Path
) -> Iterator[tuple[StageResult, Callable[[], AbstractContextManager[None]]]]:
    """Write a stage's outputs beside their places; give its result and what renames them.

    What is renamed goes back if the body of the renaming fails: an artifact that could not be
    recorded must not stand in the place of one that was.
    """
    out = outputs / stage.out
    metrics = outputs / stage.metrics if stage.metrics else None
    written = [(beside(path), path) for path in (out, metrics) if path is not None]
    try:
        for new, path in written:
            path.parent.mkdir(parents=True, exist_ok=True)
            clear(new)
        result = stage_run.finish(written[0][0], written[1][0] if metrics else None)
        yield result, partial(exchanged, written)
    finally:
        for new, _ in written:
            clear(new)
