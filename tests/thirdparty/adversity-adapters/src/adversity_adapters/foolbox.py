"""Attacks of Foolbox (J. Rauber and others)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from adversity_adapters.attacking import PeerAttack, PeerTargetedAttack

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_adapters.victim_network import VictimNetwork

RAUBER = (
    "Rauber, Zimmermann, Bethge, Brendel, Foolbox Native: fast adversarial attacks to benchmark "
    "the robustness of machine learning models, 2020"
)


class FoolboxPGD(PeerTargetedAttack):
    """PGD of Foolbox in linf, l2 or l1."""

    name: ClassVar[str] = "foolbox_pgd"
    reference: ClassVar[str] = RAUBER
    stochastic: ClassVar[bool] = True

    norm: Literal["linf", "l2", "l1"] = "linf"
    random_start: bool = True

    def attack(self) -> Any:
        """Return the library's attack."""
        from foolbox import attacks

        peers = {
            "linf": attacks.LinfProjectedGradientDescentAttack,
            "l2": attacks.L2ProjectedGradientDescentAttack,
            "l1": attacks.L1ProjectedGradientDescentAttack,
        }
        return peers[self.norm](
            abs_stepsize=self.length, steps=self.steps, random_start=self.random_start
        )

    def run(self, network: VictimNetwork, images: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Return the clipped images of `attack(model, ...)`; the global seed is its only one."""
        import torch
        from foolbox import Misclassification, PyTorchModel, TargetedMisclassification

        model = PyTorchModel(network, bounds=(0, 1), device=images.device)
        target = TargetedMisclassification if self.targeted else Misclassification
        if self.random_start:
            torch.manual_seed(seed)
        return self.attack()(model, images, target(labels), epsilons=self.eps)[1]


class FoolboxPGDFromImage(FoolboxPGD):
    """PGD of Foolbox in linf, l2 or l1, from the image itself."""

    name: ClassVar[str] = "foolbox_pgd_from_image"
    stochastic: ClassVar[bool] = False

    random_start: Literal[False] = False


class FoolboxSparseL1Descent(FoolboxPGDFromImage):
    """Sparse l1 descent of Foolbox, by its call, which clips the answer to the budget."""

    name: ClassVar[str] = "foolbox_sparse_l1_descent"

    norm: Literal["l1"] = "l1"
    quantile: float = Field(default=0.99, ge=0, le=1)

    def attack(self) -> Any:
        """Return the library's attack."""
        from foolbox.attacks import SparseL1DescentAttack

        return SparseL1DescentAttack(
            quantile=self.quantile, abs_stepsize=self.length, steps=self.steps
        )


class FoolboxSparseL1DescentRun(FoolboxSparseL1Descent):
    """Sparse l1 descent of Foolbox, by its `run`, which does not clip the answer."""

    name: ClassVar[str] = "foolbox_sparse_l1_descent_run"

    def run(self, network: VictimNetwork, images: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Return what `run(model, ...)` returns."""
        from foolbox import Misclassification, PyTorchModel, TargetedMisclassification

        model = PyTorchModel(network, bounds=(0, 1), device=images.device)
        target = TargetedMisclassification if self.targeted else Misclassification
        return self.attack().run(model, images, target(labels), epsilon=self.eps)


class FoolboxSpatial(PeerAttack):
    """The grid of translations and rotations of Foolbox."""

    name: ClassVar[str] = "foolbox_spatial"
    reference: ClassVar[str] = RAUBER
    threat: ClassVar = "parametric"

    max_translation: float = Field(default=3.0, ge=0, description="in pixels")
    max_rotation: float = Field(default=30.0, ge=0, le=180, description="in degrees")
    translations: int = Field(default=5, ge=1)
    rotations: int = Field(default=5, ge=1)

    def run(self, network: VictimNetwork, images: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Return the images of `SpatialAttack(...)(model, ...)`."""
        from foolbox import PyTorchModel
        from foolbox.attacks import SpatialAttack

        model = PyTorchModel(network, bounds=(0, 1), device=images.device)
        attack = SpatialAttack(
            max_translation=self.max_translation,
            max_rotation=self.max_rotation,
            num_translations=self.translations,
            num_rotations=self.rotations,
        )
        return attack(model, images, labels)[0]


PLUGINS = (
    FoolboxPGD,
    FoolboxPGDFromImage,
    FoolboxSparseL1Descent,
    FoolboxSparseL1DescentRun,
    FoolboxSpatial,
)
