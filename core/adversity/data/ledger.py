"""The ledger of attacks: what each did to each sample, kept for as long as the folder is.

A file holds what one attack did to one victim on one version of the data. Its place is made of
the hashes of all three, its name ends with the hash of its rows: the same result is never
there twice, and a file that was damaged does not fit its name any more. Not here: what those
hashes are taken of, and what is counted; the engine does both.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts.table import PART_ROWS
from adversity.data.atomic import is_partial
from adversity.data.stored import StoredTable
from adversity.data.tables import write_parts
from adversity.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Entry", "Ledger"]

Array = np.ndarray[Any, Any]

_NAME = re.compile(r"(?P<attack>[0-9a-f]{16})-(?P<rows>[0-9a-f]{32})\.parquet")
_KEYS = ("victim", "data", "attack")
_SHORT = 16
"""Digits of a hash in a name; the file itself holds the whole hash."""
_SHOWN = ("plugin", "parameters", "seed", "knowledge", "norm")
"""Facts with a column of their own, for those who read the files with other tools."""
_CONSTANT = frozenset({*_KEYS, "facts", "names", *(f"attack_{name}" for name in _SHOWN)})
"""Columns that say the same in every row."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one attack did.

    Attributes:
        victim: SHA-256 of everything that the attacked answer depends on.
        data: SHA-256 of everything that the attacked images and their labels depend on.
        attack: SHA-256 of everything else that the result depends on.
        facts: What the attack is, as JSON values: `plugin`, `parameters`, `seed`, `knowledge`,
            `norm`, `eps`, `bounds`, `limit`, `space`, ...
        rows: Columns of equal length: `sample` first; `start_correct`, `wrong`, `distance`, ...; where
            facts have an `objective`, `attackable` too, and `wrong` is the decision.
        names: Names for people, of where the entry was first made; the same result under other
            names is the same entry.
    """

    victim: str
    data: str
    attack: str
    facts: Mapping[str, Any]
    rows: Mapping[str, Array]
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> str:
        """SHA-256 of keys, facts and rows."""
        digest = hashlib.sha256()
        head = [self.victim, self.data, self.attack, self.facts]
        digest.update(json.dumps(head, sort_keys=True, separators=(",", ":")).encode())
        for name in sorted(self.rows):
            values = np.asarray(self.rows[name])
            texts = values.dtype == object
            body = json.dumps(values.tolist()).encode() if texts else values.tobytes()
            digest.update(f"\0{name}\0{values.dtype}\0{values.shape}\0{len(body)}\0".encode())
            digest.update(body)
        return digest.hexdigest()

    @property
    def name(self) -> str:
        """What its file is called: the first digits of the hashes of the attack and of the content."""
        return f"{self.attack[:_SHORT]}-{self.content[: 2 * _SHORT]}"


class Ledger:
    """A folder of entries; safe for many threads and processes, since a file is never changed."""

    def __init__(self, root: Path) -> None:
        """Use this folder; it is made with the first entry.

        Args:
            root: Normally `runs/ledger` in a project.
        """
        self.root = root

    def add(self, entry: Entry) -> bool:
        """Keep an entry; return whether it is new.

        Raises:
            StorageError: If the disk is full or not writable.
        """
        path = self.path(entry.victim, entry.data, entry.name)
        if path.is_file():
            return False
        write_parts(path, _parts(entry))
        return True

    def path(self, victim: str, data: str, name: str) -> Path:
        """Return where an entry lies, by the name of its file."""
        return self._page(victim, data) / f"{name}.parquet"

    def entry(self, victim: str, data: str, name: str) -> Entry | None:
        """Return one entry by the name of its file; None if it is not there.

        Raises:
            StorageError: If the file is damaged.
        """
        path = self.path(victim, data, name)
        return _read(path) if path.is_file() else None

    def page(self, victim: str, data: str) -> tuple[Entry, ...]:
        """Return what every attack did to a victim on one version of the data.

        Raises:
            StorageError: If a file is damaged.
        """
        entries = _entries(self._page(victim, data))
        return tuple(entry for entry in entries if (entry.victim, entry.data) == (victim, data))

    def pages(self) -> Iterator[tuple[Entry, ...]]:
        """Go through all pages: the entries of one victim and one version of the data each.

        Raises:
            StorageError: If a file is damaged.
        """
        for folder in sorted(self.root.glob("*/*")):
            pages: dict[tuple[str, str], list[Entry]] = {}
            for entry in _entries(folder):
                pages.setdefault((entry.victim, entry.data), []).append(entry)
            yield from (tuple(entries) for entries in pages.values())

    def _page(self, victim: str, data: str) -> Path:
        return self.root / victim[:_SHORT] / data[:_SHORT]


def _parts(entry: Entry) -> Iterator[dict[str, Any]]:
    """Yield the rows with what is the same in all of them, so many at a time; at least one part."""
    shown = {name: entry.facts.get(name) for name in _SHOWN}
    constant: dict[str, Any] = {
        **{name: getattr(entry, name) for name in _KEYS},
        **{f"attack_{name}": value for name, value in shown.items()},
        "facts": dict(entry.facts),
        "names": dict(entry.names),
    }
    texts = {name: _text(value) for name, value in constant.items()}
    for start in range(0, max(len(entry.rows["sample"]), 1), PART_ROWS):
        rows = {name: values[start : start + PART_ROWS] for name, values in entry.rows.items()}
        yield {**rows, **{name: [text] * len(rows["sample"]) for name, text in texts.items()}}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _entries(folder: Path) -> tuple[Entry, ...]:
    files = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
    return tuple(_read(path) for path in files if not is_partial(path))


def _read(path: Path) -> Entry:
    """Read a file and check that it still holds what its name says.

    Raises:
        StorageError: If it does not.
    """
    name = _NAME.fullmatch(path.name)
    if name is None:
        raise _damaged(path, "its name is none that the ledger gives")
    try:
        rows = StoredTable(path).rows
        once = rows.at(np.array([0]), [name for name in rows if name in _CONSTANT])
        columns = {name: once[name] if name in once else rows[name] for name in rows}
    except StorageError as error:
        raise _damaged(path, "it cannot be read") from error
    try:
        entry = _entry(columns)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise _damaged(path, "columns are missing, or hold something else") from error
    if (entry.attack[:_SHORT], entry.content[: 2 * _SHORT]) != name.groups():
        raise _damaged(path, "its rows are not those that it was written with")
    return entry


def _entry(columns: dict[str, Array]) -> Entry:
    facts, names = json.loads(columns["facts"][0]), json.loads(columns["names"][0])
    keys = {name: str(columns[name][0]) for name in _KEYS}
    rows = {name: values for name, values in columns.items() if name not in _CONSTANT}
    return Entry(**keys, facts=facts, rows=rows, names=names)


def _damaged(path: Path, why: str) -> StorageError:
    return StorageError(
        f"the ledger of attacks: {path} is damaged: {why}. Without it the worst case over all "
        "attacks would look better than it was, so it is not passed over. Put it back from a "
        "copy, or delete it; what it held is written again when its attack is run again"
    )
