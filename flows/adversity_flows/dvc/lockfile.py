"""Writing `dvc.lock`: whole or not at all, and in the order in which `dvc repro` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity_flows.dvc.project_file import utf8_text
from adversity_flows.dvc.replace import beside, clear

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dvc.repo import Repo
    from dvc.stage import PipelineStage

__all__ = ["LockFile"]


class LockFile:
    """A project's `dvc.lock`, parsed again only where its bytes are not those written last.

    Parsing and writing are slow, since they keep comments: with 8 stages both took a seventh of a
    run, and more with each further stage.
    """

    def __init__(self, repo: Repo, order: Callable[[], Sequence[str]]) -> None:
        """Keep an open repository; nothing is read yet.

        Args:
            repo: DVC's repository.
            order: Gives the names of all stages as `dvc repro` runs them; called for a new entry.
        """
        self._path = Path(repo.root_dir) / "dvc.lock"
        self._order = order
        self._written = ""
        self._content: Any = None

    def write(self, known: PipelineStage) -> None:
        """Write the entry of a saved stage; DVC alone writes in place, where a kill damages it.

        Raises:
            InputError: If what is there is not UTF-8.
        """
        from dvc.stage.serialize import to_lockfile
        from dvc.utils.serialize import dumps_yaml

        content = self._read()
        self._content = None  # until it is on the disk, too
        content.setdefault("schema", "2.0")
        entries = content.setdefault("stages", {})
        is_new = known.name not in entries
        entries.update(to_lockfile(known))
        if is_new:
            place = {name: index for index, name in enumerate(self._order())}
            for name in sorted(entries, key=lambda name: place.get(name, len(place))):
                entries[name] = entries.pop(name)
        written = dumps_yaml(content)
        new = beside(self._path)
        try:
            clear(new)  # what lies there is not ours; through a link we would write elsewhere
            with new.open("xb") as copy:
                copy.write(written.encode())
            new.replace(self._path)
        finally:
            clear(new)
        self._content, self._written = content, written

    def _read(self) -> Any:
        from dvc.utils.serialize import parse_yaml_for_update

        there = utf8_text(self._path) if self._path.is_file() else ""
        if self._content is None or there != self._written:
            return parse_yaml_for_update(there, str(self._path))
        return self._content
