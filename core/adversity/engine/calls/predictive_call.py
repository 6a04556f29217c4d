"""The final call of what gets a prediction whole, and sees all of its rows at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.engine.calls.alone import each_by_itself, rows_of
from adversity.engine.calls.final_call import FinalCall
from adversity.engine.calls.ready import BREAKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from adversity.contracts import Predictive

__all__ = ["PredictiveCall", "given_by"]


class PredictiveCall(FinalCall):
    """What the calls share that get a prediction whole."""

    def rows(
        self,
        predictive: Predictive,
        ids: Sequence[str],
        run: Callable[[Predictive, Sequence[str]], Tensor],
    ) -> Tensor:
        """Return what a method gives for a prediction, and see once that its rows do not mix.

        Args:
            predictive: Of N samples.
            ids: N sample ids.
            run: From a prediction on the plugin's device, and its ids, to a checked `[N, ...]`.
        """

        def answered(index: list[int] | slice, here: Sequence[str]) -> Tensor:
            try:
                return run(rows_of(predictive, index, self.ready.device), here)
            except BREAKS as error:
                self.ready.guard(error, here)

        def again(index: list[int]) -> list[Tensor]:
            return [answered(index, [ids[i] for i in index])]

        answer = answered(slice(None), ids)
        each_by_itself(self.ready, given_by(predictive), [answer], again, ids, copies=1)
        return answer.cpu()


def given_by(predictive: Predictive) -> Tensor:
    """Return what a prediction says first, `[N, ...]`."""
    parts = (predictive.probs, predictive.logits, predictive.mean)
    return next(value for value in parts if value is not None)
