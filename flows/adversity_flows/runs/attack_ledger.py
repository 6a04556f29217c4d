"""Where a project keeps its ledger of attacks: `runs/ledger/`, outside DVC and git.

What the ledger holds depends on everything that ever ran here, so nothing that DVC tracks may be
made from it; only a run's own page, table and gates are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.data.ledger import Ledger
from adversity.pipeline.plan.engine_measures import WORST_CASE, WORST_SUCCESS
from adversity.report.values.paired import cell_key
from adversity_flows.runs.past_runs import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.engine.set_up.workspace import Workspace
    from adversity.pipeline.plan.model import Plan, Stage
    from adversity.report.values.model import Report

__all__ = ["keep_attack", "ledger_of", "worst_cases"]


def ledger_of(root: Path) -> Ledger:
    """Return the ledger of a project; git worktrees of one project share one.

    Args:
        root: The project's folder.
    """
    return Ledger(_main_project(root) / FOLDER / "ledger")


def keep_attack(plan: Plan, stage: Stage, workspace: Workspace) -> None:
    """Enter an attack whose artifact is finished; do nothing for other steps.

    Raises:
        StorageError: If the artifact is damaged, or the ledger cannot be written.
    """
    from adversity.engine.summary.ledger import keep

    planned = plan.steps.get(stage.step)
    if planned is not None and planned.role == "attack":
        keep(ledger_of(workspace.root), workspace.outputs / stage.out)


def worst_cases(report: Report) -> dict[str, list[float]]:
    """Return the worst case of each cell of a run: value, samples, attacks.

    Where another pipeline attacked the same victim since, a run is not what it was, though
    nothing of its own has changed.
    """
    return {
        f"{step.id}[{cell_key(cell.cell)}]": [measure.value, measure.n, measure.details["attacks"]]
        for step in report.steps
        for cell in step.cells
        for name in (WORST_CASE, WORST_SUCCESS)
        if (measure := cell.measures.get(name)) is not None
    }


def _main_project(root: Path) -> Path:
    """Return the project that a git worktree belongs to; any other folder is its own project.

    In a worktree `.git` is a file that names a folder of the main repository's, and that folder
    says where the repository is.
    """
    link = root / ".git"
    if not link.is_file():
        return root
    try:
        named = link.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        own = (root / named).resolve()
        common = (own / "commondir").read_text(encoding="utf-8").strip()
        main = (own / common).resolve().parent
    except (OSError, ValueError):  # a submodule is a project of its own
        return root
    return main if (main / ".dvc").is_dir() else root
