"""PSNR and SSIM in every convention: scikit-image, published figures, closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import data
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from adversity import metrics
from adversity.errors import DataError

Pair = tuple[torch.Tensor, torch.Tensor]


@pytest.fixture(scope="module")
def astronaut() -> Pair:
    """The astronaut with noise of sigma 25, rounded and clipped to uint8, and it alone."""
    clean = data.astronaut()
    noise = np.random.default_rng(0).normal(0, 25, clean.shape)
    noisy = np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)
    a, b = (
        torch.from_numpy(x.transpose(2, 0, 1).copy())[None].float() / 255 for x in (noisy, clean)
    )
    return a, b


@pytest.fixture(scope="module")
def pair() -> Pair:
    """Two unlike colour images a batch, of another height than width, on no 8-bit grid."""
    rng = np.random.default_rng(7)
    clean = rng.random((2, 3, 30, 41), dtype=np.float32) * 0.8 + 0.1
    noisy = np.clip(clean + rng.normal(0, 0.1, clean.shape), 0, 1).astype(np.float32)
    return torch.from_numpy(noisy), torch.from_numpy(clean)


def as_images(batch: torch.Tensor) -> np.ndarray:
    """Return float64 images `[N, H, W, C]`, as scikit-image has them."""
    return batch.double().numpy().transpose(0, 2, 3, 1)


def luma(images: np.ndarray) -> np.ndarray:
    """Return scikit-image's Y (16 to 235) on the [0, 1] scale."""
    return rgb2ycbcr(images)[..., 0] / 255


@pytest.mark.parametrize(
    ("options", "theirs"),
    [
        ({"channels": "luma"}, 25.504),
        # Measured with a grey image that was rounded to uint8: that moves it by .005 dB.
        ({"channels": "grey"}, pytest.approx(24.178, abs=6e-3)),
    ],
)
def test_psnr_of_the_astronaut_in_other_channels(
    astronaut: Pair, options: dict[str, Any], theirs: Any
) -> None:
    """Y as BasicSR takes it gives 25.504 dB, OpenCV's grey 24.178, RGB 20.863.

    Those two libraries gave these on this pair; neither is needed here.
    """
    expected = pytest.approx(theirs, abs=5e-4) if isinstance(theirs, float) else theirs
    assert metrics.psnr(*astronaut, **options).item() == expected


@pytest.mark.parametrize(
    ("options", "theirs"),
    [
        ({"window": "uniform", "window_size": 7, "covariance": "sample"}, 0.3648),
        ({"padding": "reflect"}, 0.3315),
        ({"downsample": True}, 0.6423),
        ({"channels": "luma"}, 0.5249),
    ],
    ids=["scikit-image", "kornia, torchmetrics, deepinv", "ssim.m, piq for even sides", "BT.601 Y"],
)
def test_ssim_of_the_astronaut_is_that_of_each_library(
    astronaut: Pair, options: dict[str, Any], theirs: float
) -> None:
    """The defaults of other libraries are parameters here: their figures, to all four digits.

    They gave these on this pair (piq 0.8.0, kornia, torchmetrics, deepinv); only scikit-image is
    there to be run again, as below. Its value on `rgb2ycbcr` is the last one.
    """
    assert metrics.ssim(*astronaut, **options).item() == pytest.approx(theirs, abs=5e-5)


def test_luma_is_that_of_scikit_image(pair: Pair) -> None:
    """On Y by `rgb2ycbcr` PSNR and SSIM are scikit-image's (its matrix has these digits; 1e-10)."""
    noisy, clean = (luma(as_images(given)) for given in pair)
    expected = [
        peak_signal_noise_ratio(b, a, data_range=1) for a, b in zip(noisy, clean, strict=True)
    ]
    np.testing.assert_allclose(metrics.psnr(*pair, channels="luma").numpy(), expected, rtol=1e-10)
    options = {"gaussian_weights": True, "use_sample_covariance": False, "data_range": 1}
    expected = [structural_similarity(a, b, **options) for a, b in zip(noisy, clean, strict=True)]
    np.testing.assert_allclose(metrics.ssim(*pair, channels="luma").numpy(), expected, rtol=1e-10)


def test_white_has_luma_235_and_grey_1() -> None:
    """Black against white is 219/255 apart in luma and 1 in grey: -20 log10 of that, in dB."""
    white, black = torch.ones(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    expected = -20 * np.log10(219 / 255)
    assert metrics.psnr(white, black, channels="luma").item() == pytest.approx(expected, abs=1e-9)
    assert metrics.psnr(white, black, channels="grey").item() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("channels", ["luma", "grey"])
def test_a_grey_image_is_its_own_luma(pair: Pair, channels: Any) -> None:
    """Of one channel, luma is the image itself, to the last bit; and the convention says so."""
    noisy, clean = (given[:, :1] for given in pair)
    for measure in (metrics.psnr, metrics.ssim):
        assert torch.equal(measure(noisy, clean, channels=channels), measure(noisy, clean))
    for said in (
        metrics.psnr_convention(channels=channels),
        metrics.ssim_convention(channels=channels),
    ):
        assert "a grey image as it is" in said["channels"]


def test_mean_of_channels_is_no_psnr_of_the_mean_error() -> None:
    """Errors of .1, .01 and .001 are 20, 40 and 60 dB: their mean is 40, the joint PSNR 24.7."""
    clean = torch.full((1, 3, 4, 4), 0.5, dtype=torch.float64)
    worse = clean + torch.tensor([0.1, 0.01, 0.001], dtype=torch.float64)[None, :, None, None]
    assert metrics.psnr(worse, clean, channels="mean").item() == pytest.approx(40, abs=1e-9)
    joint = -10 * np.log10((1e-2 + 1e-4 + 1e-6) / 3)
    assert metrics.psnr(worse, clean).item() == pytest.approx(joint, abs=1e-9)
    worse[:, 2] = clean[:, 2]
    assert metrics.psnr(worse, clean, channels="mean").item() == float("inf")


def test_rounding_is_that_of_an_image_file(pair: Pair) -> None:
    """With uint8 it is scikit-image's of `numpy.rint(255 x)` as bytes (1e-12: one scale factor)."""
    files = [np.rint(as_images(given) * 255).astype(np.uint8) for given in pair]
    expected = [peak_signal_noise_ratio(b, a) for a, b in zip(*files, strict=True)]
    found = metrics.psnr(*pair, rounding="uint8").numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert (np.abs(found - metrics.psnr(*pair).numpy()) > 1e-6).all()


@pytest.mark.parametrize("measure", [metrics.psnr, metrics.ssim])
def test_crop_leaves_the_border_out(pair: Pair, measure: Any) -> None:
    """It is the measure of the images cut by hand, whatever the border holds."""
    noisy, clean = pair
    spoilt = noisy.clone()
    spoilt[:, :, 0] = spoilt[:, :, :, -1] = 0
    cut = [given[:, :, 5:-5, 5:-5].contiguous() for given in pair]
    assert torch.equal(measure(spoilt, clean, crop=5), measure(*cut))
    assert not torch.equal(measure(spoilt, clean), measure(noisy, clean))


def test_the_range_of_the_reference(pair: Pair) -> None:
    """Each image's own max - min is the peak, as scikit-image takes it from a caller."""
    noisy, clean = pair
    clean = clean * torch.tensor([0.3, 1.0])[:, None, None, None]
    noisy = noisy * 0.5
    images, truths = as_images(noisy), as_images(clean)
    ranges = [float(np.ptp(truth)) for truth in truths]
    expected = [
        peak_signal_noise_ratio(b, a, data_range=r)
        for a, b, r in zip(images, truths, ranges, strict=True)
    ]
    found = metrics.psnr(noisy, clean, data_range="reference").numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    expected = [
        structural_similarity(
            a, b, data_range=r, channel_axis=2, gaussian_weights=True, use_sample_covariance=False
        )
        for a, b, r in zip(images, truths, ranges, strict=True)
    ]
    found = metrics.ssim(noisy, clean, data_range="reference").numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("padding", ["valid", "reflect", "zeros"])
@pytest.mark.parametrize("width", [1e-6, 1e-9])
def test_a_narrow_range_changes_nothing(width: float, padding: Any) -> None:
    """Images squeezed around .5 keep their structure, held against their own range.

    At 1e-3 the luminance is 1 within 1e-5 and no digits are lost. As differences of means of
    squares, variances were rounding errors below 1e-6, and an SSIM was in the thousands.
    """
    wide = torch.from_numpy(np.random.default_rng(0).random((2, 2, 1, 16, 16))) - 0.5
    options: Any = {"data_range": "reference", "padding": padding}
    expected = metrics.ssim(*(0.5 + 1e-3 * wide), **options)
    found = metrics.ssim(*(0.5 + width * wide), **options)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("sample", [False, True])
@pytest.mark.parametrize(
    ("options", "theirs"),
    [
        ({"window": "uniform", "window_size": 7}, {"win_size": 7}),
        ({"window": "uniform", "window_size": 3}, {"win_size": 3}),
        # Its Gaussian reaches int(3.5 sigma + .5) pixels from the middle.
        ({"window_size": 9, "sigma": 1.0}, {"gaussian_weights": True, "sigma": 1.0}),
        ({"window_size": 15, "sigma": 2.0}, {"gaussian_weights": True, "sigma": 2.0}),
    ],
)
def test_windows_are_those_of_scikit_image(
    pair: Pair, options: dict[str, Any], theirs: dict[str, Any], *, sample: bool
) -> None:
    """Form, width, sigma and covariance give its value (1e-10: sums in another order)."""
    expected = [
        structural_similarity(
            a, b, data_range=1, channel_axis=2, use_sample_covariance=sample, **theirs
        )
        for a, b in zip(*map(as_images, pair), strict=True)
    ]
    covariance: Any = "sample" if sample else "population"
    found = metrics.ssim(*pair, covariance=covariance, **options).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize(("padding", "mode"), [("reflect", "reflect"), ("zeros", "constant")])
def test_padding_is_an_image_padded_by_numpy(pair: Pair, padding: Any, mode: Any) -> None:
    """A window at each pixel: scikit-image's on the image that `numpy.pad` made (1e-10)."""
    width = ((5, 5), (5, 5), (0, 0))
    expected = [
        structural_similarity(
            np.pad(a, width, mode=mode),
            np.pad(b, width, mode=mode),
            data_range=1,
            channel_axis=2,
            gaussian_weights=True,
            use_sample_covariance=False,
        )
        for a, b in zip(*map(as_images, pair), strict=True)
    ]
    np.testing.assert_allclose(metrics.ssim(*pair, padding=padding).numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize(("side", "factor"), [(383, 1), (384, 2), (639, 2), (640, 3), (900, 4)])
def test_downsampling_is_that_of_the_original(side: int, factor: int) -> None:
    """The factor rounds halves up, and the average is MATLAB's `imfilter(..., 'symmetric')`.

    SciPy's `reflect` is MATLAB's `symmetric`; its middle of an even window is the later pixel,
    MATLAB's the earlier one, so the origin is shifted. 1e-10: sums in another order.
    """
    rng = np.random.default_rng(side)
    clean = ndimage.gaussian_filter(rng.random((side, side + 3)), 2)
    noisy = np.clip(clean + rng.normal(0, 0.05, clean.shape), 0, 1)
    small = [
        ndimage.uniform_filter(x, factor, mode="reflect", origin=-(factor % 2 == 0))[
            ::factor, ::factor
        ]
        for x in (noisy, clean)
    ]
    expected = structural_similarity(
        *small, data_range=1, gaussian_weights=True, use_sample_covariance=False
    )
    a, b = (torch.from_numpy(x)[None, None] for x in (noisy, clean))
    assert metrics.ssim(a, b, downsample=True).item() == pytest.approx(expected, rel=1e-10)
    assert (metrics.ssim(a, b).item() == pytest.approx(expected, rel=1e-6)) == (factor == 1)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"crop": 3},
        {"window_size": 7},
        {"padding": "reflect", "window_size": 9},
        {"padding": "zeros", "crop": 1},
    ],
)
def test_the_smallest_side_is_the_smallest(options: dict[str, Any]) -> None:
    """Images of this side are measured, and one pixel less is refused with both sizes."""
    known = {k: v for k, v in options.items() if k in ("window_size", "padding", "crop")}
    side = metrics.ssim_smallest_side(**known)
    image = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    assert metrics.ssim(image, image, **options).item() == pytest.approx(1)
    small = image[:, :, :-1]
    with pytest.raises(DataError, match="expected images of at least"):
        metrics.ssim(small, small, **options)
