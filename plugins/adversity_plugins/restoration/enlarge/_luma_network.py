"""What the super-resolving networks share: luma of the bicubic image in, better luma out."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import ProjectFile, Restoration, clip
from adversity.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

__all__ = ["LumaNetwork"]

_SHOWN = 3


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
        state = _read(self.weights.path, self.name)
        network = self.network(bias=any(key.endswith(".bias") for key in state))
        _fill(network, state, f"{self.name}: {self.weights.text}")
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


def _read(path: Path, name: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{name}: expected safetensors in {path.name}, got another or a damaged file "
            f"({error}); save the state dict with safetensors.torch.save_file"
        ) from error


def _fill(network: nn.Module, state: Mapping[str, Tensor], label: str) -> None:
    """Put weights into a network that fit it exactly, and switch it to evaluation for good."""
    own = network.state_dict()
    faults = [f"no {key}" for key in own if key not in state]
    faults += [f"{key} beside" for key in state if key not in own]
    faults += [
        f"{key} of {list(state[key].shape)} instead of {list(value.shape)}"
        for key, value in own.items()
        if key in state and state[key].shape != value.shape
    ]
    faults += [
        f"{key} with NaN or infinity"
        for key, value in state.items()
        if not bool(value.isfinite().all())
    ]
    if faults:
        more = ", ..." if len(faults) > _SHOWN else ""
        raise WeightsError(
            f"{label}: expected the state dict of this network, got a file with "
            f"{', '.join(faults[:_SHOWN])}{more}; give the parameters with which it was trained, "
            "or another file"
        )
    network.load_state_dict({key: value.float() for key, value in state.items()})
    network.eval().requires_grad_(requires_grad=False)
