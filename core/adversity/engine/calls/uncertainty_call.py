"""The final calls of uncertainty methods, by their shapes; those here work on stored predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Combine, Decide, Detector, PostHoc, Predictive, Sampling, Score
from adversity.engine.calls.blocks import in_blocks
from adversity.engine.calls.decide_call import DecideCall
from adversity.engine.calls.final_call import FinalCall, named, positions
from adversity.engine.calls.log_probs import log_probs
from adversity.engine.calls.predictive_call import PredictiveCall, given_by
from adversity.engine.calls.sampling_call import SamplingCall
from adversity.errors import InputError
from adversity.shapes import probs_fault, rows_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from adversity.engine.calls.ready import Ready

__all__ = [
    "CalibratorCall",
    "CombineCall",
    "DecideCall",
    "DetectorCall",
    "ScoreCall",
    "uncertainty_call",
]


class CalibratorCall(FinalCall):
    """`probs = calibrator(logits)`."""

    @property
    def gradient(self) -> str:
        """In words, what a backward pass goes through."""
        return "exact" if self.ready.plugin.differentiable else "BPDA (the logits it gets)"

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
        """Return log p `[N, K]` as an attack gets it: finite, with the logits as surrogate.

        Raises:
            PluginError: If it claims to be differentiable, and the answer has no gradient.
        """
        import torch

        from adversity.engine.calls.straight_through import straight_through

        logs = log_probs(self.probs(values), values)
        if logs.requires_grad or not (values.requires_grad and torch.is_grad_enabled()):
            return logs
        if self.ready.plugin.differentiable:
            self.ready.lacks_gradient()
        return straight_through(logs, values)

    def probs(self, values: Tensor) -> Tensor:
        """Return p `[N, K]` as it gives it, differentiable in `values`."""
        return in_blocks(self.unchecked("calibrate"), values, self.ready.plugin.block_rows)


class ScoreCall(PredictiveCall):
    """`scores = score(predictive)`."""

    def __call__(self, predictive: Predictive, ids: Sequence[str] | None = None) -> Tensor:
        """Return `[N]` float64, higher = less sure.

        Raises:
            InputError: If it goes by members, and there are none.
            PluginError: If the answer breaks the contract.
        """
        if self.ready.plugin.needs_members and predictive.members is None:
            raise InputError(
                f"{self.ready.label} expected what the members of an ensemble say, got one answer; "
                "use it on what combines members"
            )
        names = ids or positions(len(given_by(predictive)))
        return self.rows(predictive, names, self._scored).double()

    def _scored(self, predictive: Predictive, ids: Sequence[str]) -> Tensor:
        answer: Tensor = self.ready.plugin.score(predictive)
        fault = rows_fault(answer, rows=len(ids))
        if fault is not None:
            self.ready.broke(fault, ids)
        return answer

    def of_logits(self, logits: Tensor) -> Tensor:
        """Return the scores of what logits `[N, K]` stand for, or those of members `[M, N, K]`."""
        if not self.ready.plugin.needs_members:
            return self(Predictive(logits.double().softmax(1), logits))
        members = logits.double().softmax(2)
        return self(Predictive(members.mean(0), members=members))


class CombineCall(FinalCall):
    """`probs = combination(members)`."""

    @property
    def gradient(self) -> str:
        """In words, what a backward pass goes through."""
        return "exact" if self.ready.plugin.differentiable else "none (it is not differentiable)"

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

    def answers(self, logits: Tensor) -> Tensor:
        """Return log p `[N, K]` float32 as an attack gets it, of the members' logits `[M, N, K]`.

        It is computed in float64, where a probability is 0 only from some 700 logits behind the
        largest on; such a row passes the gradient of the members' mean log p.

        Raises:
            PluginError: If the logits require a gradient, and the answer has none.
        """
        logs = logits.double().log_softmax(2).transpose(0, 1)
        combine = self.unchecked("combine")

        def run(block: Tensor) -> Tensor:
            probs: Tensor = combine(block.exp().transpose(0, 1))
            return probs

        probs = in_blocks(run, logs, self.ready.plugin.block_rows).double()
        if logits.requires_grad and not probs.requires_grad:
            self.ready.lacks_gradient()
        return log_probs(probs, logs.mean(1), exact=True).float()


class DetectorCall(FinalCall):
    """`scores = score(features, logits)`."""

    def __call__(
        self,
        features: Tensor,
        logits: Tensor,
        ids: Sequence[str] | None = None,
        *,
        head: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Return `[N]` float64, higher = less like what it was fitted on.

        Args:
            features: `[N, D]` float32.
            logits: `[N, K]` float32, of the same samples.
            ids: N sample ids.
            head: From features to answers, for what needs it.

        Raises:
            InputError: If it needs a head, and there is none.
            PluginError: If the answer breaks the contract.
        """
        names = ids or positions(len(features))
        if self.ready.plugin.needs_head:
            if head is None:
                raise InputError(
                    f"{self.ready.label} expected the head of a classifier, from its features to "
                    "its answers, got none: pass head="
                )
            self.ready.plugin.take_head(head)

        def run(index: list[int]) -> list[Tensor]:
            here = named(names, index)
            answer: Tensor = self.ask("score", here, features[index], logits[index])
            fault = rows_fault(answer, rows=len(index))
            if fault is not None:
                self.ready.broke(fault, here)
            return [answer.double()]

        return self.blocks(features, names, run)[0]


AnyCall = CalibratorCall | ScoreCall | CombineCall | DecideCall | DetectorCall | SamplingCall
_CALLS: dict[type, type[AnyCall]] = {
    PostHoc: CalibratorCall,
    Score: ScoreCall,
    Combine: CombineCall,
    Decide: DecideCall,
    Sampling: SamplingCall,
    Detector: DetectorCall,
}
"""By the shape of the method."""


def uncertainty_call(ready: Ready) -> AnyCall:
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
