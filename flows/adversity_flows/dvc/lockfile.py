"""Writing `dvc.lock`: whole or not at all, and in the order in which `dvc repro` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from adversity_flows.dvc.replace import beside, clear

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dvc.repo import Repo
    from dvc.stage import PipelineStage

__all__ = ["write_lock"]


def write_lock(repo: Repo, known: PipelineStage, order: Callable[[], Sequence[str]]) -> None:
    """Write a stage's entry; DVC alone writes the file in place, where a kill damages it.

    The file is parsed and written once, whatever changes: both are slow, since they keep comments.

    Args:
        repo: DVC's repository.
        known: The stage, saved.
        order: Gives the names of all stages as `dvc repro` runs them; called for a new entry.
    """
    from dvc.stage.serialize import to_lockfile
    from dvc.utils.serialize import modify_yaml

    lock = Path(repo.root_dir) / "dvc.lock"
    new = beside(lock)
    try:
        clear(new)  # what lies there is not ours; through a link we would write elsewhere
        if lock.is_file():
            with new.open("xb") as copy:
                copy.write(lock.read_bytes())
        with modify_yaml(str(new), fs=repo.fs) as content:
            content.setdefault("schema", "2.0")
            entries = content.setdefault("stages", {})
            is_new = known.name not in entries
            entries.update(to_lockfile(known))
            if is_new:
                place = {name: index for index, name in enumerate(order())}
                for name in sorted(entries, key=lambda name: place.get(name, len(place))):
                    entries[name] = entries.pop(name)
        new.replace(lock)
    finally:
        clear(new)
