"""Calibration with two numbers for each class: its logit is scaled and shifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from adversity_plugins.uncertainty.calibration._affine_calibrator import AffineCalibrator, prepared

if TYPE_CHECKING:
    from adversity_plugins.uncertainty.calibration._held_out_calibrator import Learnt
    from adversity_plugins.uncertainty.calibration._held_rows import HeldRows

__all__ = ["VectorScaling"]


class VectorScaling(AffineCalibrator):
    """Scale and shift each class's logit, by what makes held-out labels likeliest.

    softmax(w * z + b), with w and b `[K]`; the loss is convex, and its smallest value is found. The
    mean of b, which changes nothing, is 0. Answers can change; `State.info` says how many do. A
    class without a held-out row keeps its probability, and the others share the rest. With fewer
    than 100 rows, or where the loss of these rows would rise, nothing is changed, and the note says
    so.

    Reference:
        C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, On calibration of modern neural networks,
        2017, section 4.2: W limited to a diagonal.
    """

    name = "vector_scaling"
    reference = (
        "C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "
        "On calibration of modern neural networks, 2017, section 4.2"
    )

    rounds: int = Field(1000, ge=1, description="Of the search (L-BFGS), at most.")

    def _learn(self, rows: HeldRows) -> Learnt:
        from adversity_plugins.uncertainty.calibration._affine_fit import VectorLoss, likeliest

        features, truth, start = prepared(rows)
        loss = VectorLoss(features, truth, rows.weights.numpy(), start)
        return self._learnt(rows, likeliest(loss, self.rounds), loss.size)
