"""The check at the bounds: what it finds, what it leaves to others, and slopes that are infinite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from adversity import clip
from adversity.testing.common.bounds import hidden_bounds
from adversity.testing.common.gradients import AGREEMENT
from adversity.testing.inputs.images import image_cases

if TYPE_CHECKING:
    from collections.abc import Callable

ONE, NOUGHT = torch.tensor(1.0), torch.tensor(0.0)


def rounded_up(images: torch.Tensor) -> torch.Tensor:
    """Return the images but for rounding: weights that sum to a few spacings more than 1."""
    return 1.0000005 * images


class Root(torch.autograd.Function):
    """A square root with the slope at 1e-4 for what is darker, as gamma correction has it."""

    @staticmethod
    def forward(ctx: object, values: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(values)  # type: ignore[attr-defined]
        return values.sqrt()

    @staticmethod
    def backward(ctx: object, gradient: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        (values,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return gradient * 0.5 / values.clamp_min(1e-4).sqrt()


SOUND: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "identity": lambda images: 1 * images,
    "clip": lambda images: clip(1 * images),
    "brightened and clipped": lambda images: clip(1.3 * images),
    "rounded up and clipped": lambda images: clip(rounded_up(images)),
    "root": lambda images: Root.apply(images),
}
HIDING: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "clamp": lambda images: images.clamp(0, 1),
    "clip of torch": lambda images: torch.clip(images, 0, 1),
    "hardtanh": lambda images: torch.nn.functional.hardtanh(images, 0, 1),
    "relu": torch.relu,
    "minimum": lambda images: torch.minimum(images, ONE.to(images)),
    "maximum": lambda images: torch.maximum(images, NOUGHT.to(images)),
    "brightened and clamped": lambda images: (1.3 * images).clamp(0, 1),
    "rounded up and clamped": lambda images: rounded_up(images).clamp(0, 1),
    "detached at the bounds": lambda images: torch.where(images > 0, images, images.detach()),
    "NaN at 0": lambda images: torch.where(images == 0, 0 * images, images.square() / images),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_function_passes(name: str) -> None:
    """The closed interval's derivative, rounding beyond white, and an infinite slope that is cut."""
    for case in image_cases()[:2]:
        assert hidden_bounds(SOUND[name], case)[0] <= AGREEMENT


@pytest.mark.parametrize("name", HIDING)
def test_what_hides_the_bounds_is_found(name: str) -> None:
    """Nought or half of a slope at 0, at 1, or in white areas that rounding put beyond 1."""
    gap, words = hidden_bounds(HIDING[name], image_cases()[0])
    assert gap > 0.3
    assert "expected pixels of exactly" in words


def test_a_gradient_that_is_wrong_everywhere_is_left_to_the_other_check() -> None:
    """Half a gradient is as wrong inside: nothing is said of the bounds."""
    gap, _ = hidden_bounds(lambda images: (images + images.detach()) / 2, image_cases()[0])
    assert gap == 0
