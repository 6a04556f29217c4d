"""Tensors in memory as a stream for fitting, for `.fit(...)` from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Block, Fitted, State
from adversity.engine.blocks import spans
from adversity.engine.calls import BREAKS, setting_up
from adversity.engine.wanted import label_rows
from adversity.errors import DataError, InputError
from adversity.seeding import fit_generator, preserve_global_rng

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import ArrayLike
    from torch import Tensor

    from adversity.engine.calls import Ready

__all__ = ["TensorRows", "fitted_state"]

ROWS = 64
"""Rows of a block, as when fitting in a pipeline."""


class TensorRows:
    """Tensors in memory as a stream for fitting."""

    def __init__(
        self,
        labels: ArrayLike | Tensor,
        class_names: tuple[str, ...],
        *,
        images: Tensor | None = None,
        logits: Tensor | None = None,
    ) -> None:
        """Take labels `[N]`, whole numbers, and either images or logits, row by row."""
        rows = images if images is not None else logits
        if rows is None:
            raise DataError("expected images or logits to fit on, got neither")
        self.class_names = class_names
        self._labels = label_rows(labels, len(rows), len(class_names))
        self._images, self._logits = images, logits

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._labels)

    def __iter__(self) -> Iterator[Block]:
        """Go through the rows in blocks."""
        for span in spans(len(self), ROWS):
            cut = slice(span.start, span.stop)
            yield Block(
                tuple(map(str, span)),
                targets=self._labels[cut],
                images=None if self._images is None else self._images[cut],
                logits=None if self._logits is None else self._logits[cut],
            )


def fitted_state(ready: Ready, data: TensorRows, seed: int) -> State:
    """Set a plugin up and fit it on tensors; return what it found.

    Raises:
        PluginError: If it cannot be set up or fitted.
    """
    plugin = ready.plugin
    if not isinstance(plugin, Fitted):
        raise InputError(f"{ready.label} has nothing to fit")
    generator: np.random.Generator = fit_generator(seed, "fit", getattr(plugin, "seed", 0))
    with setting_up(ready):
        plugin.setup(ready.device)  # type: ignore[attr-defined]
    try:
        with preserve_global_rng():
            return plugin.fit(data, generator)
    except BREAKS as error:
        ready.guard(error)
