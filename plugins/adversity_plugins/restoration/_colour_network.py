"""What networks for colour images with weights of the user's share."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import ProjectFile, Restoration, clip
from adversity.errors import WeightsError
from adversity_plugins.restoration._weights import TRAINED_AS, fill, read_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

__all__ = ["ColourNetwork"]


class ColourNetwork(Restoration):
    """Run a network on colour images; a grey one is repeated in three channels and averaged after.

    Sizes that the network does not take are mirrored up to the next that it does, and cut again.
    """

    differentiable: ClassVar[bool] = True
    multiple: ClassVar[int] = 1
    """Height and width the network takes are multiples of this."""

    weights: ProjectFile = Field(
        description="the network's state dict, relative to the project: safetensors, .pth or .pt"
    )

    _network: Any = PrivateAttr(default=None)

    @abstractmethod
    def network(self) -> nn.Module:
        """Return the network without weights; `[N, 3, H, W]` in and out."""

    def own_keys(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return a file's tensors under the names that the network has; the default keeps them."""
        return dict(state)

    def setup(self, device: str) -> None:
        """Load the weights.

        Raises:
            WeightsError: If the file is missing, damaged, or of another network.
        """
        super().setup(device)
        state = read_state(self.weights.path, self.name, TRAINED_AS)
        network = self.network()
        fill(network, self.own_keys(state), f"{self.name}: {self.weights.text}")
        self._network = network.to(device)

    def restored(self, images: Tensor) -> Tensor:
        """Return what the network makes of colour images in [0, 1], not limited; H and W fit."""
        answer: Tensor = self._network(images)
        return answer

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return better images.

        Raises:
            WeightsError: If `setup` was not called.
        """
        from adversity_plugins.restoration._whole_blocks import in_whole_blocks

        if self._network is None:
            raise WeightsError(
                f"{self.name}: expected loaded weights, got none; call setup(device)"
            )
        colour = images.expand(-1, 3, -1, -1)
        answer = in_whole_blocks(self.restored, colour, self.multiple)
        return clip(answer.mean(1, keepdim=True) if images.shape[1] == 1 else answer)
