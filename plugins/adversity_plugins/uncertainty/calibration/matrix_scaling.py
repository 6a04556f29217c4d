"""Calibration with an affine map of the logits."""

from __future__ import annotations

from adversity_plugins.uncertainty.calibration._affine_calibrator import MatrixCalibrator

__all__ = ["MatrixScaling"]


class MatrixScaling(MatrixCalibrator):
    """Map the logits by a matrix and a shift, penalised off its diagonal (ODIR).

    softmax(W z + b), with W `[K, K]` and b `[K]`; the loss is convex. `off_diagonal: 0` and
    `intercept: 0` give the method as it was published first, which over-fits where K^2 + K is not
    far below the number of held-out rows; the note says where it is above. A class without a held-out
    row keeps its probability, and the others share the rest. With fewer than 100 rows, or where
    the loss of these rows would rise, nothing is changed, and the note says so.

    Reference:
        C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, On calibration of modern neural networks,
        2017, section 4.2; M. Kull and others, Beyond temperature scaling, 2019, section 4, for the
        penalties.
    """

    name = "matrix_scaling"
    reference = (
        "C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, On calibration of modern neural networks, "
        "2017, section 4.2; M. Kull, M. Perello-Nieto, M. Kaengsepp, T. Silva Filho, H. Song, "
        "P. Flach, Beyond temperature scaling, 2019, for the penalties (ODIR)"
    )
