"""SRN: one network three times, at three sizes, that remembers what it saw at the smaller ones."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (pydantic reads the claims)
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from adversity_plugins.restoration._colour_network import ColourNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

__all__ = ["SRN"]

_WRAPPED = ("module.", "model.", "g_net.", "LSTM.")
"""What programs put before the names of layers; the last two are the authors'."""


class SRN(ColourNetwork):
    """Take motion blur off from coarse to fine with one network that remembers, told no kernel (SRN).

    The published network of encoders and decoders with 32, 64 and 128 channels and 5 x 5 pixels,
    the same at each of three sizes. `model` says which of the authors' three: `lstm`, the paper's,
    with a convolutional LSTM between encoder and decoder, whose state goes on from size to size,
    8 056 609 weights; `gray`, without it, 6 876 449; both restore each channel by itself. `color`
    has no memory and sees the three channels at once, 6 881 251. Images are mirrored up to
    multiples of 16 pixels, where that program has all of one size, and cut again.

    No package brings pretrained weights: `weights` is a file of the project, safetensors or, if
    its name ends in .pth or .pt, a state dict of torch, of which only tensors are read. The
    authors' own files are TensorFlow's: names are those of their variables, `enc1_1.weight`,
    `enc1_2.conv1.weight` ... `convLSTM.LSTM_conv.weight`, with `g_net.` before them or not, and
    axes are torch's.

    Reference: Tao, Gao, Shen, Wang, Jia, "Scale-recurrent network for deep image deblurring",
    2018.
    """

    name: ClassVar[str] = "srn"
    reference: ClassVar[str] = (
        "Tao, Gao, Shen, Wang, Jia, Scale-recurrent network for deep image deblurring, 2018"
    )
    restores: ClassVar[tuple[str, ...]] = ("blur",)
    multiple: ClassVar[int] = 16
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"weights": "weights.safetensors", "channels": 2},
    )

    model: Literal["lstm", "gray", "color"] = Field(
        default="lstm",
        description="lstm: with a memory, channel by channel; gray: without; color: without, of "
        "three channels",
    )
    channels: int = Field(
        default=32, ge=1, le=1024, description="at full size, twice as many at each half"
    )

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write the weights of a narrow network that sharpens a little."""
        import torch
        from safetensors.torch import save_file

        network: Any = cls(**cls.examples[0]).network()
        with torch.no_grad():
            for value in network.parameters():
                value.zero_()
            # What comes in, and its mean over 3 x 3 pixels.
            network.enc1_1.weight[0, 0, 2, 2] = 1
            network.enc1_1.weight[1, 0, 1:4, 1:4] = 1 / 9
            network.dec1_0.weight[0, 0, 2, 2] = 1.2
            network.dec1_0.weight[0, 1, 2, 2] = -0.2
        save_file(network.state_dict(), folder / "weights.safetensors")

    def network(self) -> nn.Module:
        """Return the network without weights; `[N, 1 or 3, H, W]` in [0, 1] in and out."""
        from adversity_plugins.restoration.deblur._srn_network import SRNNetwork

        return SRNNetwork(planes=self._planes(), channels=self.channels, lstm=self.model == "lstm")

    def _planes(self) -> int:
        return 3 if self.model == "color" else 1

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
        planes = images.reshape(-1, self._planes(), *images.shape[2:])
        answer: Tensor = self._network(planes)
        return answer.reshape(images.shape)
