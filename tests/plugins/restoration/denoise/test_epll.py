"""EPLL: the mixture against scikit-learn and SciPy, the splitting against its closed form."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from skimage import data
from skimage.transform import resize
from sklearn.datasets import load_sample_images
from sklearn.mixture import GaussianMixture
from torch import Tensor

import adversity
from adversity.errors import AdversityError, NotFittedError, WeightsError
from adversity_plugins.restoration.denoise import _gaussian_mixture as mixtures
from adversity_plugins.restoration.denoise._expected_patches import (
    likeliest,
    patch_waves,
    restored,
)
from adversity_plugins.restoration.denoise._gaussian_mixture import Mixture
from adversity_plugins.restoration.denoise.dct import DCT
from adversity_plugins.restoration.denoise.epll import EPLL


def _planted(count: int) -> tuple[Mixture, Tensor, np.ndarray]:
    """Return three Gaussians in five dimensions, rows of them, and which row is whose."""
    draw = np.random.default_rng(0)
    covariances = []
    for scale in (0.2, 1.0, 4.0):
        root = draw.normal(size=(5, 5)) * scale * np.array([3, 1, 1, 0.3, 0.1])
        covariances.append(root @ root.T)
    weights = np.array([0.5, 0.3, 0.2])
    kinds = draw.choice(3, count, p=weights)
    rows = np.stack([draw.multivariate_normal(np.zeros(5), covariances[kind]) for kind in kinds])
    mixture = Mixture(torch.from_numpy(weights), torch.from_numpy(np.stack(covariances)))
    return mixture, torch.from_numpy(rows), kinds


def _densities(mixture: Mixture, rows: Tensor, variance: float) -> np.ndarray:
    """Return log(weight) + log density by SciPy, `[P, K]`."""
    columns = [
        np.log(float(weight))
        + multivariate_normal.logpdf(
            rows.numpy(), cov=covariance.numpy() + variance * np.eye(rows.shape[1])
        )
        for weight, covariance in zip(mixture.weights, mixture.covariances, strict=True)
    ]
    return np.stack(columns, 1)


def test_likelihoods_are_those_of_scipy() -> None:
    """With noise and without. Tolerance: float64 through two factorisations."""
    mixture, rows, _ = _planted(150)
    for variance in (1e-6, 0.3):
        np.testing.assert_allclose(
            mixtures.likelihoods(rows, mixture, variance).numpy(),
            _densities(mixture, rows, variance),
            rtol=1e-8,
            atol=1e-6,
        )


def test_a_turn_is_that_of_scikit_learn() -> None:
    """One turn of EM from the same start. Theirs moves the means, too: rows come with their negatives."""
    mixture, rows, _ = _planted(300)
    rows = torch.cat([rows, -rows])
    precisions = torch.linalg.inv(mixture.covariances).numpy()
    theirs = GaussianMixture(
        3,
        weights_init=mixture.weights.numpy(),
        means_init=np.zeros((3, 5)),
        precisions_init=precisions,
        max_iter=1,
        reg_covar=0,
        tol=0,
    )
    with pytest.warns(UserWarning, match="converge"):
        theirs.fit(rows.numpy())
    ours = mixtures.fitted(rows, mixture, 1)
    # Ours adds 1e-6 to the variances, of which the least are 1e-3.
    np.testing.assert_allclose(ours.weights.numpy(), theirs.weights_, rtol=1e-3)
    for own, other in zip(ours.covariances.numpy(), theirs.covariances_, strict=True):
        np.testing.assert_allclose(own, other, atol=2e-3 * np.abs(other).max())


def test_no_turn_makes_the_rows_less_likely() -> None:
    """And a planted mixture is found from drawn rows: as likely as under the truth, and more."""
    truth, rows, _ = _planted(3000)
    mixture = mixtures.seeded(rows, 3, torch.Generator().manual_seed(2))
    values = []
    for _ in range(40):
        shares, value = mixtures.expected(rows, mixture)
        values.append(value)
        mixture = mixtures.maximised(rows, shares, mixture)
    # Tolerance: the variance that is added is no part of what is maximised.
    assert all(after >= before - 1e-4 for before, after in pairwise(values))
    assert values[-1] > values[0] + 0.1
    assert values[-1] >= mixtures.expected(rows, truth)[1]
    found = mixture.covariances.diagonal(dim1=1, dim2=2).sum(1).sort().values
    planted = truth.covariances.diagonal(dim1=1, dim2=2).sum(1).sort().values
    # 600 rows and more for each: its trace is known to 1 in sqrt(300) or so.
    torch.testing.assert_close(found, planted, rtol=0.15, atol=0)


def test_a_component_without_rows_keeps_its_covariance() -> None:
    """Nothing is divided by nothing."""
    mixture, rows, _ = _planted(50)
    shares = torch.zeros(50, 3, dtype=torch.float64)
    shares[:, 0] = 1
    after = mixtures.maximised(rows, shares, mixture)
    assert torch.equal(after.covariances[1:], mixture.covariances[1:])
    torch.testing.assert_close(after.covariances[0], rows.T @ rows / 50)


def test_a_patch_gets_the_filter_of_its_likeliest_component() -> None:
    """By SciPy's densities and the formula written out, equation 9 of the paper."""
    mixture, rows, _ = _planted(60)
    noisy = rows + 0.5 * torch.randn(rows.shape, generator=torch.Generator().manual_seed(1))
    best = _densities(mixture, noisy, 0.25).argmax(1)
    assert len(set(best.tolist())) == 3
    answer = likeliest(noisy, mixture, 0.25)
    for row, kind, own in zip(noisy.numpy(), best, answer.numpy(), strict=True):
        covariance = mixture.covariances[kind].numpy()
        wiener = covariance @ np.linalg.solve(covariance + 0.25 * np.eye(5), row)
        np.testing.assert_allclose(own, wiener, rtol=0, atol=1e-9)


def test_a_turn_of_the_image_minimises_its_sum() -> None:
    """With patches fixed: least squares of the noisy image and all patches by NumPy.

    |x - y|^2 / sigma^2 + beta / 64 * sum of |patch of x - restored patch|^2, of the image with
    its mirrored border, each patch's own weight as often as it shows a pixel.
    """
    draw = torch.Generator().manual_seed(0)
    plane = torch.rand(1, 5, 6, generator=draw, dtype=torch.float64)
    root = torch.randn(2, 63, 63, generator=draw, dtype=torch.float64) * 0.05
    mixture = Mixture(torch.tensor([0.4, 0.6]).double(), root @ root.mT)
    found = restored(plane, mixture, 0.1, (4,))
    waves = patch_waves(plane).numpy()
    rows = np.arange(-7, 12) % 10
    columns = np.arange(-7, 13) % 12
    rows, columns = np.minimum(rows, 9 - rows), np.minimum(columns, 11 - columns)
    image, sums, counts = plane[0].numpy(), np.zeros((5, 6)), np.zeros((5, 6))
    whole, seen = np.zeros((19, 20)), np.zeros((19, 20))
    wide = image[rows[:, None], columns]
    for top in range(12):
        for left in range(13):
            patch = wide[top : top + 8, left : left + 8].ravel()
            coded = torch.from_numpy(waves @ patch)[None]
            clean = likeliest(coded, mixture, 0.1**2 / 4)[0].numpy() @ waves + patch.mean()
            whole[top : top + 8, left : left + 8] += clean.reshape(8, 8)
            seen[top : top + 8, left : left + 8] += 1
    sums, counts = whole[7:12, 7:13], seen[7:12, 7:13]
    assert (counts == 64).all()
    # The minimum of (x - y)^2 / s^2 + (beta / 64) * sum over 64 patches of (x - z)^2.
    beta = 4 / 0.1**2
    expected = (image / 0.1**2 + beta / 64 * sums) / (1 / 0.1**2 + beta)
    np.testing.assert_allclose(found[0].numpy(), expected, rtol=0, atol=1e-10)


def test_under_one_gaussian_each_turn_is_linear(noisy: Tensor) -> None:
    """With one component there is one filter: the restored sum of images is the sum of restored."""
    root = torch.randn(1, 63, 63, generator=torch.Generator().manual_seed(0)).double() * 0.05
    mixture = Mixture(torch.ones(1).double(), root @ root.mT)
    first, second = noisy[0, :1].double(), noisy[1, :1].double()
    one, two, both = (
        restored(plane, mixture, 0.1, (1, 4, 8)) for plane in (first, second, first + 2 * second)
    )
    torch.testing.assert_close(both, one + 2 * two, rtol=0, atol=1e-9)


@pytest.fixture(scope="module")
def learnt() -> Any:
    """A small one: 30 components, fitted on 20 000 patches of three photos that do not judge."""
    photos = [data.coffee(), data.rocket(), data.stereo_motorcycle()[0]]
    clean = torch.stack(
        [torch.from_numpy(photo[:320:2, :480:2] / np.float32(255)) for photo in photos]
    ).permute(0, 3, 1, 2)
    made: Any = adversity.create("restoration", "epll", components=30, patches=20_000, rounds=6)
    return made.fit(clean)


def test_it_gains_on_photos_that_it_was_not_fitted_on(
    learnt: Any, photos: Tensor, noisy: Tensor
) -> None:
    """More than `dct`, which knows no photos, on the two small photos that it has not seen."""
    sigma = torch.tensor([0.1, 0.1])
    rows = [0, 2]
    better = learnt(noisy[rows], sigma=sigma)
    plain = DCT().restore(noisy[rows], sigma=sigma).images
    for image, other, clean in zip(better, plain, photos[rows], strict=True):
        errors = [float((one - clean).square().mean()) for one in (image, other)]
        assert errors[0] < 0.95 * errors[1]


@pytest.mark.slow
def test_photos_at_sigma_25() -> None:
    """A sliding cosine transform of another program has 30.1 on camera; 30.48 and 30.45 were measured.

    Fitted with a quarter of the components on photos that do not judge; sigma 25/255, noise that is
    not clipped.
    """
    china, flower = load_sample_images().images
    photos = [china, flower, data.stereo_motorcycle()[0], data.rocket()]
    photos += [data.retina()[400:900, 400:900], data.immunohistochemistry()]
    made: Any = adversity.create("restoration", "epll", components=50, patches=30_000)
    clean = torch.stack([torch.from_numpy(p[:424, :480] / np.float32(255)) for p in photos])
    plugin, sigma = made.fit(clean.permute(0, 3, 1, 2)).ready.plugin, 25 / 255
    for photo in (data.camera(), data.astronaut()):
        pixels = resize(photo / 255.0, (256, 256), anti_aliasing=True)
        drawn = pixels + sigma * np.random.default_rng(0).normal(size=pixels.shape)
        true, worse = (
            torch.from_numpy(values).float().reshape(1, 256, 256, -1).permute(0, 3, 1, 2)
            for values in (pixels, drawn)
        )
        better = plugin.restore(worse, sigma=torch.tensor([sigma])).images
        assert -10 * np.log10(float((better - true).double().square().mean())) > 30.35


def test_grey_is_colour_without_colour(learnt: Any, noisy: Tensor) -> None:
    """A grey image is the same alone as in three equal channels: the first channel is the mean."""
    grey, sigma = noisy[:1, :1], torch.tensor([0.1])
    alone = learnt(grey, sigma=sigma)
    # Noise that is equal in three channels is sqrt(3) times as strong in their mean.
    three = learnt(grey.expand(-1, 3, -1, -1), sigma=sigma * 3**0.5)
    torch.testing.assert_close(three, alone.expand(-1, 3, -1, -1), rtol=0, atol=1e-4)


def test_references_are_learnt_from_where_there_are_some(photos: Tensor, noisy: Tensor) -> None:
    """Fitted on noisy images with clean references it is fitted on these, bit by bit."""
    given = {"components": 4, "patches": 3000, "rounds": 2}
    pairs = adversity.create("restoration", "epll", **given).fit(
        noisy, references=photos, side={"sigma": torch.full((3,), 0.1)}
    )
    plain = adversity.create("restoration", "epll", **given).fit(photos)
    assert torch.equal(
        pairs(noisy, sigma=torch.ones(3) / 10), plain(noisy, sigma=torch.ones(3) / 10)
    )


def test_what_it_cannot_learn_from_is_refused(photos: Tensor) -> None:
    """Too few patches, nothing learnt, a strange state: each says what to do."""
    with pytest.raises(AdversityError, match=r"at least 200 patches .* have 1; fit on more"):
        adversity.create("restoration", "epll").fit(photos[:1, :, :8, :8])
    plugin = EPLL()
    plugin.setup("cpu")
    with pytest.raises(NotFittedError, match="fit_on"):
        plugin.restore(photos, sigma=torch.full((3,), 0.1))
    with pytest.raises(WeightsError, match="not one of epll"):
        plugin.load(adversity.State({}, {}))
