"""Calibration for other class frequencies, found from how classes are taken for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from adversity_plugins.uncertainty.calibration._class_shift import ClassShift

if TYPE_CHECKING:
    import numpy as np

    from adversity import FitData, State

__all__ = ["BBSE"]


class BBSE(ClassShift):
    """Weigh the classes by how frequent they are in unlabelled images, by the confusion matrix.

    Black box shift estimation: assumes that classes look as in `train` and only their frequencies
    changed. How often each answer is given in `unlabelled` is how often it is given to each class
    in `train`, times the frequencies q: so many equations, which are solved. Each class has an
    interval. Answers need not be calibrated for q to be right; `label_shift` needs that, and is
    the sharper one then. The logits are divided by the temperature that fits `train`, and the
    classes weighed by q / p, p their frequencies there. Answers can change.

    Reference:
        Z. C. Lipton, Y.-X. Wang, A. J. Smola, Detecting and correcting for label shift with black
        box predictors, 2018, equation 4. We differ: the classes' own columns in place of joint
        frequencies, which gives the same q; a covariance by the delta method; what lies below 0 is
        taken as 1e-9, and a note says so; a matrix that may have no inverse is refused.
    """

    name = "bbse"
    reference = (
        "Z. C. Lipton, Y.-X. Wang, A. J. Smola, Detecting and correcting for label shift with black "
        "box predictors, 2018"
    )

    soft: bool = Field(
        default=False,
        description="Count probabilities instead of answers: intervals are often narrower.",
    )

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the temperature and the frequencies.

        Args:
            data: Blocks with `logits` `[N, K]` and `targets` `[N]`; its source `unlabelled` has
                logits alone.
            rng: Not used; the fit has no randomness.

        Returns:
            The arrays `temperature` `[1]`, `shifts` `[K]`, log(q / p), `frequencies` `[K]`, q as it
            came out, and `covariance` `[K, K]` of these; as information the temperature, p and q
            by class, `intervals_after` of 95 % for each class by itself, the numbers of rows and
            `note`. Rows count as independent.

        Raises:
            DataError: There are no rows, no targets, or the logits are not finite; a class has
                fewer than two held-out rows, or the confusion matrix may have no inverse.
        """
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        from adversity_plugins.uncertainty.calibration._confusion_frequencies import shifted

        with threadpool_limits(limits=1):  # a library's sums depend on its number of threads
            return shifted(data, data.sources["unlabelled"], soft=self.soft)
