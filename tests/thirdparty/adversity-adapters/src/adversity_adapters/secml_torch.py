"""Attacks of SecML-Torch (M. Pintor and others)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from adversity_adapters.attacking import PeerGradientAttack

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_adapters.victim_network import VictimNetwork


class SecmlTorchPGD(PeerGradientAttack):
    """PGD of SecML-Torch, its own implementation, in linf, l2 or l1."""

    name: ClassVar[str] = "secml_torch_pgd"
    stochastic: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Pintor, Demetrio, Sotgiu, Melis, Demontis, Biggio, secml: secure and explainable machine "
        "learning in Python, 2022"
    )

    norm: Literal["linf", "l2", "l1"] = "linf"
    random_start: bool = True

    def run(self, network: VictimNetwork, images: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Return the images of `PGD(...)(model, loader)`; the global seed is its only one."""
        import torch
        from secmlt.adv.backends import Backends
        from secmlt.adv.evasion.pgd import PGD
        from secmlt.models.pytorch.base_pytorch_nn import BasePyTorchClassifier
        from torch.utils.data import DataLoader, TensorDataset

        if self.random_start:
            torch.manual_seed(seed)
        attack = PGD(
            perturbation_model=self.norm,
            epsilon=self.eps,
            num_steps=self.steps,
            step_size=self.length,
            random_start=self.random_start,
            backend=Backends.NATIVE,
        )
        loader = DataLoader(TensorDataset(images, labels), batch_size=len(images))
        found = attack(BasePyTorchClassifier(network), loader)
        return next(iter(found))[0]


class SecmlTorchPGDFromImage(SecmlTorchPGD):
    """PGD of SecML-Torch, its own implementation, in linf, l2 or l1, from the image itself."""

    name: ClassVar[str] = "secml_torch_pgd_from_image"
    stochastic: ClassVar[bool] = False

    random_start: Literal[False] = False


PLUGINS = (SecmlTorchPGD, SecmlTorchPGDFromImage)
