"""The watch of a fit: its history, checked row by row, and what is kept of it to go on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from adversity.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.contracts import MeasureInfo, State

__all__ = ["FitWatch", "Keeper", "Kept", "Listener"]

Row = dict[str, float]
Kept = tuple["State", list[Row], Any]
"""What a fit needs to go on: its state, the rows so far, and the state of its generator."""
Listener = Callable[[Row, bool], None]
"""Gets a row, and whether an earlier run recorded it."""


class Keeper(Protocol):
    """Where a fit keeps what it needs to go on."""

    def due(self) -> bool:
        """Say whether it is time to keep something."""
        ...

    def keep(self, kept: Kept) -> None:
        """Keep it in the place of what was kept."""
        ...

    def kept(self) -> Kept | None:
        """Return what was kept last, if it is whole and can be used here."""
        ...


class FitWatch:
    """What a plugin tells of its fit; it has the methods of `adversity.contracts.fit_data.Watch`.

    Attributes:
        rows: The history so far: `epoch`, and what the class declares.
    """

    def __init__(
        self,
        declared: Mapping[str, MeasureInfo],
        label: str,
        keeper: Keeper | None = None,
        listener: Listener | None = None,
    ) -> None:
        """Take what each row must hold.

        Args:
            declared: What is known of each number, by name.
            label: What messages call the plugin.
            keeper: Where the fit is kept; nowhere if None.
            listener: Told of each new row, and of the last one where a fit goes on.
        """
        self.rows: list[Row] = []
        self._declared, self._label, self._keeper = dict(declared), label, keeper
        self._listener = listener
        self._generator: np.random.Generator | None = None

    def bind(self, generator: np.random.Generator) -> None:
        """Take the generator of the fit, which is kept with it."""
        self._generator = generator

    def row(self, epoch: int, /, **numbers: float) -> None:
        """Record an epoch."""
        fault = self._fault(epoch, numbers)
        if fault is not None:
            raise PluginError(f"{self._label}: the history of its fit: {fault}")
        self.rows.append({"epoch": epoch} | {name: float(numbers[name]) for name in self._declared})
        self._tell(resumed=False)

    def require_rows(self) -> None:
        """Refuse a fit that is over and recorded nothing of what its class declares.

        Raises:
            PluginError: With what it declares.
        """
        if self._declared and not self.rows:
            raise PluginError(
                f"{self._label}: the history of its fit: expected a row an epoch with "
                f"{', '.join(self._declared)}, got none; call `data.watch.row(epoch, ...)`, or "
                "declare no `history`"
            )

    def _fault(self, epoch: object, numbers: Mapping[str, float]) -> str | None:
        last = int(self.rows[-1]["epoch"]) if self.rows else 0
        if not isinstance(epoch, int) or epoch <= last:
            return f"expected an epoch after {last}, got {epoch!r}"
        if numbers.keys() != self._declared.keys():
            return (
                f"epoch {epoch}: expected {', '.join(self._declared) or 'no number'}, got "
                f"{', '.join(numbers) or 'none'}; declare them on the class, `history = {{...}}`, "
                "and record those of `validation_` with a source `validate` alone"
            )
        for name, value in numbers.items():
            info = self._declared[name]
            if not math.isfinite(value) or not info.admits(value):
                return (
                    f"epoch {epoch}: {name} must lie in [{info.low:g}, {info.high:g}], got {value}"
                )
        return None

    def save(self, state: Callable[[], State]) -> None:
        """Keep what the fit needs to go on, if it is time."""
        if self._keeper is not None and self._keeper.due():
            self._keeper.keep((state(), list(self.rows), self._drawn()))

    def resume(self) -> State | None:
        """Return what was kept of this fit, with rows and generator as they were; or None.

        Raises:
            PluginError: If the fit has gone on already.
        """
        if self.rows:
            raise PluginError(
                f"{self._label}: expected `data.watch.resume()` before the first row of the "
                f"history, got it after {len(self.rows)}"
            )
        kept = None if self._keeper is None else self._keeper.kept()
        if kept is None:
            return None
        state, rows, drawn = kept
        self.rows[:] = rows
        self._tell(resumed=True)
        if self._generator is not None:
            bits = self._generator.bit_generator
            bits.state = _like(bits.state, drawn)
        return state

    def _tell(self, *, resumed: bool) -> None:
        if self._listener is not None and self.rows:
            self._listener(self.rows[-1], resumed)

    def _drawn(self) -> Any:
        return None if self._generator is None else _plain(self._generator.bit_generator.state)


def _plain(value: Any) -> Any:
    """Return a generator's state as JSON values."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _like(pattern: Any, value: Any) -> Any:
    """Return JSON values as a generator's state, with arrays where the pattern has them."""
    if isinstance(pattern, dict):
        return {key: _like(item, value[key]) for key, item in pattern.items()}
    return np.array(value, pattern.dtype) if isinstance(pattern, np.ndarray) else value
