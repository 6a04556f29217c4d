"""What the super-resolving networks share: luma of the bicubic image in, better luma out."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import ProjectFile, Restoration, clip
from adversity.errors import WeightsError
from adversity_plugins.restoration._weights import fill, read_state

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["LumaNetwork"]

_SAVED = "save the state dict with safetensors.torch.save_file"


class LumaNetwork(Restoration):
    """Enlarge bicubically, then let a network with weights from a file better the luma."""

    differentiable: ClassVar[bool] = True
    restores: ClassVar[tuple[str, ...]] = ("downsample",)

    weights: ProjectFile = Field(
        description="safetensors with the network's state dict, relative to the project"
    )
    factor: int = Field(default=2, ge=1, le=16, description="times as high and as wide")

    _network: Any = PrivateAttr(default=None)

    @abstractmethod
    def network(self, *, bias: bool) -> nn.Module:
        """Return the network without weights; `[N, 1, H, W]` in and out."""

    def setup(self, device: str) -> None:
        """Load the weights.

        Raises:
            WeightsError: If the file is missing, damaged, or of another network.
        """
        super().setup(device)
        state = read_state(self.weights.path, self.name, _SAVED)
        network = self.network(bias=any(key.endswith(".bias") for key in state))
        fill(network, state, f"{self.name}: {self.weights.text}")
        self._network = network.to(device)

    def enlarges(self) -> int:
        """Return `factor`."""
        return self.factor

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return `[N, C, H * factor, W * factor]`.

        Raises:
            WeightsError: If `setup` was not called.
        """
        from adversity_plugins.restoration.enlarge._bicubic import enlarged, luma, reluminated

        if self._network is None:
            raise WeightsError(
                f"{self.name}: expected loaded weights, got none; call setup(device)"
            )
        large = enlarged(images, self.factor)
        before = luma(large)
        return clip(reluminated(large, self._network(before) - before))
