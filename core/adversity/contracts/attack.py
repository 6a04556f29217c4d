"""The promise of an attack, and what it sees of its victim."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from adversity.contracts.plugin import Makes, PluginBase

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.contracts.values import Perturbed
    from adversity.seeding import SampleRng

__all__ = ["Attack", "Norm", "Target"]

Norm = Literal["linf", "l2", "l1"]


class Target(Protocol):
    """The victim as an attack sees it: the whole chain, one function from images to logits."""

    @property
    def classes(self) -> int:
        """K, the number of classes."""
        ...

    def logits(self, images: Tensor) -> Tensor:
        """Return finite logits `[N, K]`; differentiable in `images` when they require it.

        Every row counts as one query; rows that are differentiated count as one gradient.
        """
        ...

    def rows(self, index: Tensor) -> Target:
        """Return the same victim for some of the rows (solved rows leave)."""
        ...


class Attack(PluginBase):
    """Change images within a budget so that the victim's answer changes.

    The core, not the attack, decides success and checks the budget, in float64, on what
    is stored. With `threat = "norm"` the class has the fields `norm` and `eps`.
    """

    kind: ClassVar[str] = "attack"
    makes: ClassVar[Makes] = "adversarial"
    threat: ClassVar[Literal["norm", "minimum", "parametric"]] = "norm"
    stochastic: ClassVar[bool] = True
    control: ClassVar[bool] = False
    """Meant as a control that attacks must beat: no strength is promised."""
    block_rows: ClassVar[int] = 64
    """At most so many rows at once, not padded: the target pads each network's blocks itself,
    so that solved rows can leave and the rest is packed together."""

    @abstractmethod
    def perturb(
        self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng
    ) -> Tensor | Perturbed:
        """Return adversarial images.

        Args:
            target: The victim.
            images: `[N, C, H, W]` float32 in [0, 1]; must not be changed.
            labels: `[N]` int64: the true classes, or the wanted ones of a targeted attack.
            rng: Row i for image i.

        Returns:
            `[N, C, H, W]` float32 in [0, 1] within the budget around `images`.
        """
