"""What a look that was killed had left on its results branch: then it did come to a verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from adversity_flows.runs.past_runs import FOLDER, PAGE
from adversity_flows.scheduled.branch import ResultsBranch

if TYPE_CHECKING:
    from adversity_flows.runs.looks import Look
    from adversity_flows.scheduled.git import Git

__all__ = ["as_its_results_say"]


def as_its_results_say(git: Git, look: Look) -> Look:
    """Return the line of a look that was killed, as its results tell of it; as it is without any.

    Its results are those of a run that lies here, began when the look had begun and ran the same
    commit: another machine's lies elsewhere, and one that was found unchanged is older. Where git's
    remote, as far as is known here, lacks them, it was killed before they were pushed.

    Args:
        git: The project's repository.
        look: What is known without its results: it was killed, or timed out.
    """
    branch = ResultsBranch(git, look.pipeline)
    pointer, manifest = branch.record("run.json"), branch.record("run/manifest.json")
    run = str(pointer.get("run", ""))
    begun = datetime.fromisoformat(look.started).strftime("%Y%m%d-%H%M%S")
    is_here = bool(run) and (git.root / FOLDER / run).is_dir()
    if not is_here or run < begun or not look.commit or pointer.get("commit") != look.commit:
        return look
    line, waiting = str(pointer.get("verdict", "")), len(branch.unpushed())
    if manifest.get("exit_code"):
        outcome = "gate failed"
    else:
        outcome = "not pushed" if waiting and git.says("remote") else "done"
    ending = f"; then {look.outcome}: {look.verdict}" if outcome != "done" else ""
    return replace(
        look,
        outcome=outcome,
        verdict=f"{line}{ending}",
        run=run,
        report=f"{FOLDER}/{run}/{PAGE}",
        gates_failed=tuple(
            str(gate["text"])
            for gate in manifest.get("gates", ())
            if gate.get("verdict") in ("fail", "error")
        ),
        accepted=str(branch.record("accepted.json").get("run", "")),
        results=branch.tip or "",
        unpushed=waiting if git.says("remote") else 0,
    )
