"""ODIN against pytorch-ood, and a linear network by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import adversity
from adversity.metrics import auroc
from adversity_plugins.uncertainty.sampling.odin import ODIN


def numbers() -> tuple[torch.Tensor, nn.Module]:
    """Draw four images and a small network."""
    draw = np.random.default_rng(7)
    images = torch.from_numpy(draw.uniform(0.2, 0.8, (4, 1, 4, 4)).astype(np.float32))
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 3))
    with torch.no_grad():
        for value in network.parameters():
            value.copy_(torch.from_numpy(draw.normal(size=tuple(value.shape)).astype(np.float32)))
    return images, network.eval()


PEER = {
    (1000.0, 0.0014): [0.664772510529, 0.665513396263, 0.665433049202, 0.664900779724],
    (2.0, 0.05): [0.0515027046204, 0.206212818623, 0.12537509203, 0.0555818676949],
}
"""One minus the largest probability of pytorch-ood 0.4.0, ODIN, float32, by temperature and eps."""


@pytest.mark.parametrize(("temperature", "eps"), PEER)
def test_as_pytorch_ood(temperature: float, eps: float) -> None:
    """With `max_softmax` behind it; float32 gives seven digits of a probability."""
    images, network = numbers()
    odin = adversity.create("uncertainty", "odin", temperature=temperature, eps=eps)
    drawn = odin(network, images, seed=0)
    found = adversity.create("uncertainty", "max_softmax")(drawn)
    np.testing.assert_allclose(found, PEER[temperature, eps], atol=5e-7)


def test_a_linear_network_by_hand() -> None:
    """The gradient of log p is w of the class less the mean of w; a moved image stays in [0, 1]."""
    rng = np.random.default_rng(1)
    weight, images = rng.normal(size=(3, 16)), rng.uniform(size=(6, 1, 4, 4)).astype(np.float32)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3, bias=False))
    with torch.no_grad():
        network[1].weight.copy_(torch.from_numpy(weight))
    flat = images.reshape(6, 16).astype(np.float64)
    logits = flat @ weight.T / 2
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    slope = weight[probs.argmax(1)] - probs @ weight
    moved = np.clip(flat + 0.1 * np.sign(slope), 0, 1)
    expected = np.exp(moved @ weight.T / 2)
    expected /= expected.sum(1, keepdims=True)
    odin = adversity.create("uncertainty", "odin", temperature=2.0, eps=0.1)
    found = odin(network.eval(), torch.from_numpy(images), seed=0).probs
    np.testing.assert_allclose(found, expected, atol=1e-6)
    away = np.exp(np.clip(flat - 0.1 * np.sign(slope), 0, 1) @ weight.T / 2)
    assert (np.abs(away / away.sum(1, keepdims=True) - expected) > 1e-3).any()


def test_the_step_makes_an_answer_surer_and_leaves_the_network() -> None:
    """The largest probability grows with eps; no parameter gets a gradient."""
    images, network = numbers()
    found = [
        adversity.create("uncertainty", "odin", temperature=1.0, eps=eps)(network, images, seed=0)
        for eps in (0.0, 0.001, 0.01)
    ]
    surest = [one.probs.amax(1) for one in found]
    assert (surest[0] < surest[1]).all()
    assert (surest[1] < surest[2]).all()
    with torch.no_grad():
        plain = network(images).double().softmax(1)
    np.testing.assert_allclose(found[0].probs, plain, atol=1e-7)
    assert all(value.grad is None for value in network.parameters())
    assert ODIN().asks_each == 2


def test_what_is_far_is_told_and_what_is_alike_is_not() -> None:
    """AUROC above .95 of images of no class, .5 within .03 of the same: 5 000 rows are 5 sigma."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 4))
    with torch.no_grad():
        network[1].weight.copy_(20 * torch.eye(4).repeat_interleave(4, 1))
        network[1].bias.zero_()
    odin = adversity.create("uncertainty", "odin")
    doubt = adversity.create("uncertainty", "max_softmax")

    def scored(seed: int, ahead: float) -> np.ndarray:
        rng = np.random.default_rng(seed)
        rows = rng.normal(0.4, 0.05, (5000, 16))
        rows.reshape(5000, 4, 4)[np.arange(5000), np.arange(5000) % 4] += ahead
        images = torch.from_numpy(rows.clip(0, 1).astype(np.float32)).reshape(-1, 1, 4, 4)
        return np.asarray(doubt(odin(network.eval(), images, seed=0)))

    known = scored(0, 0.3)
    assert auroc(known, scored(1, 0.0)).value > 0.95
    assert abs(auroc(known, scored(2, 0.3)).value - 0.5) < 0.03


def test_a_classifier_without_a_gradient_is_refused() -> None:
    """One sentence says so, and what to take."""
    images, network = numbers()

    class Cut(nn.Module):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            return network(given.detach()).detach()

    with pytest.raises(adversity.errors.AdversityError, match="moves images along a gradient"):
        ODIN().estimate((Cut(),), images, None)  # type: ignore[arg-type]
