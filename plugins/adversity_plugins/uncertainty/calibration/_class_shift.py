"""What calibrators share that weigh classes by how frequent they are elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import PrivateAttr

from adversity import Fitted, PostHoc, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ClassShift"]


class ClassShift(PostHoc, Fitted):
    """A temperature, and what each class counts more than where it was fitted."""

    differentiable = True
    fits_on: ClassVar[Literal["images", "logits"]] = "logits"
    fit_sources: ClassVar[tuple[str, ...]] = ("train", "unlabelled")

    _temperature: float = PrivateAttr(default=1.0)
    _shifts: Any = PrivateAttr(default=None)

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
                f"{self.name} expects a stored temperature and shifts ({error!r}); fit it again"
            ) from error
        if not (temperature > 0 and torch.isfinite(temperature) and shifts.isfinite().all()):
            raise DataError(
                f"{self.name} expects a stored temperature above 0 and finite shifts, got "
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
                f"{self.name} expects fitted frequencies, got none: add fit_on: to the step, or "
                "call .fit(logits, labels, sources={'unlabelled': (other_logits,)}) first"
            )
        shifted: Tensor = logits.double() / self._temperature + self._shifts.to(logits.device)
        return shifted.softmax(dim=1).to(logits.dtype)
