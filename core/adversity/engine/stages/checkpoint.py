"""What is kept of a fit while it goes on, so that a killed one goes on where it was.

It lies in the store under the key of the fit, so another fit never sees it; it is written whole or
not at all, and read only if its content is what was written.
"""

from __future__ import annotations

import logging
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

from adversity.contracts import State
from adversity.data.arrays import read_arrays, write_arrays
from adversity.errors import StorageError

if TYPE_CHECKING:
    from adversity.data.store import Store
    from adversity.engine.calls.fit_watch import Kept

__all__ = ["Checkpoint"]

_FILE = "checkpoint.safetensors"
_MADE_WITH = ("torch", "numpy")
_LOG = logging.getLogger(__name__)


class Checkpoint:
    """The one checkpoint of a fit."""

    def __init__(self, store: Store, key: str, *, seconds: float, name: str) -> None:
        """Take where it lies.

        Args:
            store: Of the project.
            key: Of the fit.
            seconds: It is written at most every so often.
            name: What notes call the fit.
        """
        self._store, self._key, self._seconds, self._name = store, key, seconds, name
        self._last = time.monotonic()

    def due(self) -> bool:
        """Say whether the last one is old enough."""
        return time.monotonic() - self._last >= self._seconds

    def keep(self, kept: Kept) -> None:
        """Write it in the place of the last one."""
        state, rows, drawn = kept
        info = {"info": dict(state.info), "rows": rows, "drawn": drawn, "made_with": _made_with()}
        self._store.put(self._key, _FILE, lambda path: write_arrays(path, dict(state.arrays), info))
        self._last = time.monotonic()

    def kept(self) -> Kept | None:
        """Read it; None where there is none, it is damaged, or other versions made it."""
        if not self._store.has(self._key, _FILE):
            return None
        try:
            arrays, info = self._store.read(self._key, _FILE, read_arrays)
            made_with = info["made_with"]
            kept = State(arrays, info["info"]), list(info["rows"]), info["drawn"]
        except (StorageError, KeyError, TypeError):
            _LOG.warning("%s begins anew: its checkpoint is damaged", self._name)
            return None
        if made_with == _made_with():
            return kept
        other = ", ".join(f"{name} {number}" for name, number in made_with.items())
        _LOG.warning("%s begins anew: its checkpoint was made with %s", self._name, other)
        return None

    def drop(self) -> None:
        """Remove it: the fit is done."""
        self._store.remove(self._key, _FILE)


def _made_with() -> dict[str, str]:
    return {name: version(name) for name in _MADE_WITH}
