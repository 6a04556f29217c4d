"""What decisions promise that go by groups of samples, and how decisions of all kinds are fed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Fitted, Predictive
from adversity.engine.public.in_memory import TensorRows
from adversity.errors import AdversityError, PluginError
from adversity.testing.bench.checks import Failed, NotApplicable, check, error_line, require
from adversity.testing.kinds.uncertainty.logits import LogitsBench, overconfident

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["GROUPED", "DecisionBench", "kit_ids"]

SIDES = ("left", "right")
"""The groups of the kit's samples, in turn; answers to the second are far less often right."""
STRANGE = ("never seen before", None)
"""A group that nothing was fitted on, and none."""
ROWS = 400


@check("What goes by groups of samples decides otherwise in another group.")
def groups_matter(bench: DecisionBench) -> str:
    """Put the same answers into one group, then into the other, where fewer answers are right."""
    _require_groups(bench)
    logits, _ = overconfident(ROWS, first=5000)
    first, second = (bench.decided(logits, [side] * ROWS) for side in SIDES)
    other = int((first != second).flatten(1).any(1).sum())
    require(
        other > 0,
        f"expected another decision for some of {ROWS} answers in a group where answers are right "
        "less often, got the same for all; a method that does not go by groups leaves `goes_by` None",
    )
    return f"of {ROWS} answers {other} are decided otherwise"


@check("A sample of a group that was not seen before, or of none, is decided for or refused.")
def strange_groups(bench: DecisionBench) -> str:
    """Ask for samples of such groups: a crash is no refusal, an error of the house is."""
    _require_groups(bench)
    logits, _ = overconfident(4, first=6000)
    said = []
    for strange in STRANGE:
        try:
            bench.decided(logits, [strange] * 4)
        except PluginError as error:
            raise Failed(f"expected an answer or a refusal, got {error_line(error)}") from error
        except AdversityError:
            said.append("refused")
        else:
            said.append("decided")
    return f"of a new group: {said[0]}; of none: {said[1]}"


GROUPED = (groups_matter, strange_groups)


def _require_groups(bench: DecisionBench) -> None:
    if bench.ready.plugin.goes_by is None:
        raise NotApplicable("it does not go by groups of samples (`goes_by`)")
    if not issubclass(bench.cls, Fitted):
        raise NotApplicable("it is not fitted, so that it has seen no group")


class DecisionBench(LogitsBench):
    """Feed a method that decides with predictions, and with groups where it goes by them."""

    def stream(self) -> TensorRows:
        """Return logits that are twice as sure as the truth; half of the second group's labels are others."""
        rows = super().stream()
        if self.make().goes_by is None:
            return rows
        import torch

        logits, labels = overconfident(len(rows))
        wrong = torch.arange(len(labels)) % 4 == 1  # half of the second group
        labels = torch.where(wrong, (labels + 1) % 5, labels)
        return TensorRows(
            labels, tuple("abcde"), logits=logits, groups=[SIDES[i % 2] for i in range(len(labels))]
        )

    def predictive(
        self, logits: Tensor, ids: Sequence[str], groups: Sequence[str | None] | None = None
    ) -> Predictive:
        """Return the answer to samples, with the groups that follow from their ids unless given."""
        by = self.make().goes_by
        told = None if by is None else tuple(groups or (SIDES[_number(id_) % 2] for id_ in ids))
        return Predictive(logits.double().softmax(1), logits, groups=told)

    def decided(self, logits: Tensor, groups: Sequence[str | None] | None = None) -> Tensor:
        """Return what is decided of some answers."""
        ids = kit_ids(len(logits))
        decided: Tensor = self.ready.call(self.predictive(logits, ids, groups), ids)
        return decided


def kit_ids(count: int) -> tuple[str, ...]:
    """Return the ids of the kit's first samples."""
    return tuple(f"kit/{k}" for k in range(count))


def _number(id_: str) -> int:
    """Return the number of one of the kit's samples, which its id ends with."""
    return int(id_.rpartition("/")[2])
