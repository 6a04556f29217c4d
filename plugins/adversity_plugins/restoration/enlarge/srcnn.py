"""SRCNN: the first convolutional network for super-resolution."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (pydantic reads the claims)
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from adversity_plugins.restoration.enlarge._luma_network import LumaNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

__all__ = ["SRCNN"]


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("expected an odd size of a kernel, which has a middle")
    return value


_Kernel = Annotated[int, Field(ge=1, le=31), AfterValidator(_odd)]
_Channels = Annotated[int, Field(ge=1, le=4096)]


class SRCNN(LumaNetwork):
    """Enlarge bicubically, then better the luma by three convolutions, with weights of yours.

    The published 9-1-5 (64 and 32 channels, 8 032 weights and 97 biases) is the default, 9-3-5 and
    9-5-5 (24 416 and 57 184 weights) are `kernels`. Weights belong to one `factor`. No package
    brings pretrained ones: `weights` is a file of the project, safetensors with `conv1.weight`,
    `conv1.bias`, `conv2.weight` ... The network works on Y of YCbCr from 16/255 to 235/255, Cb and
    Cr are bicubic; a grey image is given to it as it is. At the border each layer repeats what it is
    given.

    Reference: Dong, Loy, He, Tang, "Image super-resolution using deep convolutional networks",
    2016. Numbers of weights: Dong, Loy, Tang, "Accelerating the super-resolution convolutional
    neural network", 2016, section 1.
    """

    name: ClassVar[str] = "srcnn"
    reference: ClassVar[str] = (
        "Dong, Loy, He, Tang, Image super-resolution using deep convolutional networks, 2016"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"weights": "weights.safetensors", "kernels": [5, 1, 3], "channels": [4, 3]},
    )

    kernels: tuple[_Kernel, ...] = Field(
        default=(9, 1, 5),
        min_length=3,
        max_length=3,
        description="sizes of the three layers' kernels",
    )
    channels: tuple[_Channels, ...] = Field(
        default=(64, 32),
        min_length=2,
        max_length=2,
        description="channels after the first and the second layer",
    )

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write the weights of a small network that sharpens."""
        import torch
        from safetensors.torch import save_file

        network: Any = cls(**cls.examples[0]).network(bias=True)
        with torch.no_grad():
            for value in network.parameters():
                value.zero_()
            network.conv1.weight[0, 0] = -0.02
            network.conv1.weight[0, 0, 2, 2] += 1.5
            network.conv2.weight[0, 0] = 1
            network.conv3.weight[0, 0, 1, 1] = 1
        save_file(network.state_dict(), folder / "weights.safetensors")

    def network(self, *, bias: bool) -> nn.Module:
        """Return the network without weights."""
        from adversity_plugins.restoration.enlarge._srcnn_network import SRCNNNetwork

        return SRCNNNetwork(self.kernels, self.channels, bias=bias)
