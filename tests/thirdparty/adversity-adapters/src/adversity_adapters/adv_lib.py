"""Attacks of the Adversarial Library (J. Rony and others)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from adversity_adapters.attacking import PeerTargetedAttack

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_adapters.victim_network import VictimNetwork


class AdvLibPGD(PeerTargetedAttack):
    """PGD of adv-lib in linf."""

    name: ClassVar[str] = "adv_lib_pgd"
    reference: ClassVar[str] = "Rony, Ben Ayed, Adversarial library, 2020"
    licence: ClassVar[str] = "BSD-3-Clause"
    stochastic: ClassVar[bool] = True

    norm: Literal["linf"] = "linf"
    random_start: bool = True
    restarts: int = Field(default=1, ge=1)

    def run(self, network: VictimNetwork, images: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Return `pgd_linf(model, images, labels, ...)`; the global seed is its only one."""
        import torch
        from adv_lib.attacks import pgd_linf

        if self.random_start:
            torch.manual_seed(seed)
        return pgd_linf(
            network,
            images,
            labels,
            self.eps,
            targeted=self.targeted,
            steps=self.steps,
            restarts=self.restarts,
            random_init=self.random_start,
            absolute_step_size=self.length,
        )


class AdvLibPGDFromImage(AdvLibPGD):
    """PGD of adv-lib in linf, from the image itself."""

    name: ClassVar[str] = "adv_lib_pgd_from_image"
    stochastic: ClassVar[bool] = False

    random_start: Literal[False] = False
    restarts: Literal[1] = 1


PLUGINS = (AdvLibPGD, AdvLibPGDFromImage)
