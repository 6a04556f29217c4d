"""What a fit goes through, what it says of itself, and how it goes on after it was killed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from adversity.contracts.values import Block, State

__all__ = ["FitData", "Watch"]


class FitData(Protocol):
    """A stream of blocks that can be gone through more than once, always in one order."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that targets index."""
        ...

    @property
    def target_names(self) -> tuple[str, ...]:
        """What the numbers of targets are, in all sources; none where targets are classes."""
        ...

    @property
    def sources(self) -> Mapping[str, FitData]:
        """Every source by name, this one first; a classifier's targets index one list in all."""
        ...

    @property
    def watch(self) -> Watch:
        """Where a fit records its history and keeps what it has so far."""
        ...

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def __iter__(self) -> Iterator[Block]:
        """Go through the blocks from the start."""
        ...

    def epoch(self, number: int, /) -> Iterator[Block]:
        """Go through the same samples in the same order, with what is random in them drawn anew.

        A degradation on the way draws other numbers in each epoch, keyed by seed, epoch and sample,
        so that a fit that goes on after a kill finds the same. What nothing is drawn for is the
        same in all epochs.

        Args:
            number: 1, 2, ...; 0 is what `iter` goes through and what judges see.
        """
        ...


class Watch(Protocol):
    """What is given to a fit to tell its history and to keep what it has so far."""

    def row(self, epoch: int, /, **numbers: float) -> None:
        """Record an epoch.

        Args:
            epoch: 1, 2, ...; larger each time.
            **numbers: All that the class declares in `history`, finite; those that begin with
                `validation_` if there is a source `validate`, and only then.

        Raises:
            PluginError: If it is another row than that.
        """
        ...

    def save(self, state: Callable[[], State]) -> None:
        """Keep what a fit needs to go on from here, if the last time was long enough ago.

        The rows so far and the generator that `fit` was given are kept with it.

        Args:
            state: Returns it; called only if it is kept.
        """
        ...

    def resume(self) -> State | None:
        """Return what was kept of this same fit, or None; then the generator is as it was there.

        Call it once, before the first row. What is kept of another fit, of other versions of a
        library, or damaged, is not returned.

        Raises:
            PluginError: If a row was recorded already.
        """
        ...
