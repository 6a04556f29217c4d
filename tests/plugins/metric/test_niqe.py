"""NIQE: its statistics against draws from known laws, its distance by NumPy, an independent run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from scipy import stats
from skimage import data

from adversity.contracts import asset
from adversity.errors import WeightsError
from adversity_plugins.metric._natural_scene import (
    PATCH,
    _fit,
    _half,
    distances,
    features,
    luma_levels,
)
from adversity_plugins.metric.niqe import NIQE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NIQE:
    """The metric with the statistics of a drawn texture."""
    monkeypatch.chdir(tmp_path)
    NIQE.write_example_files(tmp_path)
    metric = NIQE(pristine="natural.npz")
    metric.setup("cpu")
    return metric


def photo(name: str, sigma: float = 0.0) -> torch.Tensor:
    """A photograph of scikit-image `[1, C, H, W]`, with noise of sigma grey levels, rounded."""
    levels = getattr(data, name)().astype(float)
    if sigma:
        noise = np.random.default_rng(0).normal(0, sigma, levels.shape)
        levels = np.clip(levels + noise, 0, 255).round()
    image = torch.from_numpy(levels / 255).float()
    return image.permute(2, 0, 1)[None] if image.ndim == 3 else image[None, None]


@pytest.mark.parametrize("shape", [0.6, 1.0, 2.0, 4.0])
def test_shape_and_scale_of_a_generalised_gaussian_are_found(shape: float) -> None:
    """Of 400 000 draws by SciPy: the shape to 2 %, of scale 3 each side's; the mean is none."""
    draws = stats.gennorm.rvs(shape, scale=3.0, size=400_000, random_state=0)
    alpha, mean, left, right = (float(part) for part in _fit(torch.from_numpy(draws)))
    assert alpha == pytest.approx(shape, rel=0.02)
    assert (left, right) == pytest.approx((3.0, 3.0), rel=0.03)
    assert abs(mean) < 0.1


def test_an_asymmetric_one_has_two_scales() -> None:
    """Laplacian sides of scales 1 and 3, as often as these: the mean is 3 - 1 = 2."""
    draws = np.random.default_rng(0)
    values = draws.exponential(1.0, 400_000)
    values = np.where(draws.random(400_000) < 0.25, -values, 3 * values)
    alpha, mean, left, right = (float(part) for part in _fit(torch.from_numpy(values)))
    assert alpha == pytest.approx(1.0, rel=0.02)
    assert (left, right, mean) == pytest.approx((1.0, 3.0, 2.0), rel=0.03)


def test_half_a_ramp_is_the_ramp_between() -> None:
    """A bicubic kernel is exact for what is linear: pixel k of the half lies at 2 k + 0.5."""
    ramp = torch.arange(64, dtype=torch.float64).expand(1, 1, 64, 64)
    inner = _half(ramp)[0, 0, 10, 4:-4]
    expected = 2 * torch.arange(4, 28, dtype=torch.float64) + 0.5
    torch.testing.assert_close(inner, expected, atol=1e-12, rtol=0)


def test_the_distance_is_that_of_numpy() -> None:
    """Mahalanobis with the mean of both covariances; 0 for statistics of its own."""
    draws = np.random.default_rng(1)
    rows, other = draws.normal(size=(60, 36)), draws.normal(size=(80, 36)) + 0.3
    mean, covariance = other.mean(0), np.cov(other, rowvar=False)
    off = mean - rows.mean(0)
    pooled = (np.cov(rows, rowvar=False) + covariance) / 2
    expected = np.sqrt(off @ np.linalg.inv(pooled) @ off)
    given = [torch.from_numpy(x) for x in (rows[None], mean, covariance)]
    assert float(distances(*given)) == pytest.approx(expected, rel=1e-9)
    own = [torch.from_numpy(x) for x in (rows[None], rows.mean(0), covariance)]
    assert float(distances(*own)) < 1e-9


def test_blur_and_noise_are_less_natural_the_stronger_they_are(measured: NIQE) -> None:
    """Whatever the statistics are; and a batch is measured image by image."""
    crops = [photo("astronaut", sigma)[:, :, :288, :288] for sigma in (0, 10, 25, 50)]
    found = measured.measure(torch.cat(crops)).tolist()
    assert found == [float(measured.measure(crop)) for crop in crops]
    features_of = features(luma_levels(crops[0]))
    assert features_of.shape == (1, 9, 36)
    own = features_of[0]
    metric = NIQE(pristine="natural.npz")
    metric._mean, metric._covariance = own.mean(0), torch.cov(own.T)
    noisy = metric.measure(torch.cat(crops)).tolist()
    assert noisy[0] < 1e-6
    assert noisy == sorted(noisy)


def test_what_has_no_texture_is_infinitely_far(measured: NIQE) -> None:
    """A flat image has no statistics; half of it flat, the other half tells."""
    side = 2 * PATCH
    flat = torch.full((1, 1, side, side), 0.5)
    half = flat.clone()
    half[:, :, :PATCH] = torch.rand(1, 1, PATCH, side, generator=torch.Generator().manual_seed(0))
    assert measured.measure(torch.cat([flat, half])).isfinite().tolist() == [False, True]


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda file: file.write_bytes(b"no"), "expected mu_pris_param and cov_pris_param"),
        (lambda file: np.savez(file, mu_pris_param=np.zeros((1, 36))), "cov_pris_param"),
        (
            lambda file: np.savez(file, mu_pris_param=np.zeros(36), cov_pris_param=np.eye(36)),
            r"expected mu_pris_param \[1, 36\] of finite numbers, got \[36\]",
        ),
    ],
    ids=["no file of NumPy", "half of it", "another shape"],
)
def test_another_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: object, message: str
) -> None:
    """With what was expected, and where the published one is."""
    monkeypatch.chdir(tmp_path)
    assert callable(write)
    write(tmp_path / "p.npz")
    with pytest.raises(WeightsError, match=message) as error:
        NIQE(pristine="p.npz").setup("cpu")
    assert "with pristine" in str(error.value)


def test_without_the_package_one_sentence_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The command that fetches it; nothing is needed where another file is given."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(asset, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="run: adversity assets fetch metric/niqe"):
        NIQE().setup("cpu")
    assert NIQE().needed_assets()
    assert not NIQE(pristine="natural.npz").needed_assets()


def _has_parameters() -> bool:
    try:
        NIQE().setup("cpu")
    except WeightsError:
        return False
    return True


@pytest.mark.skipif(not _has_parameters(), reason="adversity assets fetch metric/niqe")
@pytest.mark.parametrize(
    ("name", "sigma", "expected"),
    [
        ("astronaut", 0, 3.06495),
        ("astronaut", 25, 9.95351),
        ("chelsea", 0, 2.62552),
        ("chelsea", 25, 10.54924),
        ("coffee", 0, 4.11524),
        ("camera", 0, 3.09622),
        ("camera", 25, 11.53089),
    ],
)
def test_published_parameters_give_the_values_of_another_program(
    name: str, sigma: float, expected: float
) -> None:
    """BasicSR 1.4.2's own code on the same images, run apart; to 5e-4.

    It counts the signs of rounding errors where an image is saturated, ours are 0 there.
    """
    metric = NIQE()
    metric.setup("cpu")
    assert float(metric.measure(photo(name, sigma))) == pytest.approx(expected, abs=5e-4)
