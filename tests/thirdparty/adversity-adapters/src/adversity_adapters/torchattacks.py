"""Attacks of torchattacks (H. Kim)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from adversity_adapters.attacking import PeerAttack, PeerTargetedAttack

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_adapters.victim_network import VictimNetwork

KIM = "Kim, Torchattacks: a PyTorch repository for adversarial attacks, 2020"


class TorchattacksFGSM(PeerAttack):
    """FGSM of torchattacks."""

    name: ClassVar[str] = "torchattacks_fgsm"
    reference: ClassVar[str] = KIM

    norm: Literal["linf"] = "linf"
    eps: float = Field(gt=0)

    def run(self, network: VictimNetwork, images: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Return `FGSM(model, eps)(images, labels)`."""
        from torchattacks import FGSM

        return FGSM(network, eps=self.eps)(images, labels)


class TorchattacksPGD(PeerTargetedAttack):
    """PGD of torchattacks in linf or l2."""

    name: ClassVar[str] = "torchattacks_pgd"
    reference: ClassVar[str] = KIM
    stochastic: ClassVar[bool] = True

    norm: Literal["linf", "l2"] = "linf"
    random_start: bool = True

    def run(self, network: VictimNetwork, images: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Return `PGD(...)(images, labels)`, or `PGDL2`'s; the global seed is its only one."""
        import torch
        from torchattacks import PGD, PGDL2

        peer = {"linf": PGD, "l2": PGDL2}[self.norm]
        if self.random_start:
            torch.manual_seed(seed)
        attack = peer(
            network,
            eps=self.eps,
            alpha=self.length,
            steps=self.steps,
            random_start=self.random_start,
        )
        if self.targeted:
            attack.set_mode_targeted_by_label(quiet=True)
        return attack(images, labels)


class TorchattacksPGDFromImage(TorchattacksPGD):
    """PGD of torchattacks in linf or l2, from the image itself."""

    name: ClassVar[str] = "torchattacks_pgd_from_image"
    stochastic: ClassVar[bool] = False

    random_start: Literal[False] = False


class TorchattacksMIFGSM(PeerTargetedAttack):
    """MI-FGSM of torchattacks."""

    name: ClassVar[str] = "torchattacks_mifgsm"
    reference: ClassVar[str] = KIM

    norm: Literal["linf"] = "linf"
    decay: float = Field(default=1.0, ge=0)

    def run(self, network: VictimNetwork, images: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Return `MIFGSM(...)(images, labels)`."""
        from torchattacks import MIFGSM

        attack = MIFGSM(
            network, eps=self.eps, alpha=self.length, steps=self.steps, decay=self.decay
        )
        if self.targeted:
            attack.set_mode_targeted_by_label(quiet=True)
        return attack(images, labels)


class TorchattacksCW(PeerAttack):
    """The l2 attack of Carlini and Wagner in torchattacks: the smallest change that it finds."""

    name: ClassVar[str] = "torchattacks_cw"
    reference: ClassVar[str] = KIM
    threat: ClassVar = "minimum"

    norm: Literal["l2"] = "l2"
    c: float = Field(default=1.0, gt=0)
    kappa: float = Field(default=0.0, ge=0)
    steps: int = Field(default=50, ge=1)
    learning_rate: float = Field(default=0.01, gt=0)

    def run(self, network: VictimNetwork, images: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Return `CW(...)(images, labels)`."""
        from torchattacks import CW

        attack = CW(network, c=self.c, kappa=self.kappa, steps=self.steps, lr=self.learning_rate)
        return attack(images, labels)


class TorchattacksAPGD(PeerAttack):
    """APGD of torchattacks with the cross-entropy, in linf or l2."""

    name: ClassVar[str] = "torchattacks_apgd"
    reference: ClassVar[str] = KIM
    stochastic: ClassVar[bool] = True

    norm: Literal["linf", "l2"] = "linf"
    eps: float = Field(gt=0)
    steps: int = Field(default=10, ge=1)
    restarts: int = Field(default=1, ge=1)

    def run(self, network: VictimNetwork, images: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Return `APGD(...)(images, labels)`; it takes a seed."""
        from torchattacks import APGD

        norm = {"linf": "Linf", "l2": "L2"}[self.norm]
        attack = APGD(
            network,
            norm=norm,
            eps=self.eps,
            steps=self.steps,
            n_restarts=self.restarts,
            seed=seed,
        )
        return attack(images, labels)


PLUGINS = (
    TorchattacksFGSM,
    TorchattacksPGD,
    TorchattacksPGDFromImage,
    TorchattacksMIFGSM,
    TorchattacksCW,
    TorchattacksAPGD,
)
