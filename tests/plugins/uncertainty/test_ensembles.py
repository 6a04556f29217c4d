"""What combines members, against closed forms and scikit-learn's voting classifier."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.datasets import load_digits
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from adversity import Predictive
from adversity.errors import DataError
from adversity_plugins.uncertainty.ensemble.deep_ensemble import DeepEnsemble
from adversity_plugins.uncertainty.score.entropy import Entropy
from adversity_plugins.uncertainty.score.mutual_information import MutualInformation


def drawn(members: int, rows: int, classes: int, seed: int) -> torch.Tensor:
    """Draw probabilities `[M, N, K]`, many of them next to 0."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.dirichlet(np.full(classes, 0.3), (members, rows)))


def information(members: torch.Tensor) -> torch.Tensor:
    """Score what members say."""
    return MutualInformation().score(Predictive(members.mean(0), members=members))


def test_deep_ensemble_is_soft_voting() -> None:
    """scikit-learn's soft vote of three unlike classifiers of digits gives the same probabilities."""
    images, labels = load_digits(return_X_y=True)
    vote = VotingClassifier(
        [
            ("lines", LogisticRegression(max_iter=50)),
            ("neighbours", KNeighborsClassifier()),
            ("tree", DecisionTreeClassifier(random_state=0)),
        ],
        voting="soft",
    ).fit(images[:200] / 16, labels[:200])
    others = images[200:260] / 16
    members = torch.from_numpy(np.stack([one.predict_proba(others) for one in vote.estimators_]))
    expected = vote.predict_proba(others)
    np.testing.assert_allclose(DeepEnsemble().combine(members), expected, atol=1e-15)


@given(st.integers(1, 5), st.integers(1, 6), st.integers(2, 7), st.integers(0, 99))
def test_deep_ensemble_stays_among_its_members(m: int, n: int, k: int, seed: int) -> None:
    """A distribution, between the least and the most that a member says; their order is nothing."""
    members = drawn(m, n, k, seed)
    probs = DeepEnsemble().combine(members)
    assert torch.allclose(probs.sum(1), torch.ones(n).double(), atol=1e-12)
    assert (probs >= members.amin(0) - 1e-15).all()
    assert (probs <= members.amax(0) + 1e-15).all()
    assert torch.allclose(DeepEnsemble().combine(members.flip(0)), probs, atol=1e-15)
    if m == 1:
        assert torch.equal(probs, members[0])


def test_the_mean_of_logits_is_the_geometric_mean_of_probabilities() -> None:
    """SciPy's geometric mean, as shares; the mean of logits under a softmax, whatever their scale."""
    logits = torch.from_numpy(np.random.default_rng(0).normal(0, 3, (4, 50, 6)))
    found = DeepEnsemble(space="logits").combine(logits.softmax(2))
    mean = stats.gmean(logits.softmax(2).numpy(), axis=0)
    np.testing.assert_allclose(found, mean / mean.sum(1, keepdims=True), atol=1e-15)
    np.testing.assert_allclose(found, logits.mean(0).softmax(1), atol=1e-15)
    assert torch.allclose(found[:1], DeepEnsemble().combine(found[None, :1]), atol=1e-15)


def test_how_far_apart_both_means_are() -> None:
    """Five members of normal logits, ten classes: as it was found elsewhere, with 0.289 and 0.404.

    The largest probability is 0.29 in the mean of probabilities and 0.40 in that of logits, and
    46 % of the answers are others. Of 20 000 rows these are known to 0.001 and 0.4 points.
    """
    members = torch.from_numpy(np.random.default_rng(0).normal(0, 3, (5, 20_000, 10))).softmax(2)
    probs, logits = (DeepEnsemble(space=s).combine(members) for s in ("probs", "logits"))
    assert float(probs.amax(1).mean()) == pytest.approx(0.289, abs=0.002)
    assert float(logits.amax(1).mean()) == pytest.approx(0.404, abs=0.005)
    assert float((probs.argmax(1) != logits.argmax(1)).double().mean()) == pytest.approx(
        0.46, abs=0.015
    )


def test_members_that_exclude_all_classes_between_them_leave_an_answer() -> None:
    """The class that fewest exclude, and both alike where as many do; the gradient is finite."""
    members = torch.eye(3).double()[[0, 0, 1], None].clone().requires_grad_(True)
    found = DeepEnsemble(space="logits").combine(members)
    assert found.argmax(1).item() == 0
    found[:, 0].sum().backward()
    assert members.grad is not None
    assert members.grad.isfinite().all()
    split = DeepEnsemble(space="logits").combine(torch.eye(3).double()[:2, None])
    np.testing.assert_allclose(split, [[0.5, 0.5, 0.0]], atol=1e-15)


@given(st.integers(1, 5), st.integers(1, 6), st.integers(2, 7), st.integers(0, 99))
def test_mutual_information_is_the_mean_divergence_from_the_mean(
    m: int, n: int, k: int, seed: int
) -> None:
    """mean KL(member, mean), by SciPy; in [0, log M]; what is left of entropy is the members' own."""
    members = drawn(m, n, k, seed)
    found, mean = information(members), members.mean(0)
    divergence = np.mean([stats.entropy(p, mean.numpy(), axis=1) for p in members.numpy()], axis=0)
    np.testing.assert_allclose(found, divergence, atol=1e-12)
    assert (found >= -1e-12).all()
    assert (found <= math.log(m) + 1e-12).all()
    own = torch.stack([Entropy().score(Predictive(probs=p)) for p in members]).mean(0)
    assert torch.allclose(found + own, Entropy().score(Predictive(probs=mean)), atol=1e-12)


def test_mutual_information_at_its_ends() -> None:
    """log M where each member is sure of a class of its own; 0 where all say the same, or nothing."""
    sure = torch.eye(4).double()[:3, None]
    assert information(sure).item() == pytest.approx(math.log(3), abs=1e-15)
    assert information(sure[[1, 1, 1]]).item() == 0
    assert information(torch.full((3, 1, 4), 0.25).double()).item() == 0


def test_a_gradient_through_saturated_members_is_finite() -> None:
    """Probabilities of exactly 0 and 1 give no infinite slope."""
    members = torch.eye(4).double()[:3, None].clone().requires_grad_(True)
    information(members).sum().backward()
    assert members.grad is not None
    assert members.grad.isfinite().all()


def test_one_answer_is_refused() -> None:
    """A prediction without members has no mutual information."""
    with pytest.raises(DataError, match="expects what members say, got one answer"):
        MutualInformation().score(Predictive(drawn(1, 2, 3, 0)[0]))
