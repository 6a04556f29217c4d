"""Dirichlet calibration: an affine map of log-probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.uncertainty.calibration._affine_calibrator import MatrixCalibrator

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Dirichlet"]


class Dirichlet(MatrixCalibrator):
    """Map the log-probabilities by a matrix and a shift, penalised off its diagonal (ODIR).

    softmax(W log p + b): right where the probabilities of each class are Dirichlet distributed. It
    is `matrix_scaling` on log p in place of the logits, so that what is added to all logits of a row
    changes nothing. The loss is convex. A class without a held-out row keeps its probability, and
    the others share the rest. With fewer than 100 rows, or where the loss of these rows would rise,
    nothing is changed, and the note says so.

    Reference:
        M. Kull and others, Beyond temperature scaling: obtaining well-calibrated multiclass
        probabilities with Dirichlet calibration, 2019, equations 1 (linear form) and 11 (ODIR). We
        differ: the penalties are set, not chosen by cross-validation.
    """

    name = "dirichlet"
    reference = (
        "M. Kull, M. Perello-Nieto, M. Kaengsepp, T. Silva Filho, H. Song, P. Flach, Beyond "
        "temperature scaling: obtaining well-calibrated multiclass probabilities with Dirichlet "
        "calibration, 2019"
    )

    def _features(self, logits: Tensor) -> Tensor:
        return logits.log_softmax(1)
