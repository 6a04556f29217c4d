"""AutoAttack's attacks in their order, each a round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch

from adversity import Attack, Norm
from adversity_plugins.attack.gradient._apgd_search import Settings, apgd_search

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity import SampleRng, Target
    from adversity_plugins.attack._shared.losses import Loss

    Run = Callable[[Target, torch.Tensor, torch.Tensor, SampleRng], torch.Tensor]

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
) -> dict[str, Run]:
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
    if version == "rand":
        second: Loss = "dlr" if classes >= 3 else "margin"
        return {
            "apgd-ce": _apgd(Settings(norm, eps, steps, early_stop=True)),
            "apgd-dlr": _apgd(Settings(norm, eps, steps, loss=second, early_stop=True)),
        }
    sparse = norm == "l1"
    first = Settings(norm, eps, steps, SPARSE_RESTARTS if sparse else 1, early_stop=True)
    aimed = Settings(
        norm,
        eps,
        steps,
        loss="dlr" if classes >= 4 else "margin",
        targets=SPARSE_TARGETS if sparse else TARGETS,
        early_stop=True,
    )
    return {
        "apgd-ce": _apgd(first),
        "apgd-t": _apgd(aimed),
        "fab-t": _fab(norm, eps, steps),
        "square": _square(norm, eps, queries),
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

    def perturb(
        self, target: Target, images: torch.Tensor, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        """Return what the attack makes."""
        order = order_of(
            self.version,
            norm=self.norm,
            eps=self.eps,
            classes=target.classes,
            effort=self.effort,
        )
        return order[self.turn](target, images, labels, rng)


def turns_of(version: Version, *, norm: Norm, eps: float, effort: float = 1.0) -> dict[str, Turn]:
    """Return the attacks as rounds, by name, in the order in which they run."""
    order = order_of(version, norm=norm, eps=eps, classes=TARGETS + 1)
    budget: dict[str, Any] = {"norm": norm, "eps": eps, "effort": effort}
    return {turn: Turn(version=version, turn=turn, **budget) for turn in order}


def _apgd(how: Settings) -> Run:
    def run(
        target: Target, images: torch.Tensor, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        return apgd_search(target, images, labels, rng, how).images

    return run


def _fab(norm: Norm, eps: float, steps: int) -> Run:
    def run(
        target: Target, images: torch.Tensor, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        from adversity_plugins.attack.minimum._fab_search import fab_attack

        parts = torch.split(torch.arange(len(images)), TOGETHER)
        return torch.cat(
            [
                fab_attack(
                    target.rows(part),
                    images[part],
                    labels[part],
                    rng.rows(part.tolist()),
                    norm=norm,
                    eps=eps,
                    steps=steps,
                    restarts=1,
                    targets=TARGETS,
                )
                for part in parts
            ]
        )

    return run


def _square(norm: Norm, eps: float, queries: int) -> Run:
    def run(
        target: Target, images: torch.Tensor, labels: torch.Tensor, rng: SampleRng
    ) -> torch.Tensor:
        from adversity_plugins.attack.scores._square_search import square_search

        return square_search(
            target, images, labels, rng, norm=norm, eps=eps, queries=queries, p_init=FIRST_SHARE
        )

    return run
