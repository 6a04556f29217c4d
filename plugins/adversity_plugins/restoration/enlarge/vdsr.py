"""VDSR: super-resolution by a network of twenty layers that adds the missing detail."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (pydantic reads the claims)
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity_plugins.restoration.enlarge._luma_network import LumaNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

__all__ = ["VDSR"]


class VDSR(LumaNetwork):
    """Enlarge bicubically, then add the detail that a deep network sees missing in the luma.

    The published 20 layers of 64 channels (664 704 weights, with biases 665 921) are the default.
    One set of weights serves all factors, as it was trained. No package brings pretrained ones:
    `weights` is a file of the project, safetensors with `layers.0.weight` to `layers.19.weight`,
    with `layers.N.bias` or without. The network works on Y of YCbCr from 16/255 to 235/255, Cb and
    Cr are bicubic; a grey image is given to it as it is.

    Reference: Kim, Lee, Lee, "Accurate image super-resolution using very deep convolutional
    networks", 2016.
    """

    name: ClassVar[str] = "vdsr"
    reference: ClassVar[str] = (
        "Kim, Lee, Lee, Accurate image super-resolution using very deep convolutional networks, "
        "2016"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"weights": "weights.safetensors", "layers": 3, "channels": 2},
    )

    layers: int = Field(default=20, ge=2, le=100, description="convolutions in all")
    channels: int = Field(default=64, ge=1, le=4096, description="between the convolutions")

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write the weights of a small network that adds a little of what a blur takes away."""
        import torch
        from safetensors.torch import save_file

        network: Any = cls(**cls.examples[0]).network(bias=True)
        with torch.no_grad():
            for value in network.parameters():
                value.zero_()
            first, second, last = network.layers
            first.weight[0], first.weight[1] = -1 / 9, 1 / 9
            first.weight[0, 0, 1, 1] += 1
            first.weight[1, 0, 1, 1] -= 1
            second.weight[0, 0, 1, 1] = second.weight[1, 1, 1, 1] = 1
            last.weight[0, 0, 1, 1], last.weight[0, 1, 1, 1] = 0.5, -0.5
        save_file(network.state_dict(), folder / "weights.safetensors")

    def network(self, *, bias: bool) -> nn.Module:
        """Return the network without weights."""
        from adversity_plugins.restoration.enlarge._vdsr_network import VDSRNetwork

        return VDSRNetwork(self.layers, self.channels, bias=bias)
