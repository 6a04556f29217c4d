"""The mixture of several regressors: its moments, by the law of total variance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pyarrow import parquet

import adversity
from adversity.errors import DataError, ParameterError
from adversity.metrics import gaussian_nats

IMAGES = torch.rand(60, 1, 8, 8, generator=torch.Generator().manual_seed(0))
NEW = torch.rand(7, 1, 8, 8, generator=torch.Generator().manual_seed(1))
LIGHT = np.stack([IMAGES.mean((1, 2, 3)).numpy() * 10, IMAGES[:, 0, 0, 0].numpy()], 1)
LIGHT = LIGHT + np.random.default_rng(0).normal(0, 0.1, LIGHT.shape)

SILENT = '''"""A regressor that does not say how sure it is."""
from typing import ClassVar
from adversity import Predictive, Regressor

class Silent(Regressor):
    """Say the brightness."""
    name: ClassVar[str] = "silent"
    shift: float = 0.0

    @property
    def target_names(self):
        return ("light", "corner")

    def predict(self, images):
        light = images.double().mean((1, 2, 3)) + self.shift
        return Predictive(mean=light[:, None].expand(-1, 2).contiguous())
'''


def member(side, targets=LIGHT, names=("light", "corner")):
    ridge = adversity.create("regressor", "bayesian_ridge", side=side)
    return ridge.fit(IMAGES, targets, target_names=names)


@pytest.fixture(scope="module", name="three")
def three_members():
    return [member(side) for side in (1, 2, 8)]


def ensemble(members, **more):
    return adversity.create("regressor", "ensemble", members=members, **more)


def test_moments_are_those_of_the_mixture(three):
    """Closed form: mean, and second moment less its square; both parts add up to the whole.

    Twins: the mean of the variances alone, and the variance of the mean of members that err
    independently, which is what it would be if they were averaged out.
    """
    means, variances = (
        np.stack([getattr(one(NEW), part).numpy() for one in three])
        for part in ("mean", "variance")
    )
    said = ensemble(three)(NEW)
    second = (variances + means**2).mean(0)
    np.testing.assert_allclose(said.mean, means.mean(0), rtol=1e-14)
    np.testing.assert_allclose(said.variance, second - means.mean(0) ** 2, rtol=1e-11)
    for twin in (variances.mean(0), variances.sum(0) / 9):
        assert (said.variance.numpy() > twin * (1 + 1e-6)).all()
    inner, between = (ensemble(three, variance=part)(NEW) for part in ("aleatoric", "epistemic"))
    np.testing.assert_allclose(inner.variance, variances.mean(0), rtol=1e-14)
    np.testing.assert_allclose(between.variance, means.var(0), rtol=1e-10)
    assert torch.equal(inner.variance + between.variance, said.variance)
    assert torch.equal(inner.mean, said.mean)


def test_draws_of_the_mixture_have_these_moments(three):
    """A hundred thousand draws, a member at random and then its Gaussian: 1 % is four errors."""
    rng = np.random.default_rng(0)
    which = rng.integers(0, 3, 100_000)
    means = np.stack([one(NEW[:1]).mean.numpy()[0] for one in three])[which]
    sds = np.stack([one(NEW[:1]).variance.numpy()[0] for one in three])[which] ** 0.5
    drawn = means + sds * rng.normal(size=means.shape)
    said = ensemble(three)(NEW[:1])
    np.testing.assert_allclose(drawn.var(0), said.variance[0], rtol=0.02)
    np.testing.assert_allclose(drawn.mean(0), said.mean[0], atol=0.01 * drawn.std(0).max())


def test_one_member_is_that_member(three):
    """To the last bit, in mean and variance."""
    alone, same = ensemble(three[:1])(NEW), three[0](NEW)
    assert torch.equal(alone.mean, same.mean)
    assert torch.equal(alone.variance, same.variance)


def test_the_order_of_members_does_not_matter(three):
    """Nor who else is asked: the order of a sum is all that is left."""
    first, second = ensemble(three)(NEW), ensemble(three[::-1])(NEW)
    torch.testing.assert_close(first.mean, second.mean, rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(first.variance, second.variance, rtol=1e-12, atol=0)


def test_members_that_do_not_fit_are_refused(three, tmp_path, monkeypatch):
    """None, one twice, other numbers, and a variance of some."""
    with pytest.raises(ParameterError, match="at least 1"):
        ensemble([])
    with pytest.raises(ParameterError, match="two members or more, got 1"):
        ensemble(three[:1], variance="epistemic")
    with pytest.raises(ParameterError, match="stands there twice; a member counts once"):
        ensemble([three[0], three[0]])
    again = ensemble([three[0], member(1, LIGHT + 1)])(NEW)  # of other data, it is another one
    torch.testing.assert_close(again.mean, three[0](NEW).mean + 0.5)
    other = member(4, LIGHT[:, [1, 0]], ("corner", "light"))
    with pytest.raises(DataError, match=r"gives light, corner, .* corner, light; name others"):
        ensemble([three[0], other])(NEW)
    (tmp_path / "silent.py").write_text(SILENT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    silent = [adversity.create("regressor", "./silent.py:Silent", shift=s) for s in (0.0, 1.0)]
    with pytest.raises(DataError, match="a variance of all members or of none, got none of"):
        ensemble([three[0], silent[0]])(NEW)
    said = ensemble(silent)(NEW)
    assert said.variance is None
    torch.testing.assert_close(said.mean, silent[0](NEW).mean + 0.5)


PIPELINE = """name: p
data:
  train: {uses: dataset/rotated_digits, with: {split: train, limit: 60}}
  test:  {uses: dataset/rotated_digits, with: {split: test, limit: 20}}
steps:
  one:   {uses: regressor/mean_variance_cnn, fit_on: train, with: {epochs: 1, width: 2, seed: 0}}
  two:   {uses: regressor/mean_variance_cnn, fit_on: train, with: {epochs: 1, width: 2, seed: 1}}
  both:  {uses: regressor/ensemble, with: {members: [one, two]}}
  a:     {uses: one, from: test}
  b:     {uses: two, from: test}
  angle: {uses: both, from: test}
gates: [angle.rmse <= 90, angle.gaussian_nll <= 50]
"""


@pytest.mark.slow
def test_steps_as_members(tmp_path):
    """In a pipeline members are steps; shards change no byte, and the whole is what parts say."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "p.yaml").write_text(PIPELINE, encoding="utf-8")
    tables = []
    for out, shard in (("first", 20), ("second", 7)):
        over = [f"run.shard_size={shard}", "run.batch_size=5"]
        adversity.run("pipelines/p.yaml", into=tmp_path / out, root=tmp_path, overrides=over)
        found = {}
        for step in ("a", "b", "angle"):
            (file,) = (tmp_path / out / "artifacts" / "p" / step).rglob("*.parquet")
            found[step] = parquet.read_table(file).to_pydict()
        tables.append(found)
    assert tables[0] == tables[1]
    a, b, both = (tables[0][step] for step in ("a", "b", "angle"))
    means = np.stack([a["mean"], b["mean"]])
    variances = np.stack([a["variance"], b["variance"]])
    np.testing.assert_allclose(both["mean"], means.mean(0), rtol=1e-12)
    np.testing.assert_allclose(both["variance"], variances.mean(0) + means.var(0), rtol=1e-12)


def test_it_costs_less_than_a_member_on_average(three):
    """The mixture's own likelihood is no less than the mean of its members' (Jensen).

    Its Gaussian has the same moments, and of all Gaussians the largest expected likelihood there.
    """
    noise = np.random.default_rng(3).normal(0, 0.1, (7, 2))
    wanted = np.stack([NEW.mean((1, 2, 3)).numpy() * 10, NEW[:, 0, 0, 0].numpy()], 1) + noise
    said = [one(NEW) for one in (*three, ensemble(three))]
    *each, whole = (gaussian_nats(one.mean, one.variance, wanted).mean() for one in said)
    assert whole < np.mean(each)
