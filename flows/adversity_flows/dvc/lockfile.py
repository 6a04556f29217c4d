"""Writing `dvc.lock`: whole or not at all, and in the order in which `dvc repro` writes it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from adversity_flows.dvc.replace import beside, clear

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import PipelineStage

__all__ = ["write_lock"]


def write_lock(repo: Repo, known: PipelineStage) -> None:
    """Write a stage's entry; DVC alone writes the file in place, where a kill damages it."""
    from dvc.dvcfile import Lockfile

    lock = Path(repo.root_dir) / "dvc.lock"
    new = beside(lock)
    try:
        had = None
        clear(new)  # what lies there is not ours; through a link we would write elsewhere
        if lock.is_file():
            with new.open("xb") as copy:
                copy.write(lock.read_bytes())
            had = Lockfile(repo, str(new)).load().get("stages", {})
        Lockfile(repo, str(new)).dump(known)
        if had is None or known.name not in had:
            _reorder(repo, new)
        new.replace(lock)
    finally:
        clear(new)


def _reorder(repo: Repo, lock: Path) -> None:
    """Put the entries where `dvc repro` would: it runs the graph in an order of its own."""
    from dvc.utils.serialize import modify_yaml

    place = {name: index for index, name in enumerate(_repro_order(repo))}
    with modify_yaml(str(lock), fs=repo.fs) as content:
        stages = content["stages"]
        for name in sorted(stages, key=lambda name: place.get(name, len(place))):
            stages[name] = stages.pop(name)


def _repro_order(repo: Repo) -> list[str]:
    from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro

    with warnings.catch_warnings():
        # DVC's graph goes through a call that its trie library has deprecated.
        warnings.filterwarnings("ignore", "_NoneStep.value", DeprecationWarning)
        stages = collect_stages(repo, [str(Path(repo.root_dir) / "dvc.yaml")])
        steps = plan_repro(get_active_graph(repo.index.graph), stages)
    return [step.name for step in steps if getattr(step, "name", None)]
