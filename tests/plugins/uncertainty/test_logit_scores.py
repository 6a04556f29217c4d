"""Energy and the largest logit, against SciPy, closed forms and pytorch-ood."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

import adversity
from adversity import Predictive
from adversity.errors import DataError
from adversity_plugins.uncertainty.score.energy import Energy
from adversity_plugins.uncertainty.score.max_logit import MaxLogit


def logits(rows: int, classes: int, seed: int = 0) -> torch.Tensor:
    """Draw logits."""
    return 3 * torch.from_numpy(np.random.default_rng(seed).normal(size=(rows, classes)))


@pytest.mark.parametrize("temperature", [0.1, 1.0, 2.5, 1000.0])
def test_energy_is_scipys(temperature: float) -> None:
    """Minus T log sum exp, in nats of the logits' unit."""
    given_ = logits(40, 7)
    found = Energy(temperature=temperature).score(Predictive(logits=given_))
    expected = -temperature * logsumexp(given_.numpy() / temperature, axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found.dtype == torch.float64


def test_alike_logits_by_hand() -> None:
    """K logits c have the energy -c - T log K, also where exp(c) is no float64."""
    for c in (0.0, -3.0, 900.0, -900.0):
        rows = Predictive(logits=torch.full((1, 5), c).double())
        found = Energy(temperature=2).score(rows).item()
        assert found == pytest.approx(-c - 2 * math.log(5), rel=1e-14)
        assert MaxLogit().score(rows).item() == -c


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("temperature", "shift"), [(0.01, -50.0), (1.0, 7.0), (100.0, 50.0)])
def test_energy_between_the_largest_logit_and_log_k_below(
    seed: int, temperature: float, shift: float
) -> None:
    """-max - T log K <= energy <= -max; what is added to all logits, probabilities do not see."""
    given_ = logits(10, 6, seed)
    energy, most = Energy(temperature=temperature), MaxLogit()
    found, largest = (score.score(Predictive(logits=given_)) for score in (energy, most))
    assert (found <= largest + 1e-9).all()
    assert (found >= largest - temperature * math.log(6) - 1e-9).all()
    moved = energy.score(Predictive(logits=given_ + shift))
    torch.testing.assert_close(moved, found - shift, atol=1e-9, rtol=0)


def test_a_small_temperature_leaves_the_largest_logit() -> None:
    """At T = 1e-4 the second largest counts exp(-gap / T)."""
    given_ = Predictive(logits=logits(20, 6))
    found = Energy(temperature=1e-4).score(given_)
    torch.testing.assert_close(found, MaxLogit().score(given_), atol=1e-4 * math.log(6), rtol=0)


def test_as_pytorch_ood() -> None:
    """Recorded of pytorch-ood 0.4.0, EnergyBased.score and MaxLogit.score, on these logits, float64."""
    given_ = logits(3, 4, seed=12)
    energies = [-3.7394141044020968, -4.85787048307803, -3.261854040612581]
    largest = [-3.1384298769147074, -4.856328670002229, -2.9962909659510677]
    found = Energy().score(Predictive(logits=given_))
    np.testing.assert_allclose(found, energies, atol=1e-12)
    np.testing.assert_allclose(MaxLogit().score(Predictive(logits=given_)), largest, atol=1e-12)


@pytest.mark.parametrize("score", [Energy(), MaxLogit()])
def test_probabilities_are_refused(score: Energy | MaxLogit) -> None:
    """Of log p the energy is 0 in every row, which would tell nothing without an error."""
    given_ = logits(5, 4)
    of_log_p = Energy().score(Predictive(logits=given_.log_softmax(1)))
    torch.testing.assert_close(of_log_p, torch.zeros(5).double(), atol=1e-14, rtol=0)
    with pytest.raises(DataError, match=f"'{score.name}' expects logits, got none: how large"):
        score.score(Predictive(probs=given_.softmax(1)))


@pytest.mark.parametrize("score", [Energy(temperature=0.5), MaxLogit()])
def test_gradients(score: Energy | MaxLogit) -> None:
    """By finite differences; that of the energy is minus the softmax of logits / T."""
    rows = logits(4, 5).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda given: score.score(Predictive(logits=given)), rows)
    if isinstance(score, Energy):
        score.score(Predictive(logits=rows)).sum().backward()
        torch.testing.assert_close(rows.grad, -(rows.detach() / 0.5).softmax(1))


def test_from_python() -> None:
    """By name, from logits in memory."""
    given_ = logits(6, 3).float()
    found = adversity.create("uncertainty", "energy", temperature=2.0)(given_)
    torch.testing.assert_close(found, -2 * (given_.double() / 2).logsumexp(1))
    found = adversity.create("uncertainty", "max_logit")(given_)
    assert torch.equal(found, -given_.double().amax(1))
