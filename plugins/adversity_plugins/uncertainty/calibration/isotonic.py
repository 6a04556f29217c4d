"""Calibration by the best rising function."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity_plugins.uncertainty.calibration._one_vs_rest import OneVsRest

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    Floats = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Isotonic"]


class Isotonic(OneVsRest):
    """Map each class's probability by the best function that never falls, one class against the rest.

    The function has the smallest squared error on held-out data among all that never fall; it is
    found by pooling adjacent violators, equal probabilities first, and between held-out
    probabilities it is a line. What all classes get is divided by its sum. A share of 0 would say
    never of what was not seen among n rows: shares are kept within `floor` and 1 - `floor`. Answers
    can change. A class without a held-out row keeps its probability, and the others share the rest.
    With fewer than 100 rows, or where the loss of these rows would rise, nothing is changed, and the
    note says so.

    Reference:
        B. Zadrozny, C. Elkan, Transforming classifier scores into accurate multiclass probability
        estimates, 2002. We differ: lines between steps, as scikit-learn has them, and `floor`,
        which 0 turns off.
    """

    name = "isotonic"
    reference = (
        "B. Zadrozny, C. Elkan, Transforming classifier scores into accurate multiclass probability "
        "estimates, 2002"
    )
    arrays: ClassVar[tuple[str, ...]] = ("knots", "values")

    floor: float | None = Field(
        None,
        ge=0,
        lt=0.5,
        description="The smallest share a class gets; 1 - floor is the largest. None is 1 / (n + 2) "
        "with n the weight of the held-out rows; 0 is none.",
    )

    def _learn_class(
        self, probs: Floats, true: Floats, weights: Floats
    ) -> tuple[dict[str, Floats], dict[str, float]]:
        import numpy as np
        from scipy.optimize import isotonic_regression

        floor = 1 / (weights.sum() + 2) if self.floor is None else self.floor
        knots, first = np.unique(probs, return_index=True)
        mass = np.add.reduceat(weights, first)
        means = np.add.reduceat(weights * true, first) / mass
        values = np.clip(isotonic_regression(means, weights=mass).x, floor, 1 - floor)
        bends = np.ones(len(knots), dtype=bool)  # what lies within a flat piece says nothing
        bends[1:-1] = (values[1:-1] != values[:-2]) | (values[1:-1] != values[2:])
        steps = len(np.unique(values))
        return {"knots": knots[bends], "values": values[bends]}, {"steps": steps}

    def _pack(self, name: str, rows: list[Floats]) -> Tensor:
        from adversity_plugins.uncertainty.calibration._class_tables import packed

        return packed(rows, math.inf if name == "knots" else None)

    def _mapped(self, probs: Tensor) -> Tensor:
        from adversity_plugins.uncertainty.calibration._class_tables import line_values

        knots, values = (self._tables[name].to(probs.device) for name in self.arrays)
        return line_values(probs, knots, values)
