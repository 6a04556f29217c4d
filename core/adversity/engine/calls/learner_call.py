"""A plugin in a parameter that the outer plugin fits: on rows of its own stream."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.engine.calls.fit_watch import FitWatch
from adversity.errors import InputError
from adversity.pipeline.plan.recorded import history_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import ArrayLike

    from adversity.contracts import Block, FitData, State
    from adversity.contracts.fit_data import Watch
    from adversity.engine.calls.ready import Ready

__all__ = ["ChosenRows", "LearnerCall"]


class LearnerCall:
    """`state = learner.learn(data, rng)` and `call = learner.fitted(state)`."""

    def __init__(self, make: Callable[..., Ready]) -> None:
        """Take what sets the plugin up, with `state=` where it was fitted."""
        self._make = make

    def learn(
        self,
        data: FitData,
        rng: np.random.Generator,
        *,
        rows: ArrayLike | None = None,
        weights: ArrayLike | None = None,
    ) -> State:
        """Fit it on rows of a stream; return what it found.

        Args:
            data: The outer plugin's stream.
            rng: For what it draws.
            rows: `[n]` places in the stream, ascending; one may come twice. None: all.
            weights: `[N]` finite, 0 or more, what each row of the stream counts; None: all alike.

        Raises:
            InputError: Rows or weights are none, or the plugin does not go by weights.
        """
        ready = self._make()
        if weights is not None and not ready.plugin.takes_weights:
            raise InputError(
                f"{ready.label} does not go by weights while it is fitted: expected weights=None"
            )
        chosen = ChosenRows(data, rows, weights, ready)
        chosen.watch.bind(rng)
        state = ready.learn(chosen, rng)
        chosen.watch.require_rows()
        return state

    def fitted(self, state: State) -> Any:
        """Return the final call of the plugin with what it found."""
        return self._make(state=state).call


class ChosenRows:
    """Rows of a stream as a stream; it has the methods of `adversity.contracts.FitData`."""

    def __init__(
        self, data: FitData, rows: ArrayLike | None, weights: ArrayLike | None, ready: Ready
    ) -> None:
        """Take places and weights.

        Raises:
            InputError: They do not fit the stream, or leave nothing.
        """
        count = len(data)
        self._data = data
        self._places = np.arange(count) if rows is None else np.asarray(rows, dtype=np.int64)
        self._weights = None if weights is None else np.asarray(weights, dtype=np.float64)
        if self._weights is not None:
            if self._weights.shape != (count,) or not (self._weights >= 0).all():
                raise InputError(
                    f"{ready.label}: expected weights [{count}] of 0 and more, one for each row, got "
                    f"{list(self._weights.shape)}"
                )
            self._places = self._places[self._weights[self._places] > 0]
        ordered = bool((np.diff(self._places) >= 0).all())
        if not len(self._places) or not ordered or self._places[0] < 0 or self._places[-1] >= count:
            raise InputError(
                f"{ready.label}: expected ascending places among {count} rows, at least one, got "
                f"{len(self._places)}"
            )
        (first,) = ready.plugin.fit_sources
        self.sources: Mapping[str, FitData] = {first: self}
        self.watch = FitWatch(history_of(type(ready.plugin), self.sources), ready.label)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that targets index."""
        return self._data.class_names

    @property
    def target_names(self) -> tuple[str, ...]:
        """What the numbers of targets are."""
        return self._data.target_names

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._places)

    def __iter__(self) -> Iterator[Block]:
        """Go through the rows."""
        return self._chosen(iter(self._data))

    def epoch(self, number: int, /) -> Iterator[Block]:
        """Go through the rows as they are in an epoch."""
        return self._chosen(self._data.epoch(number))

    def _chosen(self, blocks: Iterator[Block]) -> Iterator[Block]:
        start = 0
        for block in blocks:
            stop = start + len(block.ids)
            here = self._places[slice(*np.searchsorted(self._places, (start, stop)))]
            if len(here):
                yield self._taken(block, here, start)
            start = stop

    def _taken(self, block: Block, places: np.ndarray[Any, Any], start: int) -> Block:
        """Return some rows of a block that begins at a place."""
        import torch

        index = torch.from_numpy(places - start)
        named = ("targets", "images", "references", "weights")
        parts = {name: getattr(block, name) for name in named}
        taken = {name: None if v is None else v[index.to(v.device)] for name, v in parts.items()}
        if self._weights is not None:
            taken["weights"] = torch.from_numpy(self._weights[places])
        side = {name: value[index.to(value.device)] for name, value in block.side.items()}
        ids = tuple(block.ids[i] for i in index.tolist())
        groups = None if block.groups is None else tuple(block.groups[i] for i in index.tolist())
        return replace(block, ids=ids, side=side, groups=groups, **taken)


if TYPE_CHECKING:

    def _is_fit_data(rows: ChosenRows) -> tuple[FitData, Watch]:
        """Let type checkers hold it against the contract."""
        return rows, rows.watch
