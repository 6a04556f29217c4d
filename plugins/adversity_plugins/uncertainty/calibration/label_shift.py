"""Calibration for other class frequencies, which unlabelled images tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import PrivateAttr

from adversity import Fitted, PostHoc, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData

__all__ = ["LabelShift"]


class LabelShift(PostHoc, Fitted):
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
    differentiable = True
    fits_on: ClassVar[Literal["images", "logits"]] = "logits"
    fit_sources: ClassVar[tuple[str, ...]] = ("train", "unlabelled")

    _temperature: float = PrivateAttr(default=1.0)
    _shifts: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the temperature and the frequencies.

        Args:
            data: Blocks with `logits` `[N, K]` and `targets` `[N]`; its source `unlabelled` has
                logits alone.
            rng: Not used; the fit has no randomness.

        Returns:
            The arrays `temperature` `[1]` and `shifts` `[K]`, log(q / p), and as information both,
            the frequencies `q` and `p` by class, the numbers of rows and `note`.

        Raises:
            DataError: There are no rows, no targets, or the logits are not finite.
        """
        from adversity_plugins.uncertainty.calibration._class_frequencies import adapted

        return adapted(data, data.sources["unlabelled"])

    def load(self, state: State) -> None:
        """Take the temperature and the shifts.

        Raises:
            DataError: They are no finite numbers.
        """
        import torch

        try:
            temperature = torch.as_tensor(state.arrays["temperature"]).double().reshape(())
            shifts = torch.as_tensor(state.arrays["shifts"]).double().reshape(-1)
        except (KeyError, RuntimeError) as error:
            raise DataError(
                f"label_shift expects a stored temperature and shifts ({error!r}); fit it again"
            ) from error
        if not (temperature > 0 and torch.isfinite(temperature) and shifts.isfinite().all()):
            raise DataError(
                "label_shift expects a stored temperature above 0 and finite shifts, got "
                f"{temperature.item()} and {shifts.tolist()}: fit it again"
            )
        self._temperature, self._shifts = temperature.item(), shifts

    def calibrate(self, logits: Tensor) -> Tensor:
        """Return softmax(logits / T + log(q / p)), computed in float64.

        Args:
            logits: `[N, K]`, finite.

        Returns:
            `[N, K]` of the same type; rows sum to 1.

        Raises:
            NotFittedError: Nothing was fitted yet.
        """
        if self._shifts is None:
            raise NotFittedError(
                "label_shift expects fitted frequencies, got none: add fit_on: to the step, or "
                "call .fit(logits, labels, sources={'unlabelled': (other_logits,)}) first"
            )
        shifted: Tensor = logits.double() / self._temperature + self._shifts.to(logits.device)
        return shifted.softmax(dim=1).to(logits.dtype)
