"""Attacks of the Adversarial Robustness Toolbox (LF AI & Data)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from adversity_adapters.attacking import PeerAttack, PeerTargetedAttack

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_adapters.victim_network import VictimNetwork

NICOLAE = "Nicolae et al., Adversarial Robustness Toolbox v1.0.0, 2018"


def _estimator(network: VictimNetwork, images: Tensor) -> Any:
    from art.estimators.classification import PyTorchClassifier
    from torch import nn

    return PyTorchClassifier(
        network,
        loss=nn.CrossEntropyLoss(),
        input_shape=tuple(images.shape[1:]),
        nb_classes=network.classes,
        clip_values=(0.0, 1.0),
        device_type="gpu" if images.is_cuda else "cpu",
    )


class ArtPGD(PeerTargetedAttack):
    """PGD of ART in linf, l2 or l1."""

    name: ClassVar[str] = "art_pgd"
    reference: ClassVar[str] = NICOLAE
    stochastic: ClassVar[bool] = True

    norm: Literal["linf", "l2", "l1"] = "linf"
    random_start: bool = True
    restarts: int = Field(default=1, ge=1)

    def run(self, network: VictimNetwork, images: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Return `generate(images, labels)`; the global seed of NumPy is its only one."""
        import numpy as np
        import torch
        from art.attacks.evasion import ProjectedGradientDescent

        if self.random_start:
            np.random.seed(seed)  # noqa: NPY002  (what the library draws from)
        attack = ProjectedGradientDescent(
            _estimator(network, images),
            norm={"linf": np.inf, "l2": 2, "l1": 1}[self.norm],
            eps=self.eps,
            eps_step=self.length,
            max_iter=self.steps,
            num_random_init=self.restarts if self.random_start else 0,
            targeted=self.targeted,
            batch_size=len(images),
            verbose=False,
        )
        found = attack.generate(images.cpu().numpy(), labels.cpu().numpy())
        return torch.from_numpy(found).to(images.device)


class ArtPGDFromImage(ArtPGD):
    """PGD of ART in linf, l2 or l1, from the image itself."""

    name: ClassVar[str] = "art_pgd_from_image"
    stochastic: ClassVar[bool] = False

    random_start: Literal[False] = False
    restarts: Literal[1] = 1


class ArtSpatialTransformation(PeerAttack):
    """The grid of translations and rotations of ART."""

    name: ClassVar[str] = "art_spatial_transformation"
    reference: ClassVar[str] = NICOLAE
    threat: ClassVar = "parametric"

    max_translation: float = Field(default=10.0, ge=0, le=100, description="in % of the size")
    max_rotation: float = Field(default=30.0, ge=0, le=180, description="in degrees")
    translations: int = Field(default=5, ge=1)
    rotations: int = Field(default=5, ge=1)

    def run(self, network: VictimNetwork, images: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Return `generate(images, labels)`."""
        import torch
        from art.attacks.evasion import SpatialTransformation

        attack = SpatialTransformation(
            _estimator(network, images),
            max_translation=self.max_translation,
            num_translations=self.translations,
            max_rotation=self.max_rotation,
            num_rotations=self.rotations,
            verbose=False,
        )
        found = attack.generate(images.cpu().numpy(), labels.cpu().numpy())
        return torch.from_numpy(found).to(images.device)


PLUGINS = (ArtPGD, ArtPGDFromImage, ArtSpatialTransformation)
