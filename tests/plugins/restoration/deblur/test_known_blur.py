"""Deblurring by a known kernel, against closed forms, brute force and another program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import restoration as skimage_restoration
from torch import Tensor

import adversity
from adversity.errors import AdversityError
from adversity_plugins.restoration.deblur import _total_variation
from adversity_plugins.restoration.deblur._blurring import Blurring, slopes, slopes_back
from adversity_plugins.restoration.deblur._sparse_slopes import nearest_slope

if TYPE_CHECKING:
    from collections.abc import Callable

KNOWN = ("wiener", "richardson_lucy", "hyper_laplacian", "tv_deconvolution")
GENERATOR = torch.Generator().manual_seed(0)
KERNEL = torch.rand(5, 5, generator=GENERATOR, dtype=torch.float64) ** 4
KERNEL /= KERNEL.sum()


def _random(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def _blurred(photos: Tensor, **parameters: Any) -> tuple[Tensor, dict[str, Tensor]]:
    call = adversity.create("degradation", "blur", **parameters)
    return call(photos, ids=["a", "b", "c"], seed=0), dict(call.side)


def _psnr(images: Tensor, clean: Tensor) -> float:
    return float((-10 * (images - clean).square().mean((1, 2, 3)).log10()).mean())


def test_a_circular_blur_is_that_of_scipy() -> None:
    """Correlation with wrapped borders, in float64; all of it is seen."""
    image = _random(13, 16)
    blur = Blurring(KERNEL, 13, 16, circular=True)
    expected = ndimage.correlate(image.numpy(), KERNEL.numpy(), mode="wrap")
    np.testing.assert_allclose(blur.seen(blur.spread(image)).numpy(), expected, atol=1e-12)


def test_what_is_seen_of_another_image_never_went_round() -> None:
    """Each pixel seen is the plain sum over the larger scene, in float64."""
    blur = Blurring(KERNEL, 13, 16, circular=False)
    scene = _random(*blur.size)
    expected = torch.nn.functional.conv2d(scene[None, None], KERNEL[None, None])[0, 0, :13, :16]
    torch.testing.assert_close(blur.seen(blur.spread(scene)), expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("size", [(13, 16), (3, 2), (1, 1)])
@pytest.mark.parametrize("circular", [True, False])
def test_adjoints_are_exact(circular: Any, size: tuple[int, int]) -> None:
    """<H x, y> = <x, H' y> for the blur and for the differences, also under a larger kernel."""
    blur = Blurring(KERNEL, *size, circular=circular)
    x, y, field = _random(*blur.size), _random(*size), _random(2, *blur.size)
    forth = (blur.seen(blur.spread(x)) * y).sum()
    back = (x * blur.gathered(blur.unseen(y))).sum()
    assert float(forth) == pytest.approx(float(back), rel=1e-12)
    assert float((slopes(x) * field).sum()) == pytest.approx(float((x * slopes_back(field)).sum()))


def test_the_roughness_is_that_of_the_differences() -> None:
    """D' D x is the product in the transform."""
    blur = Blurring(KERNEL, 13, 16, circular=True)
    x = _random(13, 16)
    product = blur.back(blur.transform(x) * blur.roughness)
    torch.testing.assert_close(product, slopes_back(slopes(x)), atol=1e-12, rtol=0)


def test_wiener_is_its_closed_form_on_a_circular_image(photos: Tensor) -> None:
    """NumPy's transform of the formula, with the kernel laid out by hand. Tolerance: float32."""
    blurred, side = _blurred(photos, size_px=9, kernel="random_motion", padding="circular")
    ours = adversity.create("restoration", "wiener", balance=0.01)(blurred, **side)
    height, width = photos.shape[2:]
    for image, kernel, sharp in zip(blurred, side["kernel"], ours, strict=True):
        reach = kernel.shape[-1] // 2
        placed = np.zeros((height, width))
        placed[: 2 * reach + 1, : 2 * reach + 1] = kernel[0].flip(0, 1).numpy()
        spread = np.fft.fft2(np.roll(placed, (-reach, -reach), (0, 1)))
        down = np.abs(np.exp(2j * np.pi * np.fft.fftfreq(height)) - 1) ** 2
        right = np.abs(np.exp(2j * np.pi * np.fft.fftfreq(width)) - 1) ** 2
        inverse = np.conj(spread) / (np.abs(spread) ** 2 + 0.01 * (down[:, None] + right))
        expected = np.fft.ifft2(np.fft.fft2(image.double().numpy()) * inverse).real
        np.testing.assert_allclose(sharp.numpy(), expected.clip(0, 1), atol=2e-5)


def test_wiener_solves_for_what_lies_beyond_the_border() -> None:
    """The rounds end near the least of |M C x - y|^2 + balance |grad x|^2 over the whole domain.

    The exact solution of its normal equations, by a dense matrix. Allowed: 0.02 within the image.
    """
    from adversity_plugins.restoration.deblur.wiener import Wiener

    kernel = torch.full((3, 3), 1 / 9, dtype=torch.float64)
    blur = Blurring(kernel, 8, 9, circular=False)
    image = _random(1, 8, 9)
    count = blur.size[0] * blur.size[1]
    units = torch.eye(count, dtype=torch.float64).view(count, *blur.size)
    matrix = blur.seen(blur.spread(units)).flatten(1).T
    steep = slopes(units).transpose(0, 1).flatten(1).T
    exact = torch.linalg.solve(
        matrix.T @ matrix + 0.1 * steep.T @ steep, matrix.T @ image.flatten()
    ).view(blur.size)
    ours = Wiener(balance=0.1)._sharpened(image, blur)[0]
    torch.testing.assert_close(blur.seen(ours), blur.seen(exact), atol=0.02, rtol=0)


def test_richardson_lucy_is_that_of_scikit_image() -> None:
    """On a bright patch amid black, where no border is felt. Tolerance: float32, 20 iterations."""
    scene = np.zeros((40, 44))
    scene[14:26, 15:30] = _random(12, 15).numpy()
    point = KERNEL.numpy()
    blurred = ndimage.convolve(scene, point, mode="constant")
    theirs = skimage_restoration.richardson_lucy(blurred, point, num_iter=20)
    call = adversity.create("restoration", "richardson_lucy", iterations=20)
    ours = call(
        torch.from_numpy(blurred)[None, None].float(),
        kernel=torch.from_numpy(point[::-1, ::-1].copy())[None, None].float(),
        circular=torch.ones(1),
    )
    np.testing.assert_allclose(ours[0, 0].numpy(), theirs.clip(0, 1), atol=2e-4)
    assert np.abs(theirs - blurred).max() > 0.1


def test_richardson_lucy_keeps_light_on_a_circular_image(photos: Tensor) -> None:
    """The sum of each channel stays. Allowed: what is cut at 1, and float32."""
    blurred, side = _blurred(photos * 0.5, size_px=5, kernel="disk", padding="circular")
    sharp = adversity.create("restoration", "richardson_lucy")(blurred, **side)
    torch.testing.assert_close(sharp.mean((2, 3)), blurred.mean((2, 3)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("power", [0.3, 0.5, 2 / 3, 0.9])
@pytest.mark.parametrize("pull", [0.5, 1.0, 22.6, 181.0])
def test_the_slope_of_each_pixel_is_the_best(power: float, pull: float) -> None:
    """No value of a fine grid has a smaller |w|^power + pull / 2 (w - v)^2."""
    values = torch.linspace(-4, 4, 161, dtype=torch.float64)
    grid = torch.linspace(-4.1, 4.1, 41001, dtype=torch.float64)
    ours = nearest_slope(values, pull, power)
    for value, got in zip(values, ours, strict=True):
        objective = [w.abs() ** power + pull / 2 * (w - value) ** 2 for w in (grid, got)]
        assert float(objective[1]) <= float(objective[0].min()) + 1e-12
    assert (ours == 0).any()
    assert (ours != 0).any()


@pytest.mark.parametrize("circular", [True, False])
def test_total_variation_is_solved_to_its_gap(circular: Any) -> None:
    """The gap is below 1e-4 of the objective, and the dual value is below all we tried."""
    image = _random(2, 12, 14)
    blur = Blurring(KERNEL, 12, 14, circular=circular)
    weight = 0.02
    solved = _total_variation.solved(image, blur, weight, 1e-4)
    assert solved.gap <= 1e-4

    def objective(sharp: Tensor) -> float:
        misfit = (blur.seen(blur.spread(sharp)) - image).square().sum() / 2
        down = (sharp.roll(-1, -2) - sharp).square()
        right = (sharp.roll(-1, -1) - sharp).square()
        return float(misfit + weight * (down + right).sum(0).sqrt().sum())

    least = objective(solved.image)
    generator = torch.Generator().manual_seed(0)
    for size in (1e-4, 1e-3, 1e-2, 0.1, 1):
        for _ in range(20):
            noise = torch.randn(solved.image.shape, generator=generator, dtype=torch.float64)
            other = (solved.image + size * noise).clamp(0, 1)
            assert objective(other) >= least * (1 - 1e-4)
    assert objective(blur.continued(image)) > 1.2 * least


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("padding", ["replicate", "circular"])
def test_photos_become_sharp_up_to_their_border(name: str, padding: Any, photos: Tensor) -> None:
    """At least 3 dB are gained, and the outermost pixels are no worse than they were."""
    blurred, side = _blurred(photos, size_px=5, kernel="random_motion", padding=padding)
    sharp = adversity.create("restoration", name)(blurred, **side)
    assert _psnr(sharp, photos) > _psnr(blurred, photos) + 3
    rim = torch.ones(48, 64, dtype=torch.bool)
    rim[4:-4, 4:-4] = False
    assert _psnr(sharp[:, :, rim, None], photos[:, :, rim, None]) > _psnr(
        blurred[:, :, rim, None], photos[:, :, rim, None]
    )


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_not_told_is_refused_in_a_sentence(name: str, photos: Tensor) -> None:
    """No kernel; no word of the border; a border that is neither."""
    make: Callable[..., Any] = adversity.create
    with pytest.raises(AdversityError, match=r"needs 'kernel'.*give `with: \{kernel"):
        make("restoration", name)(photos)
    kernel = KERNEL[None, None].float().expand(3, 1, 5, 5)
    with pytest.raises(AdversityError, match="needs 'circular'"):
        make("restoration", name)(photos, kernel=kernel)
    with pytest.raises(AdversityError, match=r"circular to be 0 or 1, got 0.5"):
        make("restoration", name)(photos, kernel=kernel, circular=torch.full((3,), 0.5))


def test_a_kernel_may_be_a_parameter(photos: Tensor) -> None:
    """Rows of numbers, in place of what is told."""
    rows = tuple(map(tuple, KERNEL.tolist()))
    call = adversity.create("restoration", "wiener", kernel=rows, circular=True)
    told = adversity.create("restoration", "wiener")(
        photos, kernel=KERNEL[None, None].float().expand(3, 1, 5, 5), circular=torch.ones(3)
    )
    torch.testing.assert_close(call(photos), told)


@pytest.mark.parametrize("name", ["gaussian_blur", "defocus_blur", "motion_blur"])
def test_the_blurs_of_imagenet_c_tell_what_is_needed(name: str, photos: Tensor) -> None:
    """Wiener's filter takes their side information as it is, and gains."""
    call = adversity.create("degradation", name, severity=1)
    blurred = call(photos, ids=["a", "b", "c"], seed=0)
    side = {need: call.side[need] for need in ("kernel", "circular")}
    sharp = adversity.create("restoration", "wiener")(blurred, **side)
    assert _psnr(sharp, photos) > _psnr(blurred, photos) + 1
