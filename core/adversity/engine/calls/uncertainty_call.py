"""The final calls of uncertainty methods: of calibrators, scores, and what combines members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Combine, PostHoc, Predictive, Score
from adversity.engine.calls.alone import each_by_itself, rows_of
from adversity.engine.calls.blocks import in_blocks
from adversity.engine.calls.final_call import FinalCall, named, positions
from adversity.engine.calls.log_probs import log_probs
from adversity.engine.calls.ready import BREAKS
from adversity.errors import InputError
from adversity.shapes import probs_fault, rows_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.engine.calls.ready import Ready

__all__ = ["CalibratorCall", "CombineCall", "ScoreCall", "uncertainty_call"]


class CalibratorCall(FinalCall):
    """`probs = calibrator(logits)`."""

    @property
    def gradient(self) -> str:
        """In words, what a backward pass goes through."""
        return "exact"

    def __call__(self, logits: Tensor, ids: Sequence[str] | None = None) -> Tensor:
        """Return probabilities `[N, K]` of logits `[N, K]`.

        Raises:
            PluginError: If the answer breaks the contract.
        """
        names = ids or positions(len(logits))

        def run(index: list[int]) -> list[Tensor]:
            here = named(names, index)
            answer: Tensor = self.ask("calibrate", here, logits[index])
            fault = rows_fault(answer, rows=len(index), columns=logits.shape[1])
            fault = fault or probs_fault(answer)
            if fault is not None:
                self.ready.broke(fault, here)
            return [answer.float()]

        return self.blocks(logits, names, run)[0]

    def of_logits(self, logits: Tensor) -> Tensor:
        """Return probabilities `[N, K]`."""
        return self(logits.float())

    def answers(self, values: Tensor) -> Tensor:
        """Return log p `[N, K]` as an attack gets it: finite, with the logits as surrogate."""
        return log_probs(self.probs(values), values)

    def probs(self, values: Tensor) -> Tensor:
        """Return p `[N, K]` as it gives it, differentiable in `values`."""
        return in_blocks(self.unchecked("calibrate"), values, self.ready.plugin.block_rows)


class ScoreCall(FinalCall):
    """`scores = score(predictive)`."""

    def __call__(self, predictive: Predictive, ids: Sequence[str] | None = None) -> Tensor:
        """Return `[N]` float64, higher = less sure.

        Raises:
            PluginError: If the answer breaks the contract.
        """
        parts = (predictive.probs, predictive.logits, predictive.mean)
        given = next(value for value in parts if value is not None)
        names = ids or positions(len(given))
        if self.ready.plugin.needs_members and predictive.members is None:
            raise InputError(
                f"{self.ready.label} expected what the members of an ensemble say, got one answer; "
                "use it on what combines members"
            )

        def answered(index: list[int] | slice, here: Sequence[str]) -> Tensor:
            try:
                answer: Tensor = self.ready.plugin.score(
                    rows_of(predictive, index, self.ready.device)
                )
            except BREAKS as error:
                self.ready.guard(error, here)
            fault = rows_fault(answer, rows=len(here))
            if fault is not None:
                self.ready.broke(fault, here)
            return answer

        def again(index: list[int]) -> list[Tensor]:
            return [answered(index, [names[i] for i in index])]

        answer = answered(slice(None), names)
        each_by_itself(self.ready, given, [answer], again, names, copies=1)
        return answer.cpu().double()

    def of_logits(self, logits: Tensor) -> Tensor:
        """Return the scores of what logits `[N, K]` stand for, or those of members `[M, N, K]`."""
        if not self.ready.plugin.needs_members:
            return self(Predictive(logits.double().softmax(1), logits))
        members = logits.double().softmax(2)
        return self(Predictive(members.mean(0), members=members))


class CombineCall(FinalCall):
    """`probs = combination(members)`."""

    def __call__(self, members: Tensor, ids: Sequence[str] | None = None) -> Tensor:
        """Return probabilities `[N, K]` float32 of members' probabilities `[M, N, K]` float64.

        Raises:
            PluginError: If the answer breaks the contract.
        """
        rows = members.transpose(0, 1)
        names = ids or positions(len(rows))

        def run(index: list[int]) -> list[Tensor]:
            here = named(names, index)
            answer: Tensor = self.ask("combine", here, members[:, index])
            fault = rows_fault(answer, rows=len(index), columns=members.shape[2])
            fault = fault or probs_fault(answer)
            if fault is not None:
                self.ready.broke(fault, here)
            return [answer.float()]

        return self.blocks(rows, names, run)[0]

    def of_logits(self, logits: Tensor) -> Tensor:
        """Return probabilities `[N, K]` of the members' logits `[M, N, K]`."""
        return self(logits.double().softmax(2))


_CALLS: dict[type, type[CalibratorCall | ScoreCall | CombineCall]] = {
    PostHoc: CalibratorCall,
    Score: ScoreCall,
    Combine: CombineCall,
}
"""By the shape of the method."""


def uncertainty_call(ready: Ready) -> CalibratorCall | ScoreCall | CombineCall:
    """Return the final call of a method, by its shape.

    Raises:
        InputError: If nothing calls methods of its shape yet.
    """
    for shape, call in _CALLS.items():
        if isinstance(ready.plugin, shape):
            return call(ready)
    *names, last = (shape.__name__ for shape in _CALLS)
    raise InputError(
        f"{ready.label}: expected a {', '.join(names)} or {last}, got none of them; nothing calls "
        "other uncertainty methods yet"
    )
