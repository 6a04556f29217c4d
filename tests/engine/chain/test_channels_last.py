"""A convolutional network gets its images channels innermost, where it takes them so."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

import adversity
from adversity.engine.chain.channels_last import accepts_channels_last, channels_last


class Flattened(torch.nn.Module):
    """A convolution and a linear layer, with the tensor in between flattened as told."""

    def __init__(self, flatten: str, channels: int = 3) -> None:
        super().__init__()
        self.flatten = flatten
        self.calls = 0
        self.body = torch.nn.Sequential(
            torch.nn.Conv2d(channels, 6, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)
        )
        self.head = torch.nn.Linear(6 * 16, 5)

    def forward(self, images: Any) -> Any:
        self.calls += 1
        features = self.body(images)
        if self.flatten == "view":
            return self.head(features.view(len(features), -1))
        if self.flatten == "memory":  # reads the values as they lie in memory
            return self.head(features.as_strided((len(features), 96), (96, 1)))
        return self.head(features.flatten(1))


class StridesSeen(Flattened):
    """Remembers the strides of what it is given."""

    def forward(self, images: Any) -> Any:
        self.strides = images.stride()
        return super().forward(images)


def made(kind: type[Flattened], *args: Any) -> Any:
    """Return a network whose weights are the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return kind(*args).eval()


def inputs(rows: int, channels: int = 3) -> Any:
    """Return `[rows, channels, 8, 8]` in [0, 1]."""
    return torch.rand((rows, channels, 8, 8), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("channels", [1, 3])
def test_values_and_gradients_keep_their_places(channels: int) -> None:
    """Only the strides change, also of images of one channel; the gradient has the usual ones."""
    images = inputs(2, channels).requires_grad_()
    turned = channels_last(images)
    assert torch.equal(turned, images)
    assert turned.stride() == (64 * channels, 1, 8 * channels, channels)
    weights = torch.arange(128.0 * channels).view_as(images)
    (gradient,) = torch.autograd.grad((turned * weights).sum(), images)
    assert torch.equal(gradient, weights)
    assert gradient.is_contiguous()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_convolutional_network_is_handed_the_quick_layout(channels: int) -> None:
    """And its answers are those of the usual layout, to float32's rounding."""
    network, images = made(StridesSeen, "flatten", channels), inputs(7, channels)
    target = adversity.target(network).bind([str(row) for row in range(7)])
    found = target.logits(images)
    assert network.strides[1] == 1
    assert float((found - network(images)).detach().abs().max()) < 1e-6


@pytest.mark.parametrize("flatten", ["view", "memory"])
def test_a_network_that_needs_the_usual_layout_gets_it(flatten: str) -> None:
    """One would raise an error, the other answer something else without one."""
    network, images = made(StridesSeen, flatten), inputs(7)
    if flatten == "view":
        with pytest.raises(RuntimeError, match="view"):
            network(channels_last(images))
    else:
        assert not torch.allclose(network(channels_last(images)), network(images), atol=1e-3)
    target = adversity.target(network).bind([str(row) for row in range(7)])
    found = target.logits(images)
    assert network.strides == (192, 64, 8, 1)
    assert float((found - network(images)).detach().abs().max()) < 1e-6


def test_a_network_without_convolutions_is_left_alone() -> None:
    """A layout would gain it nothing."""
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 5))
    assert not accepts_channels_last(network, inputs(2))


def test_the_trial_leaves_the_network_and_the_random_state_alone() -> None:
    """A copy is tried: no call, no buffer, no mode and no random number of the network's own."""
    network = made(Flattened, "flatten")
    network.body.append(torch.nn.BatchNorm2d(6)).append(torch.nn.Dropout(0.5))
    network.train()
    before, state = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    assert accepts_channels_last(network, inputs(2))
    assert network.calls == 0
    assert network.training
    assert all(weight.requires_grad for weight in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


class Unsteady(Flattened):
    """Answers with noise from the global generator."""

    def forward(self, images: Any) -> Any:
        return super().forward(images) + torch.rand(len(images), 5)


@pytest.mark.parametrize("images", [inputs(2).double(), inputs(2)[0]])
def test_other_inputs_are_left_alone(images: Any) -> None:
    """Only float32 images in a batch are turned."""
    assert not accepts_channels_last(made(Flattened, "flatten"), images)


def test_a_network_that_draws_numbers_is_left_alone() -> None:
    """Its two answers differ by more than rounding."""
    assert not accepts_channels_last(made(Unsteady, "flatten"), inputs(2))


def test_the_same_bits_alone_and_in_any_batch() -> None:
    """The layout does not weaken the promise of the blocks: values and gradients, bit for bit."""
    network, images = made(Flattened, "flatten"), inputs(70)
    labels = network(images).argmax(1)
    attack = adversity.create("attack", "pgd", norm="l2", eps=0.5, steps=5, random_start=False)
    together = attack(adversity.target(network), images, labels).images
    rows = torch.tensor([69, 3, 17])
    apart = attack(adversity.target(network), images[rows], labels[rows]).images
    assert torch.equal(apart, together[rows])
    assert bool((together != images).any())
