"""What the restorations by MAXIM share: one network, and another file of weights for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import ProjectFile, Restoration, clip
from adversity.errors import WeightsError
from adversity_plugins.restoration._maxim.weights import published_weights
from adversity_plugins.restoration._weights import TRAINED_AS, fill, read_state

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from adversity import Asset

__all__ = ["Maxim"]

_REFERENCE = (
    "Tu, Talebi, Zhang, Yang, Milanfar, Bovik, Li, MAXIM: Multi-axis MLP for image processing, 2022"
)


class Maxim(Restoration):
    """Restore by MAXIM with the authors' weights, or with others of the same names.

    Images are mirrored at the lower and right border up to multiples of 64, and cut again. A grey
    image is repeated in three channels, and their mean comes back.
    """

    reference: ClassVar[str] = _REFERENCE
    weights_licence: ClassVar[str | None] = "Apache-2.0"
    differentiable: ClassVar[bool] = True
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"weights": "weights.safetensors"},)
    heavy: ClassVar[str] = "a large network"
    planted: ClassVar[tuple[float, float, float]] = (0.0, 0.0, 0.0)
    """What the example's weights add to an image: itself, its mean of 3 x 3, and 1, times this."""

    weights: ProjectFile | None = Field(
        default=None,
        description="safetensors or .pth of a MAXIM, instead of the published one's weights",
    )

    _network: Any = PrivateAttr(default=None)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write the weights of a narrow MAXIM with one stage that lets the image through."""
        import torch
        from safetensors.torch import save_file

        from adversity_plugins.restoration._maxim.network import MaximNetwork

        wide, itself, mean, offset = 4, *cls.planted
        network = MaximNetwork(stages=1, features=wide)
        kernel = torch.full((3, 3), mean / 9)
        kernel[1, 1] += itself
        with torch.no_grad():
            for value in network.parameters():
                value.zero_()
            stage: Any = network.stages[0]
            for k in range(3):
                stage.convs_in[0].weight[k, k, 1, 1] = 1
                stage.encoders[0].conv_in.weight[k, k] = 0.5  # its shortcut doubles it
                stage.encoded[0][0].conv.weight[k, k] = 1
                stage.gates[0].conv_x.weight[k, k] = 1
                stage.skipped[0][2].conv.weight[k, k] = 1
                stage.decoders[0].encoder.conv_in.weight[k, 3 * wide + k] = 0.5
                stage.conv_out.weight[k, k] = kernel
            stage.conv_out.bias[:] = offset
        save_file(network.state_dict(), folder / "weights.safetensors")

    def published(self) -> Asset:
        """Return which of `assets` has the weights."""
        return type(self).assets[0]

    def needed_assets(self) -> tuple[Asset, ...]:
        """Return the published weights, unless others are given."""
        return (self.published(),) if self.weights is None else ()

    def setup(self, device: str) -> None:
        """Load the weights.

        Raises:
            WeightsError: If they were not fetched, are damaged, or of another network.
        """
        from adversity_plugins.restoration._maxim.network import MaximNetwork

        super().setup(device)
        if self.weights is None:
            label = self.published().label
            state = published_weights(self.published(), f"{self.kind}/{self.name}")
        else:
            label = self.weights.text
            state = read_state(self.weights.path, self.name, TRAINED_AS)
        first = state.get("stages.0.convs_in.0.weight")
        stages = {key.split(".")[1] for key in state if key.startswith("stages.")}
        if first is None or first.ndim == 0:
            raise WeightsError(
                f"{self.name}: expected the weights of a MAXIM in {label}, got a file without "
                f"stages.0.convs_in.0.weight; {TRAINED_AS}"
            )
        network = MaximNetwork(stages=len(stages), features=len(first))
        fill(network, state, f"{self.name}: {label}")
        self._network = network.to(device)

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return better images.

        Raises:
            WeightsError: If `setup` was not called.
        """
        from adversity_plugins.restoration._maxim.network import MULTIPLE
        from adversity_plugins.restoration._whole_blocks import in_whole_blocks

        if self._network is None:
            raise WeightsError(
                f"{self.name}: expected loaded weights, got none; call setup(device)"
            )
        answer = in_whole_blocks(self._network, images.expand(-1, 3, -1, -1), MULTIPLE)
        return clip(answer.mean(1, keepdim=True) if images.shape[1] == 1 else answer)
