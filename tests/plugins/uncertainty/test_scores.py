"""The scores against SciPy and exact identities."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy import stats

from adversity import Predictive
from adversity.errors import DataError
from adversity_plugins.uncertainty import adversity_uncertainties
from adversity_plugins.uncertainty.score.entropy import Entropy
from adversity_plugins.uncertainty.score.margin import Margin
from adversity_plugins.uncertainty.score.max_softmax import MaxSoftmax


def simplex(n: int, classes: int, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.dirichlet(np.full(classes, 0.5), n))


def test_entropy_equals_scipy_in_nats() -> None:
    """It is SciPy's entropy with natural logarithms (1e-12), and that over log K if normalized."""
    probs = simplex(50, 7)
    expected = stats.entropy(probs.numpy(), axis=1)
    np.testing.assert_allclose(Entropy().score(Predictive(probs=probs)), expected, atol=1e-12)
    share = Entropy(normalized=True).score(Predictive(probs=probs))
    np.testing.assert_allclose(share, expected / math.log(7), atol=1e-12)


def test_entropy_of_a_mixture_is_mean_entropy_plus_mean_divergence() -> None:
    """H(mean p) = mean H(p) + mean KL(p, mean p) for five members (1e-12: rounding)."""
    members = torch.stack([simplex(20, 4, seed) for seed in range(5)])
    mean = members.mean(dim=0)
    total = Entropy().score(Predictive(probs=mean))
    aleatoric = torch.stack([Entropy().score(Predictive(probs=p)) for p in members]).mean(dim=0)
    divergence = np.mean([stats.entropy(p, mean.numpy(), axis=1) for p in members.numpy()], axis=0)
    np.testing.assert_allclose(total, aleatoric.numpy() + divergence, atol=1e-12)
    assert ((total - aleatoric) >= -1e-12).all()
    assert ((total - aleatoric) <= math.log(4)).all()


@pytest.mark.parametrize("score", [MaxSoftmax(), Entropy(), Entropy(normalized=True), Margin()])
def test_sure_is_zero_and_uniform_is_the_most(score: MaxSoftmax | Entropy | Margin) -> None:
    """A certain row scores 0 and the uniform row the largest value there is."""
    probs = torch.cat([torch.eye(4)[:1], torch.full((1, 4), 0.25), simplex(30, 4).float()])
    values = score.score(Predictive(probs=probs))
    assert values.dtype == torch.float64
    assert values[0] == 0
    assert values.argmax() == 1
    top = {
        "max_softmax": 0.75,
        "margin": 1,
        "entropy": 1.0 if "True" in repr(score) else math.log(4),
    }
    assert values[1].item() == pytest.approx(top[score.name], abs=1e-15)


def test_max_softmax_is_one_minus_the_largest_probability() -> None:
    """Rows .6/.3/.1 and .2/.5/.3 score .4 and .5."""
    probs = torch.tensor([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]], dtype=torch.float64)
    values = MaxSoftmax().score(Predictive(probs=probs))
    assert values.tolist() == pytest.approx([0.4, 0.5], abs=1e-15)


def test_margin_is_one_minus_the_gap_of_the_two_largest() -> None:
    """By NumPy's sort; rows .6/.3/.1 and .2/.5/.3 score .7 and .8. One class has no second one."""
    probs = simplex(50, 6)
    ordered = np.sort(probs.numpy(), axis=1)
    expected = 1 - (ordered[:, -1] - ordered[:, -2])
    np.testing.assert_allclose(Margin().score(Predictive(probs=probs)), expected, atol=1e-15)
    rows = torch.tensor([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]], dtype=torch.float64)
    assert Margin().score(Predictive(probs=rows)).tolist() == pytest.approx([0.7, 0.8], abs=1e-15)
    with pytest.raises(DataError, match="margin expects two classes or more, got 1: use it on"):
        Margin().score(Predictive(probs=torch.ones(2, 1)))


@pytest.mark.parametrize("score", [MaxSoftmax(), Entropy(), Margin()])
def test_logits_do_where_there_are_no_probabilities(score: MaxSoftmax | Entropy | Margin) -> None:
    """Logits alone give the score of their softmax."""
    logits = torch.randn(10, 5, generator=torch.Generator().manual_seed(0))
    expected = score.score(Predictive(probs=logits.double().softmax(dim=1)))
    assert torch.equal(score.score(Predictive(logits=logits)), expected)


@pytest.mark.parametrize("score", [MaxSoftmax(), Entropy(), Margin()])
def test_gradients_are_finite_on_saturated_rows(score: MaxSoftmax | Entropy | Margin) -> None:
    """An attack that wants a model to look sure gets numbers, also where p is exactly 0."""
    logits = torch.tensor([[0.0, 2000.0, -5.0], [0.1, 0.2, 0.0]], requires_grad=True)
    score.score(Predictive(probs=logits.softmax(dim=1))).sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert logits.grad[1].abs().sum() > 0


@pytest.mark.parametrize("score", [MaxSoftmax(), Entropy(), Margin()])
def test_regression_is_refused(score: MaxSoftmax | Entropy | Margin) -> None:
    """Without class probabilities the error names the score and the remedy."""
    with pytest.raises(DataError, match=f"{score.name}.*predictions of a classifier"):
        score.score(Predictive(mean=torch.zeros(2, 1)))


def test_the_catalogue_is_light_and_described() -> None:
    """Listing the methods imports no heavy library; each has a name, summary and reference."""
    code = (
        "import sys, adversity_plugins.uncertainty as u; list(u.adversity_uncertainties());"
        "print([m for m in ('torch', 'scipy', 'sklearn', 'skimage') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    for method in adversity_uncertainties():
        assert method.name
        assert method.reference
        assert method.summary().endswith(".")
