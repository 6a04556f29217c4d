"""PSNR and SSIM against scikit-image and published conventions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from adversity import metrics
from adversity.errors import DataError


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    """The astronaut, and it with noise of sigma 25, rounded and clipped to uint8."""
    clean = data.astronaut()
    noise = np.random.default_rng(0).normal(0, 25, clean.shape)
    return np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8), clean


def batch(image: np.ndarray) -> torch.Tensor:
    channels = image if image.ndim == 3 else image[..., None]
    return torch.from_numpy(np.ascontiguousarray(channels.transpose(2, 0, 1)))[None].float() / 255


def test_psnr_of_the_noisy_astronaut(pair) -> None:
    """It is 20.863 dB, on which all libraries agree (measured on four), and scikit-image's.

    1e-5 dB: the images here are float32.
    """
    value = metrics.psnr(batch(pair[0]), batch(pair[1])).item()
    assert value == pytest.approx(20.863, abs=2e-3)  # the draw of the noise
    assert value == pytest.approx(peak_signal_noise_ratio(pair[1], pair[0]), abs=1e-5)


def test_ssim_of_the_noisy_astronaut(pair) -> None:
    """It is .3353 in Wang's convention, on which five libraries agree; defaults give .33-.64."""
    assert metrics.ssim(batch(pair[0]), batch(pair[1])).item() == pytest.approx(0.3353, abs=2e-4)


@pytest.mark.parametrize("size", [(11, 11), (12, 37), (64, 48)])
@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_equals_scikit_image(size: tuple[int, int], channels: int) -> None:
    """Channel by channel it is scikit-image's with Wang's options (1e-12, both float64)."""
    rng = np.random.default_rng(5)
    a = torch.from_numpy(rng.random((2, channels, *size), dtype=np.float32))
    b = torch.from_numpy(rng.random((2, channels, *size), dtype=np.float32))
    expected = [
        np.mean(
            [
                structural_similarity(
                    x.double().numpy(),
                    y.double().numpy(),
                    gaussian_weights=True,
                    sigma=1.5,
                    use_sample_covariance=False,
                    data_range=1.0,
                )
                for x, y in zip(image, other, strict=True)
            ]
        )
        for image, other in zip(a, b, strict=True)
    ]
    np.testing.assert_allclose(metrics.ssim(a, b).numpy(), expected, atol=1e-12)


def test_equal_images() -> None:
    """An image against itself has infinite PSNR and an SSIM of 1 (1e-12: rounding)."""
    image = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert metrics.psnr(image, image).item() == float("inf")
    assert metrics.ssim(image, image).item() == pytest.approx(1.0, abs=1e-12)


def test_psnr_takes_one_mean_over_all_channels() -> None:
    """An error of .3 in one of three channels is 10 log10(3 / .09) dB, no mean of dBs."""
    clean = torch.zeros(1, 3, 4, 4)
    worse = clean.clone()
    worse[:, 0] = 0.3
    assert metrics.psnr(worse, clean).item() == pytest.approx(10 * np.log10(3 / 0.09), abs=1e-6)


@pytest.mark.parametrize("measure", [metrics.psnr, metrics.ssim])
def test_values_are_symmetric_float64_and_free_of_the_batch(measure) -> None:
    """Rows alone give the bytes they give in a batch, and the order of the pair is no matter."""
    generator = torch.Generator().manual_seed(1)
    a, b = (torch.rand(5, 3, 20, 20, generator=generator) for _ in range(2))
    whole = measure(a, b)
    assert whole.dtype == torch.float64
    assert whole.shape == (5,)
    assert torch.equal(whole, torch.cat([measure(a[i : i + 1], b[i : i + 1]) for i in range(5)]))
    torch.testing.assert_close(whole, measure(b, a), rtol=0, atol=1e-14)


def test_images_smaller_than_the_window_are_refused() -> None:
    """SSIM of a 10 x 32 image is refused with its size and a way out."""
    image = torch.zeros(1, 1, 10, 32)
    with pytest.raises(DataError, match=r"at least 11 x 11 .* got 10 x 32"):
        metrics.ssim(image, image)


@pytest.mark.parametrize("measure", [metrics.psnr, metrics.ssim])
def test_other_shapes_are_refused(measure) -> None:
    """A reference of another size is refused with both shapes."""
    with pytest.raises(DataError, match=r"\[1, 1, 16, 16\] and \[1, 1, 32, 32\]"):
        measure(torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 32, 32))
