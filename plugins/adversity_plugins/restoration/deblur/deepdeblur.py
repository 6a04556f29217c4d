"""DeepDeblur: one network at three sizes, for blur that differs from place to place."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (pydantic reads the claims)
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity_plugins.restoration._colour_network import ColourNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

__all__ = ["DeepDeblur"]

_WRAPPED = ("module.", "model.")
"""What programs that train a network put before its names."""


class DeepDeblur(ColourNetwork):
    """Take motion blur off from coarse to fine, told no kernel, with weights of yours (DeepDeblur).

    The published network: at each of three sizes 19 residual blocks of 64 channels and 5 x 5
    pixels, 11 721 321 weights. It is given values times `value_range` less their middle, 255 as the
    authors' models. Images are mirrored up to multiples of 4 pixels and cut again; a grey one is
    repeated in three channels, and their mean comes back.

    No package brings pretrained weights: `weights` is a file of the project, safetensors or, if
    its name ends in .pth or .pt, a state dict of torch, of which only tensors are read. Keys are
    those of the authors' program in PyTorch, `body_models.0.body.0.weight` ..., with `model.` or
    `module.` before them or not.

    Reference: Nah, Kim, Lee, "Deep multi-scale convolutional neural network for dynamic scene
    deblurring", 2017.
    """

    name: ClassVar[str] = "deepdeblur"
    reference: ClassVar[str] = (
        "Nah, Kim, Lee, Deep multi-scale convolutional neural network for dynamic scene "
        "deblurring, 2017"
    )
    restores: ClassVar[tuple[str, ...]] = ("blur",)
    multiple: ClassVar[int] = 4
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"weights": "weights.safetensors", "blocks": 1, "channels": 4},
    )

    blocks: int = Field(default=19, ge=1, le=100, description="residual blocks at each size")
    channels: int = Field(default=64, ge=1, le=1024, description="between the convolutions")
    value_range: float = Field(
        default=255.0, gt=0, le=65535, description="what white was when it was trained: 255, or 1"
    )

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write the weights of a small network that sharpens a little."""
        import torch
        from safetensors.torch import save_file

        network: Any = cls(**cls.examples[0]).network()
        with torch.no_grad():
            for value in network.parameters():
                value.zero_()
            layers = network.body_models[0].body
            for k in range(3):
                layers[0].weight[k, k, 2, 2] = 1
                layers[2].weight[k, k, 1:4, 1:4] = -0.2 / 9
                layers[2].weight[k, k, 2, 2] += 1.2
        save_file(network.state_dict(), folder / "weights.safetensors")

    def network(self) -> nn.Module:
        """Return the network without weights; `[N, 3, H, W]` around 0 in and out."""
        from adversity_plugins.restoration.deblur._deepdeblur_network import DeepDeblurNetwork

        return DeepDeblurNetwork(blocks=self.blocks, channels=self.channels)

    def own_keys(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors without what programs put before their names."""
        found = {}
        for key, value in state.items():
            bare = key
            while bare.startswith(_WRAPPED):
                bare = bare.partition(".")[2]
            found[bare] = value
        return found

    def restored(self, images: Tensor) -> Tensor:
        """Return what the network makes of colour images in [0, 1], not limited."""
        middle = self.value_range / 2
        answer: Tensor = self._network(images * self.value_range - middle)
        return (answer + middle) / self.value_range
