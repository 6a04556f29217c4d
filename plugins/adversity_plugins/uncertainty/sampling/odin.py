"""ODIN: a high temperature, and a small step that makes the answer surer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity import Predictive, Sampling
from adversity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity import Model, SampleRng

__all__ = ["ODIN"]


class ODIN(Sampling):
    """A network's answer at a high temperature, to the image moved towards its predicted class.

    Each image is moved by eps along the sign of the gradient of the log of its largest probability,
    at the temperature, and asked about again. Images that the network was trained for get surer by
    that than others do: `max_softmax` behind this is the score of the paper. At a temperature of 1000
    all probabilities are near 1/K, and differ by some thousandths of that; float32, in which tables
    keep them, leaves four digits of the difference.

    It needs the gradient by the image. We differ from the paper in that eps is in image values from
    0 to 1, and not in those after the network's normalisation, and that a moved image stays in that
    range.
    """

    name: ClassVar[str] = "odin"
    reference: ClassVar[str] = (
        "S. Liang, Y. Li, R. Srikant, Enhancing the reliability of out-of-distribution image "
        "detection in neural networks, 2018, equations 1 and 2"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({}, {"eps": 0.01, "temperature": 2.0})

    temperature: float = Field(
        1000.0, gt=0, le=1e6, description="What logits are divided by; the paper takes 1000."
    )
    eps: float = Field(
        0.0014, ge=0, le=1, description="How far an image value is moved, on the scale from 0 to 1."
    )

    @property
    def asks_each(self) -> int:
        """Once for the gradient, once for the answer."""
        return 2

    def estimate(self, models: Sequence[Model], images: Tensor, rng: SampleRng) -> Predictive:
        """Return a `Predictive` with `members` `[M, N, K]` float64, one of each model.

        Raises:
            InputError: A model has no gradient by the image.
        """
        import torch

        members = []
        for model in models:
            moved = (images + self.eps * self._gradient(model, images).sign()).clamp(0, 1)
            members.append((model(moved).double() / self.temperature).softmax(1))
        return Predictive(members=torch.stack(members))

    def _gradient(self, model: Model, images: Tensor) -> Tensor:
        """Return the gradient of the log of the largest probability, like the images."""
        import torch

        with torch.enable_grad():
            asked = images.detach().clone().requires_grad_()
            logits = model(asked)
            if not logits.requires_grad:
                raise InputError(
                    "odin moves images along a gradient, and the classifier has none: expected a "
                    "network that torch can differentiate; take max_softmax or energy for this one"
                )
            largest = (logits.double() / self.temperature).log_softmax(1).amax(1)
            (gradient,) = torch.autograd.grad(largest.sum(), asked)
        return gradient
