"""AutoAttack's attacks in their order, each a round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from adversity import Attack, Norm
from adversity_plugins.attack.gradient.apgd import APGD
from adversity_plugins.attack.minimum.fab import FAB
from adversity_plugins.attack.scores.square import Square

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target

__all__ = ["Turn", "Version", "order_of", "turns_of"]

Version = Literal["standard", "rand"]

STEPS = 100
"""Of every attack by gradients."""
TARGETS = 9
"""Other classes that APGD-T and FAB-T aim at, as far as there are so many."""
SPARSE_TARGETS, SPARSE_RESTARTS = 5, 5
"""In l1: classes that APGD-T aims at, and restarts of APGD with cross-entropy."""
QUERIES, FIRST_SHARE = 5000, 0.8
"""Of Square, and the share of the image that its first squares cover."""
TOGETHER = 64
"""Rows that FAB differentiates at once: it bounds the memory of the backward pass."""


def order_of(
    version: Version,
    *,
    norm: Norm,
    eps: float,
    classes: int,
    effort: float = 1.0,
) -> dict[str, APGD | FAB | Square]:
    """Return the attacks by name, in the order in which they run.

    Names do not depend on the victim: `apgd-dlr` takes the margin where DLR is not defined.

    Args:
        version: `standard` or `rand`.
        norm: Of the budget.
        eps: Its radius.
        classes: K, of the victim: it decides whether DLR is defined.
        effort: Share of the authors' steps and queries, at least one of each.
    """
    steps, queries = (max(1, round(effort * full)) for full in (STEPS, QUERIES))
    budget: dict[str, Any] = {"norm": norm, "eps": eps}
    climb: dict[str, Any] = {**budget, "steps": steps, "early_stop": True}
    if version == "rand":
        return {
            "apgd-ce": APGD(**climb),
            "apgd-dlr": APGD(**climb, loss="dlr" if classes >= 3 else "margin"),
        }
    sparse = norm == "l1"
    return {
        "apgd-ce": APGD(**climb, restarts=SPARSE_RESTARTS if sparse else 1),
        "apgd-t": APGD(
            **climb,
            loss="dlr" if classes >= 4 else "margin",
            targets=SPARSE_TARGETS if sparse else TARGETS,
        ),
        "fab-t": FAB(**climb, targets=TARGETS),
        "square": Square(**budget, queries=queries, p_init=FIRST_SHARE),
    }


class Turn(Attack):
    """One of AutoAttack's attacks, as that runs it; a round, and no plugin."""

    name: ClassVar[str] = "auto_attack_turn"
    block_rows: ClassVar[int] = 256

    version: Literal["standard", "rand"]
    turn: str
    norm: Norm
    eps: float
    effort: float

    @property
    def costs_at_most(self) -> tuple[int, int] | None:
        """What the attack costs at most, of a victim with as many classes as it aims at."""
        budget: dict[str, Any] = {"norm": self.norm, "eps": self.eps, "effort": self.effort}
        order = order_of(self.version, **budget, classes=TARGETS + 1)
        return order[self.turn].costs_at_most

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return what the attack makes."""
        import torch

        order = order_of(
            self.version,
            norm=self.norm,
            eps=self.eps,
            classes=target.classes,
            effort=self.effort,
        )
        attack = order[self.turn]
        rows = TOGETHER if isinstance(attack, FAB) else len(images)
        parts = torch.split(torch.arange(len(images)), rows)
        return torch.cat(
            [
                attack.perturb(
                    target.rows(part), images[part], labels[part], rng.rows(part.tolist())
                )
                for part in parts
            ]
        )


def turns_of(version: Version, *, norm: Norm, eps: float, effort: float = 1.0) -> dict[str, Turn]:
    """Return the attacks as rounds, by name, in the order in which they run."""
    order = order_of(version, norm=norm, eps=eps, classes=TARGETS + 1)
    budget: dict[str, Any] = {"norm": norm, "eps": eps, "effort": effort}
    return {turn: Turn(version=version, turn=turn, **budget) for turn in order}
