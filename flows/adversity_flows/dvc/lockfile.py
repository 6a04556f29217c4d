"""Writing `dvc.lock`: whole or not at all, and in the order in which `dvc repro` writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from adversity_flows.dvc.project_file import utf8_text
from adversity_flows.dvc.replace import beside, clear

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dvc.repo import Repo
    from dvc.stage import PipelineStage

__all__ = ["LockFile"]

_SHARED = re.compile(r"[:\[,-]\s*[&*]")
"""What an anchor or an alias looks like, by which one entry may need the text of another."""


class LockFile:
    """A project's `dvc.lock`, where each write makes the text of one entry and keeps all others'.

    DVC makes the text of all entries for each: 25 ms an entry, four minutes for a run of 100.
    """

    def __init__(self, repo: Repo, order: Callable[[], Sequence[str]]) -> None:
        """Keep an open repository; nothing is read yet.

        Args:
            repo: DVC's repository.
            order: Gives the names of all stages as `dvc repro` runs them; called for a new entry.
        """
        self._path = Path(repo.root_dir) / "dvc.lock"
        self._order = order

    def write(self, known: PipelineStage) -> None:
        """Write the entry of a saved stage; DVC alone writes in place, where a kill damages it.

        Raises:
            InputError: If what is there is not UTF-8.
        """
        from dvc.stage.serialize import to_lockfile
        from dvc.utils.serialize import dumps_yaml

        entry = to_lockfile(known)
        there = utf8_text(self._path) if self._path.is_file() else ""
        lines = dumps_yaml({"stages": entry})
        cut = None if _SHARED.search(there) or _SHARED.search(lines) else _Cut.of(there)
        if cut is not None:
            self._put(cut.entries, {known.name: lines.partition("\n")[2]})
            written = cut.joined()
        else:
            written = dumps_yaml(self._parsed(there, entry))
        new = beside(self._path)
        try:
            clear(new)  # what lies there is not ours; through a link we would write elsewhere
            with new.open("xb") as copy:
                copy.write(written.encode())
            new.replace(self._path)
        finally:
            clear(new)

    def _parsed(self, there: str, entry: Mapping[str, Any]) -> Any:
        """Parse what is not laid out as DVC lays it out, and add an entry."""
        from dvc.utils.serialize import parse_yaml_for_update

        content: Any = parse_yaml_for_update(there, str(self._path))
        content.setdefault("schema", "2.0")
        self._put(content.setdefault("stages", {}), entry)
        return content

    def _put(self, entries: dict[str, Any], entry: Mapping[str, Any]) -> None:
        """Replace an entry, or put a new one where `dvc repro` would."""
        is_new = not entries.keys() >= entry.keys()
        entries.update(entry)
        if is_new:
            place = {name: index for index, name in enumerate(self._order())}
            for name in sorted(entries, key=lambda name: place.get(name, len(place))):
                entries[name] = entries.pop(name)


@dataclass(frozen=True, slots=True)
class _Cut:
    """The text of a `dvc.lock`, cut where the entries of its stages begin."""

    before: str
    entries: dict[str, str]
    after: str

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Cut a text at the comments above each entry; None where it is laid out otherwise."""
        try:
            stages = _stages(text)
        except yaml.YAMLError:
            return None  # DVC's own parser says what is wrong
        if stages is None:
            return None
        marks = [*(key.start_mark for key, _ in stages.value), stages.end_mark]
        places = [_above(text, mark.index) for mark in marks]
        names = [str(key.value) for key, _ in stages.value]
        if len(set(names)) < len(names) or None in places:
            return None
        parts = [text[start:end] for start, end in pairwise([0, *places, None])]
        return cls(parts[0], dict(zip(names, parts[1:-1], strict=True)), parts[-1])

    def joined(self) -> str:
        """Return the whole text."""
        return "".join([self.before, *self.entries.values(), self.after])


def _stages(text: str) -> yaml.MappingNode | None:
    """Find the entries in a text that ends with a whole line; None if there are none yet."""
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    if not isinstance(root, yaml.MappingNode) or not text.endswith("\n"):
        return None
    found = (value for key, value in root.value if key.value == "stages")
    stages = next(found, None)
    block = isinstance(stages, yaml.MappingNode) and not stages.flow_style
    return stages if block else None


def _above(text: str, place: int) -> int | None:
    """Return where the comments above a line begin; None if the place is not a line's first."""
    start = text.rfind("\n", 0, place) + 1
    if text[start:place].strip(" "):
        return None
    while start and text[text.rfind("\n", 0, start - 1) + 1 : start].lstrip().startswith("#"):
        start = text.rfind("\n", 0, start - 1) + 1
    return start
