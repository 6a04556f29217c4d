"""DeblurGAN-v2: a light network that was trained against another one."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (pydantic reads the claims)
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity_plugins.restoration._colour_network import ColourNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

__all__ = ["DeblurGANv2"]

_WRAPPED = "module."
_TWICE = "fpn.features."
"""Begins the names of the backbone's layers that authors' files have a second time, and others."""
_STATISTICS = ("running_mean", "running_var")


class DeblurGANv2(ColourNetwork):
    """Take motion blur off by a pyramid of features, with weights of yours (DeblurGAN-v2).

    The published generator with MobileNet-V2: 2 106 627 weights, without the layers that authors'
    files hold and nothing uses. As in the authors' program each layer is normalised
    by the image's own mean and deviation, so that statistics in the file are not used. Images are
    mirrored up to multiples of 32 pixels, where that program has grey, and cut again; a grey one is
    repeated in three channels, and their mean comes back.

    No package brings pretrained weights: `weights` is a file of the project, safetensors or, if
    its name ends in .pth or .pt, a state dict of torch, of which only tensors are read. The
    authors' `fpn_mobilenet.h5` is one of torch: call it `fpn_mobilenet.pth`.

    Reference: Kupyn, Martyniuk, Wu, Wang, "DeblurGAN-v2: Deblurring (orders-of-magnitude) faster
    and better", 2019.
    """

    name: ClassVar[str] = "deblurgan_v2"
    reference: ClassVar[str] = (
        "Kupyn, Martyniuk, Wu, Wang, DeblurGAN-v2: Deblurring (orders-of-magnitude) faster and "
        "better, 2019"
    )
    restores: ClassVar[tuple[str, ...]] = ("blur",)
    multiple: ClassVar[int] = 32
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"weights": "weights.safetensors", "channels": 4},
    )

    channels: int = Field(default=64, ge=4, le=1024, multiple_of=2, description="of the heads")

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write the weights of a narrow network that sharpens a little, at half the size."""
        import torch
        from safetensors.torch import save_file

        network: Any = cls(**cls.examples[0]).network()
        with torch.no_grad():
            for value in network.parameters():
                value.zero_()
            first, second = network.fpn.enc0
            first[0].weight[0] = 1 / 27
            second.conv[0].weight[0, 0, 1, 1] = 1
            second.conv[3].weight[0, 0] = 1
            for norm, middle in ((first[1], 3), (second.conv[1], 3), (second.conv[4], 0)):
                norm.weight[0], norm.bias[0] = 1, middle  # between 0 and 6, where ReLU6 is straight
            network.fpn.lateral0.weight[0, 0] = 1
            for channel, sign in ((0, 1), (1, -1)):
                network.smooth2[0].weight[channel, 0] = -sign / 9
                network.smooth2[0].weight[channel, 0, 1, 1] += sign
                network.final.weight[:, channel, 1, 1] = 0.01 * sign
        save_file(network.state_dict(), folder / "weights.safetensors")

    def network(self) -> nn.Module:
        """Return the network without weights; `[N, 3, H, W]` in [-1, 1] in and out."""
        from adversity_plugins.restoration.deblur._deblurgan_network import DeblurGANNetwork

        return DeblurGANNetwork(self.channels)

    def own_keys(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors of layers that are used, once each, without statistics."""
        bare = {key.removeprefix(_WRAPPED): value for key, value in state.items()}
        return {
            key: value
            for key, value in bare.items()
            if not key.startswith(_TWICE) and not key.endswith(_STATISTICS)
        }

    def restored(self, images: Tensor) -> Tensor:
        """Return what the network makes of colour images in [0, 1], not limited."""
        answer: Tensor = self._network(images * 2 - 1)
        return (answer + 1) / 2
