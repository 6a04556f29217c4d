"""Architectures of timm (R. Wightman), with weights drawn from a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import Classifier

if TYPE_CHECKING:
    from torch import Tensor


class Timm(Classifier):
    """Any architecture of timm, for its code and not for its answers: no weights are loaded."""

    name: ClassVar[str] = "timm"
    reference: ClassVar[str] = "Wightman, PyTorch image models, 2019"
    licence: ClassVar[str] = "Apache-2.0"
    examples: ClassVar = tuple({"architecture": f"test_{family}"} for family in ("resnet", "vit"))

    architecture: str = "test_resnet"
    classes: int = Field(default=10, ge=2)
    seed: int = Field(default=0, ge=0, description="draws the weights")

    _network: Any = PrivateAttr(default=None)

    def setup(self, device: str) -> None:
        """Build the network; the global random state stays as it was."""
        import timm
        import torch

        super().setup(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = timm.create_model(
                self.architecture, pretrained=False, num_classes=self.classes
            )
        self._network = network.eval().requires_grad_(requires_grad=False).to(device)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, by number."""
        return tuple(str(k) for k in range(self.classes))

    def logits(self, images: Tensor) -> Tensor:
        """Return logits of the resized and normalised images, grey repeated to colour."""
        from torch.nn.functional import interpolate

        config = self._network.pretrained_cfg
        colour = interpolate(
            images.expand(-1, 3, -1, -1),
            size=config["input_size"][1:],
            mode=config["interpolation"],
            antialias=True,
            align_corners=False,
        )
        mean, std = (images.new_tensor(config[key])[:, None, None] for key in ("mean", "std"))
        return self._network((colour - mean) / std)


PLUGINS = (Timm,)
