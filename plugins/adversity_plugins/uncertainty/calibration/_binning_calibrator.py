"""What calibrators share whose map of a class is constant within bins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from adversity_plugins.uncertainty.calibration._one_vs_rest import OneVsRest

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

__all__ = ["BinningCalibrator"]


class BinningCalibrator(OneVsRest):
    """The map of each class is a table: inner edges of bins (low, high], and a value for each."""

    arrays: ClassVar[tuple[str, ...]] = ("edges", "values")

    def _pack(self, name: str, rows: list[np.ndarray[Any, np.dtype[np.float64]]]) -> Tensor:
        from adversity_plugins.uncertainty.calibration._class_tables import packed

        return packed(rows, math.inf if name == "edges" else None)

    def _mapped(self, probs: Tensor) -> Tensor:
        from adversity_plugins.uncertainty.calibration._class_tables import step_values

        edges, values = (self._tables[name].to(probs.device) for name in self.arrays)
        return step_values(probs, edges, values)
