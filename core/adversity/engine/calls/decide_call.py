"""The final call of what decides: which classes an answer leaves possible, or whether it is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Predictive
from adversity.engine.calls.final_call import positions
from adversity.engine.calls.predictive_call import PredictiveCall, given_by
from adversity.engine.calls.ready import BREAKS
from adversity.errors import InputError
from adversity.shapes import rows_fault, sets_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["DecideCall"]


class DecideCall(PredictiveCall):
    """`sets = decide(predictive).sets`, or `accepted = decide(predictive).accept`."""

    def __call__(self, predictive: Predictive, ids: Sequence[str] | None = None) -> Tensor:
        """Return which classes each answer leaves possible, `[N, K]` bool, or whether it is accepted.

        Acceptance, where the method `decides` that, is `[N]` bool.

        Raises:
            InputError: If it goes by groups of samples, and they are not told, or not of each.
            PluginError: If the answer breaks the contract.
        """
        self._require_groups(predictive)
        names = ids or positions(len(given_by(predictive)))
        return self.rows(predictive, names, self._decided)

    def _decided(self, predictive: Predictive, ids: Sequence[str]) -> Tensor:
        answer: object = self.ready.plugin.decide(predictive)
        wanted = self.ready.plugin.decides
        given = getattr(answer, wanted) if isinstance(answer, Predictive) else None
        if given is None:
            self.ready.broke(f"expected a Predictive with {wanted}, got {_written(answer)}", ids)
        shape = given_by(predictive).shape
        fault = sets_fault(given, shape if wanted == "sets" else shape[:1], wanted)
        if fault is not None:
            self.ready.broke(fault, ids)
        decided: Tensor = given
        return decided

    def margin(self, predictive: Predictive) -> Tensor:
        """Return by how much each answer is accepted, `[N]` float64, differentiable in the answer.

        Raises:
            InputError: If the method gives no such number.
            PluginError: If the answer breaks the contract.
        """
        try:
            margin = self.ready.plugin.margin(predictive)
        except BREAKS as error:
            self.ready.guard(error)
        if margin is None:
            raise InputError(
                f"{self.ready.label} does not say by how much it accepts an answer, `margin`: expected "
                "a method that does, as threshold, to attack its decision"
            )
        given = given_by(predictive)
        fault = rows_fault(margin.detach(), rows=len(given))
        if fault is not None:
            self.ready.broke(f"margin: {fault}")
        if given.requires_grad and self.ready.plugin.differentiable and not margin.requires_grad:
            self.ready.lacks_gradient()
        values: Tensor = margin.cpu().double()
        return values

    def of_logits(self, logits: Tensor, groups: tuple[str | None, ...] | None = None) -> Tensor:
        """Return what is decided of logits `[N, K]`; in float32, as what it was fitted on."""
        logits = logits.float()
        return self(Predictive(logits.double().softmax(1), logits, groups=groups))

    def _require_groups(self, predictive: Predictive) -> None:
        """Refuse a prediction without the groups that the method goes by.

        Raises:
            InputError: With what it goes by.
        """
        by, rows = self.ready.plugin.goes_by, len(given_by(predictive))
        told = None if predictive.groups is None else len(predictive.groups)
        if by is not None and told != rows:
            raise InputError(
                f"{self.ready.label} goes by {by}: expected the group of each of {rows} samples, got "
                f"{'none' if told is None else told}; pass groups="
            )


def _written(answer: object) -> str:
    return "none" if isinstance(answer, Predictive) else type(answer).__name__
