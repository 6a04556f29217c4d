"""DeblurGAN-v2: a network that was trained against another one, a light or a large one."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (pydantic reads the claims)
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from adversity_plugins.restoration._colour_network import ColourNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

__all__ = ["DeblurGANv2"]

_WRAPPED = "module."
_TWICE = ("fpn.features.", "fpn.inception.")
"""Begin the names of the backbone's layers that authors' files have a second time, and others."""
_STATISTICS = ("running_mean", "running_var")
_PUBLISHED = {"mobilenet": 64, "inception": 128}
"""Channels of the heads."""
_SMALLEST = {"mobilenet": 32, "inception": 128}
"""Least height and width that the network takes, in pixels."""


class DeblurGANv2(ColourNetwork):
    """Take motion blur off by a pyramid of features, with weights of yours (DeblurGAN-v2).

    The published generators: the light one with MobileNet-V2, 2 106 627 weights, and the large one
    with Inception-ResNet-v2, 35 840 099, without the layers that authors' files hold and nothing
    uses. As in the authors' program each layer is normalised by the image's own mean and deviation,
    so that statistics in the file are not used. Images are mirrored up to multiples of 32 pixels,
    where that program has grey, with Inception-ResNet-v2 to 128 at least, and cut again; a grey one
    is repeated in three channels, and their mean comes back.

    No package brings pretrained weights: `weights` is a file of the project, safetensors or, if
    its name ends in .pth or .pt, a state dict of torch, of which only tensors are read. The
    authors' `fpn_mobilenet.h5` and `fpn_inception.h5` are such: call them `fpn_mobilenet.pth` and
    `fpn_inception.pth`.

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

    backbone: Literal["mobilenet", "inception"] = Field(
        default="mobilenet",
        description="mobilenet: MobileNet-V2, light; inception: Inception-ResNet-v2, large",
    )
    channels: int | None = Field(
        default=None,
        ge=4,
        le=1024,
        multiple_of=2,
        description="of the heads; none: as published, 64 with mobilenet, 128 with inception",
    )

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

        return DeblurGANNetwork(self.channels or _PUBLISHED[self.backbone], self.backbone)

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
        from adversity_plugins.restoration._whole_blocks import mirrored

        height, width = images.shape[-2:]
        least = _SMALLEST[self.backbone]
        larger = mirrored(mirrored(images, 2, max(least - height, 0)), 3, max(least - width, 0))
        answer: Tensor = self._network(larger * 2 - 1)
        return (answer[..., :height, :width] + 1) / 2
