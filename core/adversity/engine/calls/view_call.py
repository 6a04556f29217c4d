"""What the final calls of degradations and restorations share: images in, images out.

One that is differentiable is differentiated. One that is not runs as it is forward and
is replaced backward (BPDA: Athalye, Carlini, Wagner, "Obfuscated gradients give a false
sense of security", 2018, section 4): by the plugin's own surrogate, else by the identity,
else, where sizes change, by an antialiased resize.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from adversity.engine.calls.final_call import FinalCall
from adversity.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from adversity.seeding import SampleRng

__all__ = ["Passed", "ViewCall"]


@dataclass(frozen=True, slots=True)
class Passed:
    """Images that went through a view.

    Attributes:
        images: `[N, C, H, W]` float32 in [0, 1].
        side: All side information so far, each with first axis N.
        origin: For each need of a restoration, where it came from.
        found: What a restoration found out of the images that came in, under `STEP.NAME`.
    """

    images: Tensor
    side: Mapping[str, Tensor]
    origin: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[str, Tensor] = field(default_factory=dict)


class ViewCall(FinalCall):
    """The final call of a kind that makes images of images: what stages and chains go through."""

    worsens: ClassVar[bool] = False
    """What went in is clean, from now on, if nothing was before."""

    def enlarges(self) -> int:
        """Return by what H and W of what it gives are those of what it gets, as far as is known."""
        return 1

    @abstractmethod
    def passed(self, images: Tensor, side: Mapping[str, Tensor], rng: SampleRng) -> Passed:
        """Run it without a gradient, with every check; `rng` has the ids for messages."""

    @abstractmethod
    def _differentiated(self, images: Tensor, side: Mapping[str, Tensor], rng: SampleRng) -> Passed:
        """Run it through its own gradient."""

    def traced(self, images: Tensor, side: Mapping[str, Tensor], rng: SampleRng) -> Passed:
        """Run it so that the answer can be differentiated in `images`."""
        from adversity.engine.calls.straight_through import straight_through

        if self.ready.plugin.differentiable:
            return self._differentiated(images, side, rng)
        real = self.passed(images.detach(), side, rng)
        return replace(
            real, images=straight_through(real.images, self.stand_in(images, real.images))
        )

    def stand_in(self, images: Tensor, real: Tensor) -> Tensor:
        """Return what is differentiated in the place of an answer, at the answer's size."""
        import torch

        if images.shape == real.shape:
            return images
        if images.shape[:2] != real.shape[:2]:
            raise PluginError(
                f"expected a surrogate of shape {list(real.shape)}, got {list(images.shape)}"
            )
        return torch.nn.functional.interpolate(
            images, size=real.shape[-2:], mode="bilinear", antialias=True, align_corners=False
        )
