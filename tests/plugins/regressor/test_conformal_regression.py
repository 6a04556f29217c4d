"""Split conformal intervals of numbers: their coverage is that of an order statistic."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import beta, kstest, norm

import adversity
from adversity.contracts import Predictive, State
from adversity.engine.public.in_memory import TensorRows
from adversity.errors import DataError, NotFittedError, WeightsError
from adversity.metrics import covered
from adversity_plugins.regressor.conformal_regression import ConformalRegression

MAPIE = {19: 1.8417350377917323, 40: 1.5235294004561601, 99: 1.569105846283612}
"""Half of the width of its intervals, by how many errors it is given."""

SAYS = '''"""Say what stands in the pixels: the mean in the first, the variance in the second."""
from typing import ClassVar
from adversity import Predictive, Regressor

class Says(Regressor):
    """Read mean and variance off."""
    name: ClassVar[str] = "says"
    sure: bool = True

    @property
    def target_names(self):
        return ("y",)

    def predict(self, images):
        first, second = images[:, 0, 0, :1].double(), images[:, 0, 0, 1:2].double()
        return Predictive(mean=first, variance=second if self.sure else None)
'''


@pytest.fixture(name="says")
def says_what_stands_there(tmp_path, monkeypatch):
    """Return a function that makes a regressor whose mean and variance are pixels."""
    (tmp_path / "says.py").write_text(SAYS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return lambda **more: adversity.create("regressor", "./says.py:Says", **more)


def drawn(count, seed):
    """Return images, means and variances in their pixels, and targets whose sd is thrice as large."""
    rng = np.random.default_rng(seed)
    images = torch.from_numpy(rng.uniform(0.1, 0.9, (count, 1, 16, 16)).astype(np.float32))
    mean, variance = (images[:, 0, 0, at : at + 1].double().numpy() for at in (0, 1))
    return images, mean + 3 * np.sqrt(variance) * rng.normal(size=mean.shape)


def fitted(regressor, images, targets, **more):
    outer = adversity.create("regressor", "conformal_regression", regressor=regressor, **more)
    return outer.fit(images, targets, target_names=["y"])


def test_the_interval_is_the_order_statistic(says):
    """Half its width is the 18th of 19 scaled errors (0.9 of 20), to the last digits; the mean stays."""
    images, targets = drawn(19, 0)
    model, plain = fitted(says(), images, targets), says()(images)
    scaled = np.sort(np.abs(targets - plain.mean.numpy()) / plain.variance.sqrt().numpy(), 0)
    said = model(images)
    half = norm.ppf(0.95) * said.variance.sqrt().numpy()
    np.testing.assert_allclose(half, scaled[17] * plain.variance.sqrt().numpy(), rtol=1e-12)
    assert torch.equal(said.mean, plain.mean)
    held = covered(said.mean, said.variance * (1 + 1e-12), targets, level=0.9)
    assert held.sum() == 18
    flat = fitted(says(sure=False), images, targets)(images)
    errors = np.sort(np.abs(targets - plain.mean.numpy()), 0)
    np.testing.assert_allclose(norm.ppf(0.95) * flat.variance.sqrt(), errors[17, 0], rtol=1e-12)


def test_coverage_is_that_of_an_order_statistic():
    """Over 500 draws of 99 images it is Beta(90, 10), as of any conformal quantile, mean 0.90.

    Given q, the chance of a new target is known: scaled errors are three times a half-Gaussian.
    Twin: where the mean goes half of the way to each target, as if it had been learnt, a new target
    lies in the interval far more seldom.
    """
    shares, twins = [], []
    for seed in range(500):
        images, targets = drawn(99, seed)
        for learnt, found in ((0.0, shares), (0.5, twins)):
            q = _reach(images, targets, learnt)
            found.append(2 * norm.cdf(q / 3) - 1)
    assert kstest(shares, beta(90, 10).cdf).pvalue > 0.01
    assert np.mean(shares) == pytest.approx(0.9, abs=0.005)  # its standard error is 0.0013
    assert np.mean(twins) < 0.65


class _Given:
    """The call of a regressor that has seen a share of each error, on the targets in their order."""

    target_names = ("y",)

    def __init__(self, targets, learnt):
        self._left, self._learnt = torch.from_numpy(targets), learnt

    def __call__(self, images):
        mean, variance = (images[:, 0, 0, at : at + 1].double() for at in (0, 1))
        here, self._left = self._left[: len(images)], self._left[len(images) :]
        mean = mean + self._learnt * (here - mean)
        return Predictive(mean=mean, variance=variance)


def _reach(images, targets, learnt):
    """Return q as the plugin finds it."""
    plugin = ConformalRegression.model_construct(regressor=_Given(targets, learnt), level=0.9)
    rows = TensorRows(None, (), images=images, numbers=targets, target_names=("y",))
    factor = plugin.fit(rows, np.random.default_rng(0)).arrays["factor"]
    return float(np.sqrt(factor[0])) * norm.ppf(0.95)


class _Nothing:
    """The call of a regressor that says 0, and not how sure it is."""

    target_names = ("y",)

    def __call__(self, images):
        return Predictive(mean=torch.zeros(len(images), 1, dtype=torch.float64))


def test_half_the_width_is_mapies():
    """MAPIE 1.6.0, `SplitConformalRegressor(confidence_level=0.9, prefit=True)` of these errors.

    Its `conformity_score` is "absolute"; the values were recorded there.
    """
    rng = np.random.default_rng(7)
    for count, peer in MAPIE.items():
        x = rng.normal(size=(count, 1))
        errors = rng.normal(size=count)[:, None]
        errors = (x + errors) - x  # as it rounds them
        images = torch.zeros(count, 1, 16, 16)
        plugin = ConformalRegression.model_construct(regressor=_Nothing(), level=0.9)
        rows = TensorRows(None, (), images=images, numbers=errors, target_names=("y",))
        factor = plugin.fit(rows, np.random.default_rng(0)).arrays["factor"]
        assert np.sqrt(factor[0]) * norm.ppf(0.95) == pytest.approx(peer, rel=1e-12)


def test_new_targets_lie_in_the_interval(says):
    """Of a regressor that claims a third of the noise: 42 % before, nine of ten after."""
    model = fitted(says(), *drawn(400, 0))
    images, targets = drawn(4000, 1)
    before, after = (
        covered(said.mean, said.variance, targets, level=0.9).mean()
        for said in (says()(images), model(images))
    )
    assert before == pytest.approx(2 * norm.cdf(norm.ppf(0.95) / 3) - 1, abs=0.03)
    # 0.015 is the spread that 400 images leave, 0.005 that of 4000.
    assert after == pytest.approx(0.9, abs=0.05)


def test_what_cannot_be_promised_is_refused(says):
    """Too few images for the level, other numbers, no error at all, nothing learnt, another state."""
    images, targets = drawn(40, 0)
    with pytest.raises(DataError, match=r"needs 9 images or more .* hold 0\.9 of targets, got 8"):
        fitted(says(), images[:8], targets[:8])
    assert fitted(says(), images[:9], targets[:9]).ready.state.info["rank"] == 9
    with pytest.raises(DataError, match="needs 19 images or more"):
        fitted(says(), images[:18], targets[:18], level=0.95)
    outer = adversity.create("regressor", "conformal_regression", regressor=says())
    with pytest.raises(DataError, match="numbers of its regressor, y, got x"):
        outer.fit(images, targets, target_names=["x"])
    with pytest.raises(DataError, match="images that the regressor did not learn from"):
        fitted(says(), images, says()(images).mean.numpy())
    plugin = ConformalRegression.model_construct(regressor=says(), level=0.9)
    with pytest.raises(NotFittedError, match="has learnt nothing yet"):
        plugin.predict(images)
    for wrong in ({}, {"regressor": "conformal_regression", "level": 0.5}):
        with pytest.raises(WeightsError, match="is not one of conformal_regression"):
            plugin.load(State({}, wrong))
