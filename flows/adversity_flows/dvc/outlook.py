"""What a run would find of each step: done, to do and why, or held up. Nothing is changed or fetched.

Unlike a run's own decision, it is read from records alone where data are not on this disk: a fresh
clone says the same as the machine that computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from adversity_flows.dvc.inputs import Ahead, stale_reasons
from adversity_flows.dvc.repository import alone, dvc_errors, open_repository
from adversity_flows.dvc.resolved import contents_of
from adversity_flows.dvc.sync import definition_changes
from adversity_flows.dvc.tracked import changed_data

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dvc.repo import Repo
    from dvc.stage import PipelineStage

    from adversity.pipeline.plan.model import Plan, Stage

__all__ = ["Outlook", "outlooks"]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a run would find of a stage.

    Attributes:
        step: The stage's step.
        state: `unchanged`, `to do`, or `waits` for somebody to say what its data are.
        reasons: Why, in words; none for what is unchanged.
        here: What it leaves is on this disk.
    """

    step: str
    state: Literal["unchanged", "to do", "waits"]
    reasons: tuple[str, ...]
    here: bool


def outlooks(root: Path, plans: Sequence[Plan]) -> list[tuple[Outlook, ...]]:
    """Return what runs of pipelines would find, the stages of each in the order they run.

    Raises:
        InputError: If there is no git or DVC repository, or a file of it cannot be read.
    """
    with dvc_errors(root, "read what was recorded"), alone():
        repo = open_repository(root)
        try:
            known = {
                stage.name: stage
                for stage in repo.index.stages
                if stage.path_in_repo == "dvc.yaml" and getattr(stage, "name", None)
            }
            return [tuple(_of_plan(repo, plan, known)) for plan in plans]
        finally:
            repo.close()


def _of_plan(repo: Repo, plan: Plan, known: Mapping[str, PipelineStage]) -> Iterator[Outlook]:
    recorded = {out.fs_path: out.hash_info for out in repo.index.outs if out.hash_info}
    ahead = Ahead(contents_of(plan), recorded)
    to_do: dict[str, str] = {}
    for stage in plan.stages:
        one = known.get(stage.name)
        before = [step for out, step in to_do.items() if out in stage.deps]
        after = [f"after {', '.join(before)}"] if before else []
        held = changed_data(repo, one) if one else ()
        reasons = _own_reasons(plan, stage, one, ahead) or after
        if reasons or held:
            to_do[stage.out] = stage.step
        state: Literal["unchanged", "to do", "waits"] = "to do" if reasons else "unchanged"
        here = (plan.root / stage.out).exists()
        yield Outlook(stage.step, "waits" if held else state, held or tuple(reasons), here)


def _own_reasons(plan: Plan, stage: Stage, one: PipelineStage | None, ahead: Ahead) -> list[str]:
    if one is None or not any(out.hash_info for out in one.outs):
        return ["never ran"]
    return [*definition_changes(plan, stage), *stale_reasons(one, ahead)]
