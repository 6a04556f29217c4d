"""AOD-Net: a small network that gives the clear image at once."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (pydantic reads the claims)
from typing import TYPE_CHECKING, Any, ClassVar

from adversity_plugins.restoration._colour_network import ColourNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

__all__ = ["AODNet"]

_OTHERS = "e_"
"""Begins the names of layers in the widespread files of PyTorch."""


class AODNet(ColourNetwork):
    """Remove haze by a small network that finds one factor for a pixel, with weights of yours.

    out = K(in) in - K(in) + 1, with K of five convolutions of three channels, 1 761 weights with
    the biases. Transmission and airlight stand in K together; neither is found.

    No package brings pretrained weights: `weights` is a file of the project, safetensors or, if
    its name ends in .pth or .pt, a state dict of torch, of which only tensors are read. Keys are
    `conv1.weight`, `conv1.bias` ... or `e_conv1.weight`, as in files for PyTorch. Beyond the
    border are zeros. A grey image is repeated in three channels, and their mean comes back.

    Reference: Li, Peng, Wang, Xu, Feng, "AOD-Net: All-in-one dehazing network", 2017.
    """

    name: ClassVar[str] = "aod_net"
    reference: ClassVar[str] = (
        "Li, Peng, Wang, Xu, Feng, AOD-Net: All-in-one dehazing network, 2017"
    )
    restores: ClassVar[tuple[str, ...]] = ("haze",)
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"weights": "weights.safetensors"},)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write weights that take a veil of white off, the thicker the lighter a pixel is."""
        import torch
        from safetensors.torch import save_file

        network: Any = cls(**cls.examples[0]).network()
        with torch.no_grad():
            for value in network.parameters():
                value.zero_()
            network.conv1.weight[0, 0], network.conv1.bias[0] = 0.5, 0.1  # no ReLU just at its kink
            network.conv5.weight[:, 0, 1, 1] = 0.3
            network.conv5.bias[:] = 1.2
        save_file(network.state_dict(), folder / "weights.safetensors")

    def network(self) -> nn.Module:
        """Return the network without weights."""
        from adversity_plugins.restoration.dehaze._aod_network import AODNetwork

        return AODNetwork()

    def own_keys(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors with `e_conv1` called `conv1`, and so on."""
        return {key.removeprefix(_OTHERS): value for key, value in state.items()}
