"""Random mixtures of other degradations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import Field, model_validator

from adversity import Degradation, Plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from adversity import SampleRng


class _OfThePlugin:
    """A claim that a mixture has by its parameters; of the class it is true."""

    def __init__(self, holds: Callable[[Compose], bool]) -> None:
        self._holds = holds

    def __get__(self, plugin: Compose | None, owner: type) -> bool:
        return plugin is None or self._holds(plugin)


class Compose(Degradation):
    """Degrade each image in several ways, drawn for it alone: which, in what order, how strongly.

        x_0 = x,   x_k = (1 - s_k) x_(k-1) + s_k d_k(x_(k-1))

    The d_k are `count` of the `parts`, each set of them as likely as another, in the order in which
    they are written or in a random one, and s_k is uniform in `strength`; 1 is the part itself.
    Real images rarely have one fault alone.

    It tells no side information: what a part says of its images does not hold of the mixture.

    Reference: Zhang, Liang, Van Gool, Timofte, "Designing a practical degradation model for deep
    blind image super-resolution", 2021 (random orders of blur, noise and more).
    """

    name: ClassVar[str] = "compose"
    reference: ClassVar[str] = (
        "Zhang, Liang, Van Gool, Timofte, Designing a practical degradation model for deep blind "
        "image super-resolution, 2021"
    )
    image_channels: ClassVar[None] = None
    differentiable: ClassVar[bool] = cast(
        "bool", _OfThePlugin(lambda one: all(part.plugin.differentiable for part in one.parts))
    )
    stochastic: ClassVar[bool] = cast("bool", _OfThePlugin(lambda one: one.draws))
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {
            "parts": [
                {"uses": "gaussian_blur", "with": {"severity": 1}},
                {"uses": "gaussian_noise", "with": {"severity": 2}},
                {"uses": "contrast", "with": {"severity": 2}},
            ],
            "count": 2,
            "order": "random",
            "strength": [0.5, 1],
        },
    )

    parts: Annotated[
        tuple[Plugin[Degradation], ...],
        Field(min_length=1, description="the degradations, each {uses, with}"),
    ]
    count: int | None = Field(
        default=None, ge=1, description="how many of them an image gets; None: all"
    )
    order: Literal["given", "random"] = Field(
        default="given", description="given: as they are written; random: drawn for each image"
    )
    strength: tuple[float, float] = Field(
        default=(1.0, 1.0),
        description="lowest and highest share of a part in what it makes, from 0 to 1",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for part in self.parts:
            if part.plugin.resizes:
                raise ValueError(
                    f"parts: {part.plugin.name} changes the size of images, and what it makes "
                    "cannot be mixed with them; write it as a step of its own"
                )
        if self.count is not None and self.count > len(self.parts):
            raise ValueError(
                f"count: expected at most the {len(self.parts)} parts, got {self.count}"
            )
        low, high = self.strength
        if not 0 <= low <= high <= 1:
            raise ValueError(
                f"strength: expected [lowest, highest] within 0 to 1, got [{low:g}, {high:g}]"
            )
        return self

    @property
    def draws(self) -> bool:
        """Whether another seed may give another image."""
        chosen = self.count is not None and self.count < len(self.parts)
        shuffled = self.order == "random" and len(self.parts) > 1
        graded = self.strength[0] < self.strength[1]
        return chosen or shuffled or graded or any(part.plugin.stochastic for part in self.parts)

    def takes_channels(self) -> tuple[int, ...] | None:
        """Return the numbers of channels that every part takes."""
        given = [part.plugin.takes_channels() for part in self.parts]
        some = [set(channels) for channels in given if channels is not None]
        return tuple(sorted(set.intersection(*some))) if some else None

    def degrade(self, images: Tensor, rng: SampleRng) -> Tensor:
        """Return each image with the parts that are drawn for it."""
        import torch

        parts = len(self.parts)
        ranks = rng.child("which").uniform((parts,)).argsort(1)[:, : self.count]
        low, high = self.strength
        shares = low + (high - low) * rng.child("strength").uniform((parts,))
        if self.order == "given":
            ranks = ranks.sort(1).values
        rows = [
            self._through(images[row : row + 1], ranks[row], shares[row], rng.rows([row]))
            for row in range(len(images))
        ]
        return torch.cat(rows)

    def _through(self, image: Tensor, which: Tensor, shares: Tensor, rng: SampleRng) -> Tensor:
        """Degrade one image, `[1, C, H, W]`, by some parts after the other."""
        for number in which.tolist():
            worse = self.parts[number](image, rng.child(number))
            share = shares[number].item()
            image = worse if share == 1 else image.lerp(worse, share)
        return image
