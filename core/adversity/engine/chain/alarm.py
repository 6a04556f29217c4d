"""The accept decision behind an answer as two logits: what an attack on the score itself queries.

Class 0 says that the decision is as it should be, class 1 that it is fooled. So an attack that makes
a victim's answer another one makes the alarm fail, whatever attack it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, cast

from adversity.contracts import Decide, Predictive
from adversity.contracts.targets import UNKNOWN_CLASS
from adversity.engine.chain.answer import Answer
from adversity.errors import InputError
from adversity.metrics.predictions import class_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.contracts.goal import Objective
    from adversity.engine.calls.uncertainty_call import DecideCall
    from adversity.engine.chain.answering import Draws, Line
    from adversity.engine.chain.links import Link

__all__ = ["LABELS", "Alarm", "Decided"]

LABELS = "labels of the samples"
"""Under this name the true classes `[N]` travel with the images, beside side information."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What a chain that ends in an accept decision says of N images.

    Attributes:
        answer: The answer that is decided on.
        accepted: `[N]` bool, whether it is.
        open: `[N]` bool: the decision is as it should be, and can be fooled. For `look_sure` a wrong
            answer that is rejected, for `look_unsure` a right one that is accepted.
        verdict: Two logits; class 1 where the decision is fooled.
    """

    answer: Answer
    accepted: Tensor
    open: Tensor
    verdict: Answer

    @property
    def goals(self) -> Tensor:
        """`[N]` int64, the labels that an attack is given: 0, or -1 where nothing can be fooled."""
        import torch

        return torch.where(self.open, 0, -1)


class Alarm:
    """A chain that ends in an accept decision, seen as an answer of two classes.

    The first logit is minus the second, and that says by how much the objective is reached: by how
    much the answer is rejected, or the smaller of how far it is accepted and by how much a wrong
    class leads. In the sense of the contract it is 1 exactly where the decision is fooled.
    """

    class_names = ("as it should be", "fooled")
    gives = "logits"
    structure = None
    calibrators = ()

    def __init__(self, line: Line, objective: Objective) -> None:
        """Take the chain, whose last link decides what is attacked.

        Raises:
            InputError: If nothing in it accepts answers, or something stands behind what does.
        """
        rules = [link for link in line.links if _accepts(link)]
        if not rules:
            raise InputError(
                f"{objective} attacks what accepts answers or rejects them: expected such a method "
                f"behind the classifier, as threshold is, got {line.label}"
            )
        if rules[-1] is not line.links[-1]:
            raise InputError(
                f"{objective} attacks the last link, which accepts answers or rejects them: expected "
                f"{rules[-1].label} at the end, got {line.label}; what stands behind it decides nothing"
            )
        self._line, self._objective = line, objective
        self._rule = cast("Link", rules[-1])
        if (by := cast("Decide", self._rule.ready.plugin).goes_by) is not None:
            raise InputError(
                f"{objective} attacks a decision that goes by the answer alone: expected such a "
                f"method, got {self._rule.label}, which goes by {by} of the samples as well"
            )
        self._call: DecideCall = self._rule.call

    @property
    def label(self) -> str:
        """The plugins, in order, for messages."""
        return self._line.label

    @property
    def source(self) -> Alarm:
        """What answers: this."""
        return self

    @property
    def no_gradient(self) -> str | None:
        """Why it has no gradient, or None."""
        why = self._line.source.no_gradient
        if why is None and not self._rule.ready.plugin.differentiable:
            return f"{self._rule.name}, {self._rule.label}: it is not differentiable"
        return why

    def rows(self, images: Tensor, *, enlarged: int = 1) -> int:
        """Return how many images go through at once."""
        return self._line.rows(images, enlarged=enlarged)

    def sought(self, images: Tensor, side: Mapping[str, Tensor], draws: Draws) -> Tensor:
        """Return two logits `[N, 2]` float32, differentiable."""
        labels, side = _apart(side)
        logits = self._line.sought(images, side, draws)
        as_logits = self._line.gives == "logits" and not self._line.calibrators
        predictive = Predictive(logits.double().softmax(1), logits if as_logits else None)
        reached = self._reached(self._call.margin(predictive), logits.double(), labels)
        return _two(reached)

    def given(
        self, images: Tensor, side: Mapping[str, Tensor], draws: Draws, ids: Sequence[str]
    ) -> Answer:
        """Return the real verdict: class 1 where the decision of the method itself is fooled."""
        return self.decided(images, side, draws, ids).verdict

    def decided(
        self, images: Tensor, side: Mapping[str, Tensor], draws: Draws, ids: Sequence[str]
    ) -> Decided:
        """Return the real answer, whether it is accepted, and whose decision can be or is fooled.

        Any answer to a sample of a class that the classifier lacks is wrong; where the class is
        not known, none is right or wrong, and nobody is attacked.

        Raises:
            DataError: If a label is no class of the answer.
        """
        import torch

        labels, side = _apart(side)
        answer = self._line.given(images, side, draws, ids)
        known = labels >= 0
        class_labels(
            labels[known].cpu().numpy(), rows=int(known.sum()), classes=answer.decision.shape[1]
        )
        predictive = _predictive(answer)
        accepted, right = self._call(predictive, ids), answer.predicted == labels
        fooled = self._fooled(accepted, ~right)
        lead = self._call.margin(predictive)
        reached = self._reached(lead, answer.decision.double(), labels).detach().abs()
        # On the border itself the method decides, not the sign of a zero.
        size = reached.clamp_min(torch.finfo(torch.float32).tiny)
        wrong = (known | (labels == UNKNOWN_CLASS)) & ~right
        wanted = wrong if self._objective == "look_sure" else known & right
        verdict = Answer(_two(torch.where(fooled, size, -size)), self.gives)
        return Decided(answer, accepted, wanted & ~fooled, verdict)

    def broke(self, what: str, ids: Sequence[str]) -> NoReturn:
        """Raise the error that says what the answer lacks."""
        self._rule.ready.broke(what, ids)

    def _fooled(self, accepted: Tensor, wrong: Tensor) -> Tensor:
        return accepted & wrong if self._objective == "look_sure" else ~accepted

    def _reached(self, lead: Tensor, values: Tensor, labels: Tensor) -> Tensor:
        """Return by how much the objective is reached, `[N]` float64.

        Args:
            lead: `[N]`, by how much the answer is accepted.
            values: `[N, K]`, the answer.
            labels: `[N]` int64, the true classes.
        """
        import torch

        if self._objective == "look_unsure":
            return -lead
        own = labels.clamp_min(0)[:, None]
        wrong = values.scatter(1, own, -torch.inf).amax(1) - values.gather(1, own)[:, 0]
        # Whatever class is said of a sample that has none is wrong.
        return torch.where(labels < 0, lead, torch.minimum(lead, wrong))


def _accepts(link: Any) -> bool:
    plugin = link.ready.plugin
    return isinstance(plugin, Decide) and plugin.decides == "accept"


def _apart(side: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the labels, and the side information of the images."""
    return side[LABELS], {name: value for name, value in side.items() if name != LABELS}


def _predictive(answer: Answer) -> Predictive:
    """Return an answer as a step on its table gets it."""
    return Predictive(answer.probabilities, answer.decision if answer.kind == "logits" else None)


def _two(reached: Tensor) -> Tensor:
    import torch

    return torch.stack([-reached, reached], 1).float()
