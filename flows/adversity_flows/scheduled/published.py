"""What a look leaves for others: its commit on the results branch, DVC's objects, both pushed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.errors import InputError, RunError
from adversity_flows.dvc.lock_entries import made_hashes
from adversity_flows.dvc.objects import has_remote, push_hashes
from adversity_flows.runs.past_runs import MANIFEST, RESULT
from adversity_flows.scheduled.retried import retried

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan
    from adversity_flows.scheduled.branch import ResultsBranch
    from adversity_flows.scheduled.revision import Revision

__all__ = ["Remotes", "commit_results", "not_pushed", "push_results"]

_KEPT = (MANIFEST, RESULT, "report.md")


@dataclass(frozen=True, slots=True)
class Remotes:
    """Where results go.

    Attributes:
        git: Git's remote; None if results do not go to one.
        dvc: Whether DVC's objects go to its default remote.
    """

    git: str | None = None
    dvc: bool = False

    @classmethod
    def of(cls, root: Path, remote: str | None, *, push: bool | None) -> Remotes:
        """Return where results go.

        Args:
            root: The project's folder.
            remote: Git's remote, if there is one.
            push: Whether they should; to the remotes that there are if None.

        Raises:
            InputError: If they should and there is no remote.
        """
        if push is False:
            return cls()
        found = cls(remote, has_remote(root))
        if push and not found.any:
            raise InputError(
                "schedule.push: expected a remote to push to, got none; add one with `git remote "
                "add origin URL` and `dvc remote add --default NAME URL`, or set push: false"
            )
        return found

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return self.git is not None or self.dvc

    @property
    def words(self) -> str:
        """Which, for people."""
        return " and ".join([*([self.git] if self.git else []), *(["DVC's"] if self.dvc else [])])


def commit_results(
    branch: ResultsBranch,
    plan: Plan,
    revision: Revision,
    home: Path,
    *,
    accepted: bool,
    index: Path,
) -> str:
    """Commit a run on the results branch, and move the accepted pointer to it if it is accepted.

    Args:
        branch: The pipeline's results.
        plan: The pipeline, in the worktree.
        revision: What ran.
        home: The run's folder.
        accepted: No gate failed.
        index: A file that may be written.

    Returns:
        The hash of the commit; of the one that is there if it says the same already.
    """
    manifest = json.loads((home / MANIFEST).read_text(encoding="utf-8"))
    pointer = {"run": home.name, "commit": revision.commit, "verdict": manifest["verdict_line"]}
    before = branch.record("accepted.json")
    same = branch.record("run.json").get("run") == home.name
    if same and branch.tip and (not accepted or before.get("run") == home.name):
        return branch.tip
    files = _left_by(plan)
    folder = branch.folder
    files[f"{folder}/run.json"] = _json(pointer)
    kept = {name: (home / name).read_bytes() for name in _KEPT if (home / name).is_file()}
    files |= {f"{folder}/run/{name}": content for name, content in kept.items()}
    files |= _accepted(branch, pointer, kept) if accepted else _carried(branch)
    message = "\n".join(
        [
            f"{plan.name}: {manifest['verdict_line']}",
            "",
            f"Run {home.name} of {revision.words}.",
            "It is the accepted run now."
            if accepted
            else f"The accepted run stays {before.get('run', 'none')}.",
            *_installed(manifest),
        ]
    )
    return branch.commit(revision.commit, files, message, index)


def push_results(
    branch: ResultsBranch, plan: Plan, remotes: Remotes, *, say: Callable[[str], None]
) -> None:
    """Push all results that no remote has: DVC's objects first, so that no commit lacks them.

    Raises:
        RunError: If a remote does not take them; the next look tries again.
    """
    waiting = branch.unpushed()
    if not waiting or not remotes.any:
        return
    if remotes.dvc:
        locks = [branch.text("dvc.lock", commit) or "" for commit in waiting]
        hashes = [one for lock in locks for one in made_hashes(lock, plan)]
        retried(lambda: push_hashes(plan.root, hashes))
    if remotes.git:
        branch.push(remotes.git)
    branch.note_pushed()
    more = f", {len(waiting)} commits" if len(waiting) > 1 else ""
    say(f"{branch.name} pushed to {remotes.words}{more}")


def not_pushed(error: RunError) -> str:
    """Say that results are on this machine only."""
    first = str(error).partition("\n")[0]
    return f"not pushed: {first}; the next look tries again"


def _left_by(plan: Plan) -> dict[str, bytes]:
    """Return the files that DVC reads with the results, as the run left them."""
    root = plan.root
    names = ["dvc.lock", "dvc.yaml"]
    names += [
        path.relative_to(root).as_posix() for path in root.glob("pipelines/.resolved/**/*.yaml")
    ]
    return {name: (root / name).read_bytes() for name in names if (root / name).is_file()}


def _accepted(
    branch: ResultsBranch, pointer: dict[str, Any], kept: dict[str, bytes]
) -> dict[str, bytes]:
    found = {f"{branch.folder}/accepted.json": _json(pointer)}
    return found | {
        f"{branch.folder}/accepted/{name}": kept[name]
        for name in (MANIFEST, RESULT)
        if name in kept
    }


def _carried(branch: ResultsBranch) -> dict[str, bytes]:
    """Return the accepted run of the commit before, whose place it keeps."""
    names = ["accepted.json", *(f"accepted/{name}" for name in (MANIFEST, RESULT))]
    texts = {f"{branch.folder}/{name}": branch.text(f"{branch.folder}/{name}") for name in names}
    return {path: text.encode() for path, text in texts.items() if text is not None}


def _installed(manifest: dict[str, Any]) -> list[str]:
    versions = manifest.get("versions", {})
    names = ("adversity", "python", "torch")
    told = ", ".join(f"{name} {versions[name]}" for name in names if name in versions)
    return [f"With {told}; the fingerprints of all plugins stand in the manifest."] if told else []


def _json(record: dict[str, Any]) -> bytes:
    return (json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
