"""What members say, taken apart: exact identities, SciPy, and counting by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from adversity import Predictive, Score
from adversity.errors import DataError
from adversity_plugins.uncertainty.score.aleatoric import Aleatoric
from adversity_plugins.uncertainty.score.entropy import Entropy
from adversity_plugins.uncertainty.score.expected_pairwise_kl import ExpectedPairwiseKL
from adversity_plugins.uncertainty.score.mutual_information import MutualInformation
from adversity_plugins.uncertainty.score.variation_ratio import VariationRatio

SLOW_MACHINE = settings(deadline=None)
SHAPES = (st.integers(1, 5), st.integers(1, 6), st.integers(2, 7), st.integers(0, 99))


def drawn(members: int, rows: int, classes: int, seed: int, of: float = 0.3) -> torch.Tensor:
    """Draw probabilities `[M, N, K]`."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.dirichlet(np.full(classes, of), (members, rows)))


def scored(score: Score, members: torch.Tensor) -> np.ndarray:
    """Score what members say, whose mean is the answer."""
    return score.score(Predictive(members.mean(0), members=members)).numpy()


@SLOW_MACHINE
@given(*SHAPES)
def test_entropy_is_aleatoric_and_mutual_information(m: int, n: int, k: int, seed: int) -> None:
    """H(mean) = mean H + mean KL(member, mean), to 1e-12; 0 <= information <= min(log M, log K)."""
    members = drawn(m, n, k, seed)
    aleatoric, information = (scored(s, members) for s in (Aleatoric(), MutualInformation()))
    np.testing.assert_allclose(scored(Entropy(), members), aleatoric + information, atol=1e-12)
    by_scipy = np.mean([stats.entropy(p, axis=1) for p in members.numpy()], axis=0)
    np.testing.assert_allclose(aleatoric, by_scipy, atol=1e-12)
    mean = members.mean(0).numpy()
    apart = np.mean([stats.entropy(p, mean, axis=1) for p in members.numpy()], axis=0)
    np.testing.assert_allclose(information, apart, atol=1e-12)
    assert (information >= -1e-12).all()
    assert (information <= min(math.log(m), math.log(k)) + 1e-12).all()


def test_the_mean_of_entropies_is_not_the_entropy_of_the_mean() -> None:
    """What some libraries call the entropy of an ensemble breaks the identity: it is aleatoric."""
    members = drawn(4, 20, 5, 0)
    aleatoric, information = (scored(s, members) for s in (Aleatoric(), MutualInformation()))
    wrong_total = np.mean([stats.entropy(p, axis=1) for p in members.numpy()], axis=0)
    assert (np.abs(wrong_total - (aleatoric + information)) > 1e-3).all()


@SLOW_MACHINE
@given(*SHAPES)
def test_pairwise_divergence_is_that_of_all_pairs(m: int, n: int, k: int, seed: int) -> None:
    """By SciPy over all M x M pairs; and mutual information with the mean KL(mean, member)."""
    members = drawn(m, n, k, seed, of=1.0)
    said, mean = members.numpy(), members.mean(0).numpy()
    found = scored(ExpectedPairwiseKL(), members)
    pairs = np.mean([stats.entropy(p, q, axis=1) for p in said for q in said], axis=0)
    np.testing.assert_allclose(found, pairs, atol=1e-12)
    reverse = np.mean([stats.entropy(mean, q, axis=1) for q in said], axis=0)
    information = scored(MutualInformation(), members)
    np.testing.assert_allclose(found, information + reverse, atol=1e-12)


def test_pairs_of_unlike_members_alone_would_break_the_identity() -> None:
    """Divided by M (M - 1) in place of M x M it is half as much again with three members."""
    members = drawn(3, 20, 5, 1, of=1.0)
    said, mean = members.numpy(), members.mean(0).numpy()
    wrong = np.sum([stats.entropy(p, q, axis=1) for p in said for q in said], axis=0) / 6
    reverse = np.mean([stats.entropy(mean, q, axis=1) for q in said], axis=0)
    information = scored(MutualInformation(), members)
    np.testing.assert_allclose(wrong, 1.5 * (information + reverse), atol=1e-12)


def test_the_floor_of_a_class_that_a_member_excludes() -> None:
    """Two members sure of two classes: half of the pairs are apart, by minus log floor."""
    sure = torch.eye(3).double()[:2, None]
    default = ExpectedPairwiseKL(floor=2.0**-126)
    assert scored(ExpectedPairwiseKL(), sure)[0] == scored(default, sure)[0]
    assert scored(default, sure)[0] == pytest.approx(126 * math.log(2) / 2, rel=1e-14)
    found = scored(ExpectedPairwiseKL(floor=1e-3), sure)[0]
    assert found == pytest.approx(math.log(1e3) / 2, rel=1e-14)


def test_variation_ratio_counts_votes() -> None:
    """By SciPy's mode; 5 votes 3 : 1 : 1 leave two fifths, and one of each class all but one."""
    members = drawn(7, 50, 4, 2)
    votes = members.numpy().argmax(2)
    expected = 1 - stats.mode(votes, axis=0).count / 7
    np.testing.assert_allclose(scored(VariationRatio(), members), expected, atol=1e-15)
    by_hand = torch.eye(4).double()[[0, 1, 0, 2, 0], None]
    assert scored(VariationRatio(), by_hand)[0] == pytest.approx(0.4)
    assert scored(VariationRatio(), torch.eye(4).double()[:, None])[0] == 0.75
    # The mean is for class 1, most members are for class 0: one minus its probability is no vote.
    torn = torch.tensor([[[0.5, 0.49, 0.01]], [[0.5, 0.49, 0.01]], [[0.0, 1.0, 0.0]]]).double()
    assert scored(VariationRatio(), torn)[0] == pytest.approx(1 / 3)


@pytest.mark.parametrize("score", [Aleatoric(), VariationRatio(), ExpectedPairwiseKL()])
def test_ends(score: Score) -> None:
    """One member is of one opinion, as are equal ones; their order is nothing."""
    one = drawn(1, 6, 4, 3)
    alone, twice = scored(score, one), scored(score, one[[0, 0]])
    np.testing.assert_allclose(alone, twice, atol=1e-13)
    if not isinstance(score, Aleatoric):
        np.testing.assert_allclose(alone, 0, atol=1e-13)
    several = drawn(4, 6, 4, 4)
    np.testing.assert_allclose(scored(score, several), scored(score, several.flip(0)), atol=1e-13)
    with pytest.raises(DataError, match=f"{score.name} expects what members say, got one answer"):
        score.score(Predictive(one[0]))


@pytest.mark.parametrize("score", [Aleatoric(), MutualInformation(), ExpectedPairwiseKL()])
def test_gradients(score: Score) -> None:
    """By finite differences, and finite where probabilities are 0 and 1."""
    members = drawn(3, 2, 4, 5, of=3.0).requires_grad_(True)

    def of(given: torch.Tensor) -> torch.Tensor:
        return score.score(Predictive(members=given))

    assert torch.autograd.gradcheck(of, members)
    sure = torch.eye(4).double()[:3, None].clone().requires_grad_(True)
    of(sure).sum().backward()
    assert sure.grad is not None
    assert sure.grad.isfinite().all()
