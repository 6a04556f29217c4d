"""Pixels that no gradient feels and that change the answer; and networks that are not accused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import adversity
from adversity import clip

if TYPE_CHECKING:
    from collections.abc import Callable


def digits(count: int) -> torch.Tensor:
    """Return images `[count, 3, 16, 16]`: about a third of each is exactly 0."""
    draw = torch.Generator().manual_seed(2)
    values = torch.rand(count, 3, 16, 16, generator=draw)
    return (1.5 * values - 0.5).clamp(0, 1)


class Behind(nn.Module):
    """A small network with ReLUs and pooling, behind a function of the images."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function
        draw = torch.Generator().manual_seed(0)
        layers = [nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3), nn.Linear(8 * 49, 5)]
        for layer in layers:
            for values in layer.parameters():
                with torch.no_grad():
                    values.copy_(0.3 * torch.randn(values.shape, generator=draw))
        first, second, last = layers
        self.network = nn.Sequential(
            first, nn.ReLU(), nn.MaxPool2d(2), nn.ReLU(), nn.ZeroPad2d((1, 2, 1, 2)), second,
            nn.ReLU(), nn.AdaptiveAvgPool2d(7), nn.Flatten(), last,
        )  # fmt: skip

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(self.function(images))
        return logits


def _rounded_red(images: torch.Tensor) -> torch.Tensor:
    return torch.cat([(images[:, :1] * 255).round() / 255, images[:, 1:]], 1)


def _cropped(images: torch.Tensor) -> torch.Tensor:
    return functional.pad(images[..., 3:-3, 3:-3], (3, 3, 3, 3))


def _at_rest(images: torch.Tensor) -> torch.Tensor:
    """Behind a ReLU that is at rest for dark pixels, by a tenth of a grey level or more."""
    return torch.relu(images - 0.3)


HIDING = {
    "clamped": lambda images: images.clamp(0, 1),
    "ReLU6": lambda images: functional.relu6(6 * images) / 6,
    "red rounded": _rounded_red,
    "partly detached": lambda images: torch.cat([images[:, :1].detach(), images[:, 1:]], 1),
}
HONEST = {
    "as it is": lambda images: images,
    "clipped": clip,
    "cropped": _cropped,
    "at rest": _at_rest,
    "every second pixel": lambda images: images[..., ::2, ::2].repeat(1, 1, 2, 2),
}


def _flag(function: Any, **given: Any) -> float:
    images, network = digits(20), Behind(function)
    labels = network(images).argmax(1)
    parameters = {"eps": 8 / 255, "random_start": False, "steps": 2, **given}
    attack = adversity.create("attack", "pgd", **parameters)
    return float(attack(adversity.target(network), images, labels).flags["hidden_pixels"])


@pytest.mark.parametrize("name", HIDING)
def test_a_network_that_hides_pixels_is_flagged(name: str) -> None:
    """Clamped at the bounds, rounded or detached: all 16 samples that are looked at."""
    assert _flag(HIDING[name]) == 1


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_network_is_not_accused(name: str) -> None:
    """ReLUs at rest, crops and strides have pixels without a gradient, which change nothing."""
    assert _flag(HONEST[name]) == 0


@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_the_norm_does_not_matter(norm: str) -> None:
    """It is looked at where the attack starts, whatever its budget."""
    given = {"norm": norm, "eps": 1.0}
    assert _flag(HIDING["clamped"], **given) == 1
    assert _flag(HONEST["clipped"], **given) == 0


def test_an_attack_without_gradients_says_nothing_of_them() -> None:
    """Square asks for scores; there is nothing that could be hidden from it."""
    images, network = digits(4), Behind(HIDING["clamped"])
    labels = network(images).argmax(1)
    square = adversity.create("attack", "square", eps=8 / 255, queries=20)
    assert "hidden_pixels" not in square(adversity.target(network), images, labels).flags


def test_the_look_is_not_charged() -> None:
    """Three steps cost three queries and three gradients, also where pixels are hidden."""
    images = digits(20)
    pgd = adversity.create("attack", "pgd", eps=8 / 255, steps=3)
    network = Behind(HIDING["clamped"])
    labels = network(images).argmax(1)
    found = pgd(adversity.target(network), images, labels)
    assert found.flags["hidden_pixels"] == 1
    assert found.queries.tolist() == [3] * 20
    assert found.gradients.tolist() == [3] * 20
