"""Calibration for other class frequencies, which unlabelled images tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity_plugins.uncertainty.calibration._class_shift import ClassShift

if TYPE_CHECKING:
    import numpy as np

    from adversity import FitData, State

__all__ = ["LabelShift"]


class LabelShift(ClassShift):
    """Weigh the classes by how frequent they are in unlabelled images, found by likelihood.

    Assumes that classes look as in `train` and only their frequencies changed. The logits are
    first divided by the temperature that fits `train`, as `temperature_scaling` finds it. With f
    these probabilities and p their mean over `train`, expectation maximisation finds the
    frequencies q whose likelihood, the mean of log sum_k q_k f_k / p_k over `unlabelled`, is the
    largest: it is concave in q. Where what is unlabelled is `train` itself, nothing is weighed.
    Answers can change.

    Reference:
        M. Saerens, P. Latinne, C. Decaestecker, Adjusting the outputs of a classifier to new a
        priori probabilities, 2002, equation 2.9; A. Alexandari, A. Kundaje, A. Shrikumar, Maximum
        likelihood with bias-corrected calibration is hard-to-beat at label shift adaptation, 2020,
        for the calibration before it and p as a mean of predictions. We differ: one temperature,
        no bias; no frequency is taken below 1e-9.
    """

    name = "label_shift"
    reference = (
        "M. Saerens, P. Latinne, C. Decaestecker, Adjusting the outputs of a classifier to new a "
        "priori probabilities, 2002"
    )

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the temperature and the frequencies.

        Args:
            data: Blocks with `logits` `[N, K]` and `targets` `[N]`; its source `unlabelled` has
                logits alone.
            rng: Not used; the fit has no randomness.

        Returns:
            The arrays `temperature` `[1]` and `shifts` `[K]`, log(q / p), and as information both,
            the frequencies `q` and `p` by class, `intervals_after` of 95 % for each q by itself,
            the numbers of rows and `note`. The intervals take rows as independent and the
            probabilities, after the temperature, as right.

        Raises:
            DataError: There are no rows, no targets, or the logits are not finite.
        """
        from adversity_plugins.uncertainty.calibration._class_frequencies import adapted

        return adapted(data, data.sources["unlabelled"])
