"""What the adapters of attacks share: parameters by our names, the victim as a network."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from adversity import Attack

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target
    from adversity_adapters.victim_network import VictimNetwork

__all__ = ["PeerAttack", "PeerGradientAttack", "PeerTargetedAttack"]


class PeerAttack(Attack):
    """An attack of another library."""

    stochastic: ClassVar[bool] = False

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Hand everything to the library and return what it returns.

        The libraries take one seed a call, not one a sample: it is the sum of the samples'
        seeds, so that it does not depend on their order.
        """
        from adversity_adapters.victim_network import VictimNetwork

        network = VictimNetwork(target, images)
        seed = int(rng.seeds().sum(dtype="uint64")) % 2**32
        return self.run(network, images, labels, seed)

    @abstractmethod
    def run(self, network: VictimNetwork, images: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Call the library.

        Args:
            network: From images to logits.
            images: `[N, C, H, W]` float32 in [0, 1].
            labels: `[N]` int64, the true classes.
            seed: For libraries that draw random numbers.
        """


class PeerGradientAttack(PeerAttack):
    """One that takes `steps` steps within `eps`; a class adds the norms that it knows."""

    eps: float = Field(gt=0, description="radius on the [0, 1] scale, e.g. 8/255")
    steps: int = Field(default=20, ge=1)
    step_size: float | None = Field(default=None, gt=0, description="2.5 * eps / steps if left out")

    @property
    def length(self) -> float:
        """The length of a step."""
        return self.step_size if self.step_size is not None else 2.5 * self.eps / self.steps


class PeerTargetedAttack(PeerGradientAttack):
    """One that can also be asked for a class: `labels` are then the wanted ones."""

    targeted: bool = False
    target: Literal["next", "random", "least_likely"] | int = "next"
