"""DnCNN: a deep network that tells the noise in an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import ProjectFile, Restoration, clip
from adversity.errors import DataError, WeightsError
from adversity_plugins.restoration._weights import TRAINED_AS, fill, read_state

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

__all__ = ["DnCNN"]


class DnCNN(Restoration):
    """Take off the noise that a deep network sees in the image, with weights of yours (DnCNN).

    The published DnCNN-S for grey images is the default: 17 layers of 64 channels, 556 032 weights
    with those of the batch norms. DnCNN-B has `layers: 20`. The noise level is that of the
    training, 0 to 55/255 for DnCNN-B; the network is told none.

    No package brings pretrained weights: `weights` is a file of the project, safetensors or, if
    its name ends in .pth or .pt, a state dict of torch, of which only tensors are read. Keys are
    those of the authors' files, `model.0.weight`, `model.0.bias`, `model.2.weight` ...; whether
    there are batch norms, biases and colour the file says. Beyond the border are zeros.

    Weights for grey images denoise each channel of a colour image by itself. Those for colour
    refuse grey images: repeated in three channels their noise is no longer independent.

    Reference: Zhang, Zuo, Chen, Meng, Zhang, "Beyond a Gaussian denoiser: residual learning of
    deep CNN for image denoising", 2017.
    """

    name: ClassVar[str] = "dncnn"
    reference: ClassVar[str] = (
        "Zhang, Zuo, Chen, Meng, Zhang, Beyond a Gaussian denoiser: residual learning of deep CNN "
        "for image denoising, 2017"
    )
    differentiable: ClassVar[bool] = True
    restores: ClassVar[tuple[str, ...]] = ("gaussian_noise",)
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"weights": "weights.safetensors", "layers": 3, "channels": 2},
    )

    weights: ProjectFile = Field(
        description="the network's state dict, relative to the project: safetensors, .pth or .pt"
    )
    layers: int = Field(default=17, ge=2, le=100, description="convolutions in all")
    channels: int = Field(default=64, ge=1, le=4096, description="between the convolutions")

    _network: Any = PrivateAttr(default=None)
    _planes: int = PrivateAttr(default=1)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write the weights of a small network that takes most of what a blur takes."""
        import torch
        from safetensors.torch import save_file

        network: Any = cls(**cls.examples[0]).network(planes=1, bias=True, norm=False)
        with torch.no_grad():
            for value in network.parameters():
                value.zero_()
            first, second, last = network.model[0], network.model[2], network.model[4]
            first.weight[0], first.weight[1] = -1 / 9, 1 / 9
            first.weight[0, 0, 1, 1] += 1
            first.weight[1, 0, 1, 1] -= 1
            second.weight[0, 0, 1, 1] = second.weight[1, 1, 1, 1] = 1
            last.weight[0, 0, 1, 1], last.weight[0, 1, 1, 1] = 0.7, -0.7
        save_file(network.state_dict(), folder / "weights.safetensors")

    def network(self, *, planes: int, bias: bool, norm: bool) -> nn.Module:
        """Return the network without weights, `[N, planes, H, W]` in and out."""
        from adversity_plugins.restoration.denoise._dncnn_network import DnCNNNetwork

        return DnCNNNetwork(planes, self.layers, self.channels, bias=bias, norm=norm)

    def setup(self, device: str) -> None:
        """Load the weights.

        Raises:
            WeightsError: If the file is missing, damaged, or of another network.
        """
        super().setup(device)
        state = read_state(self.weights.path, self.name, TRAINED_AS)
        first = state.get("model.0.weight")
        self._planes = 3 if first is not None and first.ndim == 4 and first.shape[1] == 3 else 1
        network = self.network(
            planes=self._planes,
            bias="model.0.bias" in state,
            norm=any(key.endswith("running_mean") for key in state),
        )
        fill(network, state, f"{self.name}: {self.weights.text}")
        self._network = network.to(device)

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return denoised images.

        Raises:
            DataError: If the images are grey and the weights for colour.
            WeightsError: If `setup` was not called.
        """
        if self._network is None:
            raise WeightsError("dncnn: expected loaded weights, got none; call setup(device)")
        if self._planes == 1:
            apart = images.reshape(-1, 1, *images.shape[2:])
            return clip(self._network(apart).reshape(images.shape))
        if images.shape[1] != self._planes:
            raise DataError(
                f"dncnn: expected colour images [N, 3, H, W] for the colour weights in "
                f"{self.weights.text}, got {list(images.shape)}; use weights for grey images"
            )
        return clip(self._network(images))
