"""Bayesian ridge regression against scikit-learn's, in its mean and in its variance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import BayesianRidge as Peer
from sklearn.linear_model import Ridge

import adversity
from adversity.engine.public.in_memory import TensorRows
from adversity.errors import DataError, NotFittedError, WeightsError
from adversity_plugins.regressor.bayesian_ridge import BayesianRidge

NAMES = ("x", "y")


def drawn(count: int, seed: int = 0, channels: int = 1) -> tuple[torch.Tensor, np.ndarray]:
    """Return 8 x 8 images, and two numbers that are linear in their pixels, with noise."""
    rng = np.random.default_rng(seed)
    images = rng.random((count, channels, 8, 8)).astype(np.float32)
    weights = np.random.default_rng(99).normal(0, 1, (channels * 64, 2))
    clean = images.reshape(count, -1) @ weights
    targets = np.array([40.0, 0.1]) * (clean + rng.normal(0, 0.5, clean.shape)) + [1000.0, -2.0]
    return torch.from_numpy(images), targets


def fitted(
    images: torch.Tensor,
    targets: np.ndarray,
    weights: np.ndarray | None = None,
    **parameters: int,
) -> BayesianRidge:
    plugin = BayesianRidge(**parameters)
    rows = TensorRows(None, (), images=images, numbers=targets, target_names=NAMES, weights=weights)
    state = plugin.fit(rows, np.random.default_rng(0))
    plugin.load(state)
    return plugin


def test_mean_and_variance_are_scikit_learns() -> None:
    """scikit-learn fits the raw targets; its hyperpriors of 1e-6 see another unit than ours.

    They weigh a millionth of a sample, so that the two agree to about 1e-5.
    """
    images, targets = drawn(300)
    new, _ = drawn(50, seed=1)
    said = fitted(images, targets).predict(new)
    for number in range(2):
        peer = Peer(max_iter=1000, tol=1e-9)
        peer.fit(images.flatten(1).double().numpy(), targets[:, number])
        mean, sd = peer.predict(new.flatten(1).double().numpy(), return_std=True)
        scale = targets[:, number].std()
        np.testing.assert_allclose(said.mean[:, number], mean, atol=1e-4 * scale)
        np.testing.assert_allclose(said.variance[:, number].sqrt(), sd, rtol=1e-3)


def test_mean_is_that_of_ridge_regression() -> None:
    """With the penalty noise / prior variance, which the covariance of the weights gives away."""
    images, targets = drawn(200)
    plugin = fitted(images, targets)
    rows = images.flatten(1).double().numpy()
    apart = rows - rows.mean(0)
    for number in range(2):
        own = {name: value[number].numpy() for name, value in plugin._learnt.items()}
        precision = np.linalg.inv(own["covariance"]) * own["noise"] - apart.T @ apart
        penalty = np.diag(precision).mean()
        assert penalty > 0
        # All that is left is the penalty on the diagonal: the closed form of the covariance.
        np.testing.assert_allclose(precision, penalty * np.eye(64), atol=1e-6 * len(rows))
        ridge = Ridge(alpha=penalty, solver="cholesky").fit(rows, targets[:, number])
        scale = np.abs(ridge.coef_).max()
        np.testing.assert_allclose(own["weights"], ridge.coef_, atol=1e-6 * scale)


def test_what_no_image_shows_keeps_its_variance_a_priori() -> None:
    """Of 40 images with 64 pixels the covariance is the inverse of rows' rows / noise + 1 / prior.

    The prior is read off the diagonal, which costs some digits.
    """
    images, targets = drawn(40)
    plugin = fitted(images, targets)
    rows = images.flatten(1).double().numpy()
    apart = rows - rows.mean(0)
    for number in range(2):
        own = {name: value[number].numpy() for name, value in plugin._learnt.items()}
        shown = apart.T @ apart / own["noise"]
        prior = np.diag(np.linalg.inv(own["covariance"]) - shown).mean()
        wanted = np.linalg.inv(shown + prior * np.eye(64))
        np.testing.assert_allclose(own["covariance"], wanted, atol=1e-3 * np.abs(wanted).max())


def test_a_weight_counts_as_so_many_images_alike() -> None:
    """Weights of 1 to 3 give what so many copies give, and weights of 1 what none gives.

    Copies are summed in another order: 1e-6 is far above that, after some hundred steps.
    """
    images, targets = drawn(90)
    new, _ = drawn(10, seed=3)
    counts = np.random.default_rng(4).integers(1, 4, 90)
    copies = np.repeat(np.arange(90), counts)
    weighted = fitted(images, targets, weights=counts.astype(float)).predict(new)
    copied = fitted(images[copies], targets[copies]).predict(new)
    torch.testing.assert_close(weighted.mean, copied.mean, rtol=1e-6, atol=0)
    torch.testing.assert_close(weighted.variance, copied.variance, rtol=1e-6, atol=0)
    alike, plain = (fitted(images, targets, weights=w).predict(new) for w in (np.ones(90), None))
    torch.testing.assert_close(alike.mean, plain.mean, rtol=1e-9, atol=0)
    assert not torch.allclose(weighted.mean, plain.mean, rtol=1e-3)


def test_units_change_nothing() -> None:
    """Targets a thousand times as large have means and variances as much larger."""
    images, targets = drawn(120)
    new, _ = drawn(10, seed=3)
    one, other = (fitted(images, scale * targets).predict(new) for scale in (1, 1000))
    torch.testing.assert_close(1000 * one.mean, other.mean, rtol=1e-9, atol=0)
    torch.testing.assert_close(1e6 * one.variance, other.variance, rtol=1e-9, atol=0)


def test_variance_covers_new_targets() -> None:
    """About nine of ten new targets lie in the interval of 90 %."""
    plugin = fitted(*drawn(400))
    new, targets = drawn(500, seed=7)
    said = plugin.predict(new)
    held = adversity.metrics.covered(said.mean, said.variance, targets, level=0.9)
    # Of 1000 numbers three standard deviations of the share are 0.03.
    assert held.mean() == pytest.approx(0.9, abs=0.03)


def test_images_of_another_size_are_brought_to_its_own() -> None:
    """A larger copy of an image has the same numbers, but for the filter; grey ones are repeated."""
    images, targets = drawn(60, channels=3)
    plugin = fitted(images, targets)
    grey = images[:2, :1]
    same = plugin.predict(grey.expand(-1, 3, -1, -1).contiguous())
    assert torch.equal(plugin.predict(grey).mean, same.mean)
    flat = torch.full((1, 3, 8, 8), 0.5)
    assert torch.allclose(
        plugin.predict(flat).mean, plugin.predict(torch.full((1, 3, 24, 20), 0.5)).mean
    )


def test_colour_where_grey_was_learnt_is_refused() -> None:
    """Nobody said what of the colours counts."""
    plugin = fitted(*drawn(30))
    with pytest.raises(DataError, match="fitted on grey images, got 3 channels"):
        plugin.predict(torch.zeros(1, 3, 8, 8))


def test_what_cannot_be_learnt_is_refused() -> None:
    """Equal targets, too few images, no targets, too few steps."""
    images, targets = drawn(20)
    with pytest.raises(DataError, match="needs targets that differ, got y = 3 for all 20"):
        fitted(images, np.stack([targets[:, 0], np.full(20, 3.0)], 1))
    # The standard deviation of three times 0.1 is 1e-17, not 0.
    with pytest.raises(DataError, match=r"got x = 0.1 for all 3"):
        fitted(images[:3], np.stack([np.full(3, 0.1), targets[:3, 0]], 1))
    with pytest.raises(DataError, match="three images or more, got 2"):
        fitted(images[:2], targets[:2])
    with pytest.raises(DataError, match="did not converge in 1 steps"):
        fitted(images, targets, max_iter=1)
    with pytest.raises(DataError, match="images with numbers as targets"):
        BayesianRidge().fit(TensorRows([0] * 20, ("a",), images=images), np.random.default_rng(0))


def test_nothing_learnt_or_something_else_is_refused() -> None:
    """Unfitted it refuses; a state of another size is none of its own."""
    with pytest.raises(NotFittedError, match="has learnt nothing yet"):
        BayesianRidge().predict(torch.zeros(1, 1, 8, 8))
    images, targets = drawn(20)
    rows = TensorRows(None, (), images=images, numbers=targets, target_names=NAMES)
    state = BayesianRidge(side=4).fit(rows, np.random.default_rng(0))
    with pytest.raises(WeightsError, match="is not one of bayesian_ridge"):
        BayesianRidge().load(state)


def test_from_python() -> None:
    """`fit` and the call, with names or without, and a vector of one number as `[N]`."""
    images, targets = drawn(40)
    model = adversity.create("regressor", "bayesian_ridge").fit(images, targets[:, 0])
    assert model.target_names == ("target",)
    said = model(images[:3])
    assert said.mean.shape == said.variance.shape == (3, 1)
    assert said.probs is None
    named = adversity.create("regressor", "bayesian_ridge").fit(images, targets, target_names=NAMES)
    assert named.target_names == NAMES
    assert torch.equal(named(images[:3]).mean[:, :1], said.mean)
    with pytest.raises(DataError, match="2 different target_names"):
        adversity.create("regressor", "bayesian_ridge").fit(images, targets, target_names=["x"])
    with pytest.raises(DataError, match=r"expected finite targets \[40\]"):
        adversity.create("regressor", "bayesian_ridge").fit(images, targets[:5])
