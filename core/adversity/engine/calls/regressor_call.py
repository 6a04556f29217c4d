"""The final call of a regressor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Predictive
from adversity.engine.calls.final_call import FinalCall, named, positions
from adversity.shapes import rows_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["RegressorCall", "predictive_fault"]


class RegressorCall(FinalCall):
    """`predictive = regressor(images)`, mean and perhaps variance `[N, D]` float64."""

    @property
    def target_names(self) -> tuple[str, ...]:
        """What the D numbers are."""
        names: tuple[str, ...] = tuple(self.ready.plugin.target_names)
        return names

    def __call__(self, images: Tensor, ids: Sequence[str] | None = None) -> Predictive:
        """Return a `Predictive` with `mean`, and `variance` where the regressor gives one.

        Raises:
            InputError: If the images have channels that it does not claim.
            PluginError: If the answer breaks the contract.
        """
        self.require_channels(images)
        names, width = ids or positions(len(images)), len(self.target_names)
        given: set[bool] = set()

        def run(index: list[int]) -> list[Tensor]:
            here = named(names, index)
            answer: object = self.ask("predict", here, images[index])
            fault = predictive_fault(answer, rows=len(index), width=width)
            if fault is not None or not isinstance(answer, Predictive) or answer.mean is None:
                self.ready.broke(str(fault), here)
            given.add(answer.variance is not None)
            if len(given) > 1:
                self.ready.broke(
                    "expected a variance for all images or for none, got one for some", here
                )
            both = (answer.mean, answer.variance)
            return [value.double() for value in both if value is not None]

        mean, *more = self.blocks(images, names, run, names=("mean", "variance"))
        return Predictive(mean=mean, variance=more[0] if more else None)


def predictive_fault(answer: object, *, rows: int, width: int) -> str | None:
    """Say what is wrong with the answer of a regressor, or None.

    Args:
        answer: Expected a `Predictive` with finite `mean` and perhaps `variance`, above 0.
        rows: Expected N.
        width: Expected D.
    """
    if not isinstance(answer, Predictive):
        return f"expected a Predictive with a mean, got {type(answer).__name__}"
    for name, values in (("mean", answer.mean), ("variance", answer.variance)):
        if values is None and name == "variance":
            continue
        fault = rows_fault(values, rows=rows, columns=width)
        if fault is not None:
            return f"{name}: {fault}"
    if answer.variance is not None and not bool((answer.variance > 0).all()):
        return (
            f"variance: expected values above 0, got {float(answer.variance.min()):.6g}; a target "
            "is never known without any noise"
        )
    return None
