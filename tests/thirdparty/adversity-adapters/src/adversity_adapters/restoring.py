"""What the adapters of restorers share: a network of another library, built in `setup`."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import PrivateAttr

from adversity import Restoration, clip

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PeerDenoiser"]


class PeerDenoiser(Restoration):
    """A denoiser that learns nothing: `network(images, strength)`."""

    restores: ClassVar[tuple[str, ...]] = ("gaussian_noise",)

    _network: Any = PrivateAttr(default=None)

    def setup(self, device: str) -> None:
        """Build the library's network on `device`."""
        super().setup(device)
        self._network = self.build().to(device)

    @abstractmethod
    def build(self) -> Any:
        """Return the library's network."""

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return what the network returns, cut to [0, 1].

        A denoiser of any signals promises no range; images end at 0 and 1.
        """
        return clip(self.denoise(images, *needs.values()))

    def denoise(self, images: Tensor, *needs: Tensor) -> Tensor:
        """Call the network."""
        return self._network(images, *needs)
