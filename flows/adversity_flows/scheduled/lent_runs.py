"""The runs that a look in a worktree is compared with: the accepted one, and the last one.

Which run is accepted stands on the results branch, so that a fresh clone on another machine
compares with the same one. Its tables come from this machine, or from DVC by their hashes.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

from adversity_flows.dvc.objects import copy_member, fetch_hashes
from adversity_flows.runs.accepted_runs import accept
from adversity_flows.runs.past_runs import FOLDER, MANIFEST, RESULT
from adversity_flows.scheduled.retried import retried
from adversity_flows.scheduled.workspace import LENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from adversity_flows.scheduled.branch import ResultsBranch

__all__ = ["lend_runs"]


def lend_runs(
    branch: ResultsBranch, root: Path, tree: Path, pipeline: str, *, say: Callable[[str], None]
) -> str:
    """Put the accepted run and the last one into a worktree.

    Args:
        branch: The pipeline's results.
        root: The project's folder.
        tree: That in the worktree.
        pipeline: The pipeline's name.
        say: Told what is not to be had.

    Returns:
        The id of the accepted run; empty if there is none.
    """
    last = str(branch.record("run.json").get("run", ""))
    accepted = str(branch.record("accepted.json").get("run", ""))
    for name, place in ((last, "run"), (accepted, "accepted")):
        if _is_name(name) and not (tree / FOLDER / name).exists():
            text = branch.text(f"{branch.folder}/{place}/{MANIFEST}") or ""
            if not _lend_own(root, tree, name, text) and place == "accepted":
                _lend_recorded(branch, tree, name, text, say)
    if _is_name(accepted) and (tree / FOLDER / accepted / MANIFEST).is_file():
        accept(tree, pipeline, accepted)
        return accepted
    return ""


def _is_name(name: str) -> bool:
    return bool(name) and "/" not in name and not name.startswith(".")


def _lend_own(root: Path, tree: Path, name: str, manifest: str) -> bool:
    """Lend a run that this machine has, if it is the one that is recorded."""
    source, target = root / FOLDER / name, tree / FOLDER / name
    try:
        if (source / MANIFEST).read_text(encoding="utf-8") != manifest:
            return False
    except (OSError, UnicodeDecodeError):
        return False
    shutil.copytree(source, target, copy_function=_linked)
    (target / LENT).touch()
    return True


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _lend_recorded(
    branch: ResultsBranch, tree: Path, name: str, manifest: str, say: Callable[[str], None]
) -> None:
    """Lend a run of another machine: its records from git, its tables from DVC."""
    result = branch.text(f"{branch.folder}/accepted/{RESULT}")
    if not manifest or result is None:
        return
    target = tree / FOLDER / name
    target.mkdir(parents=True)
    (target / LENT).touch()
    (target / MANIFEST).write_text(manifest, encoding="utf-8")
    (target / RESULT).write_text(result, encoding="utf-8")
    record = json.loads(manifest)
    hashes = record.get("hashes", {})
    for file in record.get("artifacts", ()):
        folder, _, table = str(file["path"]).partition("/")
        made = hashes.get(f"artifacts/{record['pipeline']}/{table.removesuffix('.parquet')}", "")
        if folder != "tables" or not made:
            continue
        retried(lambda one=made: fetch_hashes(tree, [one]))  # type: ignore[misc]
        if not copy_member(tree, made, "table.parquet", target / folder / table):
            say(
                f"! {table} of the accepted run {name} is neither in DVC's cache nor in its "
                "remote: gates against `last` cannot be judged by it"
            )
