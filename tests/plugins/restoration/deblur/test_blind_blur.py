"""Blind deblurring: the parts against closed forms and planted truth, the whole on photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor

import adversity
from adversity.errors import AdversityError
from adversity_plugins.restoration.deblur import _kernels
from adversity_plugins.restoration.deblur._blurring import Blurring, slopes
from adversity_plugins.restoration.deblur._coarse_to_fine import scales
from adversity_plugins.restoration.deblur._dark_and_few import darkest, few_slopes_and_darks
from adversity_plugins.restoration.deblur._few_slopes import few_slopes, worth_their_price
from adversity_plugins.restoration.deblur._sparse_share import slopes_of_one_image, sparse_slopes

if TYPE_CHECKING:
    from collections.abc import Callable

BLIND = ("blind_l0", "blind_dark_channel", "blind_edge_patches", "blind_normalised_sparsity")
EVERY = pytest.mark.parametrize("name", BLIND)


@pytest.fixture(scope="module")
def small_photos() -> Tensor:
    """Three parts of photos of scikit-image with clear edges, `[3, 3, 96, 96]`."""
    parts = (data.astronaut()[:384:4, :384:4], data.coffee()[16:400:4, 100:484:4])
    grey = np.repeat(data.camera()[:384:4, 64:448:4, None], 3, 2)
    return torch.stack([torch.from_numpy(p / 255).permute(2, 0, 1).float() for p in (*parts, grey)])


def _random(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def _planted(side: int) -> Tensor:
    kernel = _random(side, side) ** 4
    return kernel / kernel.sum()


def test_the_fit_is_the_solution_of_all_its_equations() -> None:
    """Least squares with a ridge over every shifted copy, by a dense solve in float64."""
    sharp, blurred = _random(2, 12, 15), _random(2, 12, 15, seed=1)
    shifts = [(-y, -x) for y in range(-2, 3) for x in range(-2, 3)]
    matrix = torch.stack([sharp.roll(by, (1, 2)).flatten() for by in shifts], 1)
    normal = matrix.T @ matrix + 0.3 * torch.eye(25, dtype=torch.float64)
    expected = torch.linalg.solve(normal, matrix.T @ blurred.flatten()).view(5, 5)
    torch.testing.assert_close(_kernels.fitted(sharp, blurred, 5, 0.3), expected)


def test_the_fit_finds_a_planted_kernel() -> None:
    """With the sharp image given, up to what the ridge takes away, 1e-6 of the power."""
    kernel, sharp = _planted(7), _random(20, 24)
    blurred = Blurring(kernel, 20, 24, circular=True).spread(sharp)
    found = _kernels.fitted(slopes(sharp), slopes(blurred), 7, 1e-6)
    torch.testing.assert_close(found, kernel, atol=1e-5, rtol=0)


def test_what_is_faint_or_apart_goes() -> None:
    """Of two pieces and a faint value the heavy piece stays, with the sum 1; of nothing, nothing."""
    kernel = torch.zeros(7, 7, dtype=torch.float64)
    kernel[3, 2:5] = 1
    kernel[2, 1], kernel[0, 6], kernel[6, 0] = 0.3, 0.25, -2
    kernel[4, 5] = 0.05
    cleaned = _kernels.cleaned(kernel, least=0.1, part=0.1)
    expected = torch.zeros(7, 7, dtype=torch.float64)
    expected[3, 2:5], expected[2, 1] = 1 / 3.3, 0.3 / 3.3
    assert cleaned is not None
    torch.testing.assert_close(cleaned, expected)
    assert _kernels.cleaned(-kernel.abs(), least=0.1, part=0.1) is None


@pytest.mark.parametrize("to", [(2, 0), (-3, 1), (0, -2)])
def test_a_kernel_that_was_moved_comes_back_to_its_centre(to: tuple[int, int]) -> None:
    """By whole pixels, nothing lost; its mean is then within half a pixel."""
    kernel = torch.zeros(11, 11, dtype=torch.float64)
    kernel[4:7, 4:7] = _planted(3)
    middle = _kernels.centred(kernel)
    torch.testing.assert_close(_kernels.centred(kernel.roll(to, (0, 1))), middle)
    at = torch.arange(11, dtype=torch.float64) - 5
    for axis in (0, 1):
        assert abs(float((middle.sum(1 - axis) * at).sum())) <= 0.5


def test_a_kernel_is_enlarged_about_its_centre() -> None:
    """A Gaussian of sigma 1.5 becomes one of sigma 3. Allowed: what bicubic weights change."""
    at = torch.arange(-14, 15, dtype=torch.float64)
    narrow, wide = (
        (line := torch.exp(-(at**2) / (2 * sigma**2)))[:, None] * line for sigma in (1.5, 3.0)
    )
    ours = _kernels.enlarged(narrow / narrow.sum(), 29, 2.0)
    torch.testing.assert_close(ours, wide / wide.sum(), atol=5e-4, rtol=0)
    assert float((narrow / narrow.sum() - wide / wide.sum()).abs().max()) > 0.02


def test_scales_end_at_the_image_and_begin_at_a_small_kernel() -> None:
    """Each is sqrt(2) times the last; a kernel of 25 pixels begins with 7, a small one at once."""
    sizes, sides = zip(*scales(25), strict=True)
    assert sizes == pytest.approx((0.25, 0.25 * 2**0.5, 0.5, 0.5**0.5, 1))
    assert sides == (7, 9, 13, 19, 25)
    assert scales(3) == [(1, 3)]


def test_slopes_stay_or_go_as_the_price_says() -> None:
    """The cheaper of 0 and of leaving each as it is, by both prices written out."""
    field = _random(2, 30, 30) - 0.5
    kept = worth_their_price(field, 0.1)
    leaving, going = torch.full((30, 30), 0.1, dtype=torch.float64), (field**2).sum(0)
    paid = torch.where((kept != 0).any(0), 0.1, 0) + ((kept - field) ** 2).sum(0)
    torch.testing.assert_close(paid, torch.minimum(leaving, going))


def test_few_slopes_find_the_steps_that_were_planted() -> None:
    """A blurred, slightly noisy block becomes flat within and without: most slopes are nearly 0.

    Allowed: in a pixel of twenty, four times what are the pixels along its rim.
    """
    block = torch.zeros(48, 48, dtype=torch.float64)
    block[14:34, 14:34] = 0.8
    blur = Blurring(torch.full((3, 3), 1 / 9, dtype=torch.float64), 48, 48, circular=True)
    worse = blur.spread(block) + 0.02 * (_random(48, 48) - 0.5)
    sharp = few_slopes(worse, blur, 4e-3)
    changes = [float((slopes(x).square().sum(0) > 1e-4).double().mean()) for x in (worse, sharp)]
    rim = float((slopes(block).square().sum(0) > 0).double().mean())
    assert rim < 0.04
    assert changes[0] > 0.4
    assert changes[1] < 0.05 + rim
    assert float((sharp - block).abs().mean()) < 0.3 * float((worse - block).abs().mean())


def _similarity(one: Tensor, other: Tensor) -> float:
    """Return the largest normalised correlation of two kernels over all shifts.

    Reference: Hu and Yang, "Good regions to deblur", 2012, equation 4.
    """
    side = one.shape[-1] + other.shape[-1]
    spectra = [torch.fft.rfft2(kernel.double(), s=(side, side)) for kernel in (one, other)]
    shared = torch.fft.irfft2(spectra[0] * spectra[1].conj(), s=(side, side))
    return float(shared.max() / (one.double().norm() * other.double().norm()))


@pytest.mark.parametrize("size", [3, 5, 11])
def test_the_darkest_of_each_window_are_found(size: int) -> None:
    """As by looking at each window, also where it is cut off at the border."""
    image, half = _random(13, 17), size // 2
    expected = torch.zeros(13, 17, dtype=torch.bool)
    for row in range(13):
        for column in range(17):
            top, left = max(0, row - half), max(0, column - half)
            window = image[top : row + half + 1, left : column + half + 1]
            place = int(window.argmin())
            expected[top + place // window.shape[1], left + place % window.shape[1]] = True
    assert torch.equal(darkest(image, size), expected)


def test_dark_pixels_become_darker_where_they_have_their_price() -> None:
    """Black dots on grey, blurred: few slopes alone smooth them away, the price on darks does not.

    Blurred they have 0.25 of 1, the grey has 0.5.
    """
    dots = torch.full((48, 48), 0.5, dtype=torch.float64)
    dots[4::8, 4::8] = 0
    line = torch.tensor([0.15, 0.7, 0.15], dtype=torch.float64)
    blur = Blurring(line[:, None] * line, 48, 48, circular=True)
    worse = blur.spread(dots)
    free, priced = (
        float(few_slopes_and_darks(worse, blur, 2e-2, size=7, share=share)[4::8, 4::8].mean())
        for share in (1e-3, 3.0)
    )
    assert free > 0.4
    assert priced < float(worse.min()) < 0.26


def test_sparse_slopes_meet_the_conditions_of_their_optimum() -> None:
    """The residual's gradient is minus the price where slopes are, and no larger where none are.

    After 300 looks. Allowed: a hundredth of the price.
    """
    field = _random(2, 14, 15) - 0.5
    field = torch.where(field.abs() > 0.35, field, 0.1 * field)
    field = field / field.norm()
    kernel = torch.full((3, 3), 0.05, dtype=torch.float64)
    kernel[1, 1] = 0.6
    blur = Blurring(kernel, 14, 15, circular=False)
    sharp = sparse_slopes(field, blur, blur.unseen(field), weight=0.02, looks=300)
    price = 0.02 / float(sharp.norm())
    downhill = -blur.gathered(blur.unseen(blur.seen(blur.spread(sharp)) - field))
    there = sharp != 0
    assert 0.1 < float(there.double().mean()) < 0.9
    expected = price * sharp[there].sign()
    torch.testing.assert_close(downhill[there], expected, atol=0.01 * price, rtol=0)
    assert float(downhill[~there].abs().max()) < 1.01 * price


@pytest.mark.parametrize("size", [(12, 15), (13, 16)])
def test_the_nearest_slopes_of_one_image_are_a_projection(size: tuple[int, int]) -> None:
    """Slopes of an image stay; what is taken from others is at a right angle to those of any."""
    image, field = _random(*size), _random(2, *size, seed=1)
    torch.testing.assert_close(slopes_of_one_image(slopes(image)), slopes(image))
    nearest = slopes_of_one_image(field)
    taken = field - nearest
    assert float(taken.norm()) > 0.1 * float(field.norm())
    assert abs(float((taken * slopes(image)).sum())) < 1e-10
    torch.testing.assert_close(slopes_of_one_image(nearest), nearest)


@EVERY
def test_the_kernel_of_a_small_photo_is_found(name: str, small_photos: Tensor) -> None:
    """Of three images of 96 x 96 pixels under paths 9 pixels wide; quality rises by 2 dB.

    Allowed: a similarity of 0.75. That of the blurs to no blur at all is 0.6 at most.
    """
    call = adversity.create("degradation", "blur", size_px=9.0, kernel="random_motion")
    worse = call(small_photos, ids=["a", "b", "c"], seed=0)
    method = adversity.create("restoration", name, kernel_size=15)
    better = method(worse)
    for found, kernel in zip(method.found["kernel"], call.side["kernel"], strict=True):
        assert _similarity(found[0], kernel[0]) > 0.75
        assert _similarity(torch.ones(1, 1), kernel[0]) < 0.6
    gains = [
        -10 * torch.log10((images - small_photos).square().mean((1, 2, 3)))
        for images in (worse, better)
    ]
    assert float((gains[1] - gains[0]).mean()) > 2


@EVERY
def test_a_flat_image_has_no_blur(name: str) -> None:
    """Grey, and grey with less than a step of an 8-bit file: the kernel is one pixel."""
    images = torch.full((2, 3, 32, 32), 0.5)
    images[1] += 0.003 * torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    method = adversity.create("restoration", name)
    better = method(images)
    expected = torch.zeros(2, 1, 25, 25)
    expected[:, :, 12, 12] = 1
    assert torch.equal(method.found["kernel"], expected)
    torch.testing.assert_close(better, images, atol=2e-3, rtol=0)


@EVERY
def test_a_small_image_is_looked_at_for_a_small_kernel(name: str, photos: Tensor) -> None:
    """Of 16 x 20 pixels: nothing beyond 5 x 5, and a kernel all the same."""
    method = adversity.create("restoration", name)
    method(photos[:, :, 10:26, 20:40])
    kernel = method.found["kernel"]
    assert kernel.shape == (3, 1, 25, 25)
    torch.testing.assert_close(kernel[:, :, 10:15, 10:15].sum((1, 2, 3)), torch.ones(3))
    assert (kernel >= 0).all()


@EVERY
def test_colour_is_deblurred_by_the_kernel_of_its_luma(name: str, photos: Tensor) -> None:
    """A grey photo in three equal channels gives what it gives in one. Tolerance: float32."""
    grey = photos[:1].mean(1, keepdim=True)
    method = adversity.create("restoration", name, kernel_size=9)
    alone = method(grey)
    kernel = method.found["kernel"]
    together = method(grey.expand(-1, 3, -1, -1))
    torch.testing.assert_close(method.found["kernel"], kernel, atol=1e-3, rtol=0)
    torch.testing.assert_close(together, alone.expand(-1, 3, -1, -1), atol=5e-3, rtol=0)


@EVERY
def test_a_kernel_without_a_centre_is_refused(name: str) -> None:
    """In a sentence, with the next size that has one."""
    make: Callable[..., object] = adversity.create
    with pytest.raises(AdversityError, match=r"kernel_size must be odd, got 24; try 25"):
        make("restoration", name, kernel_size=24)


def test_a_window_without_a_centre_is_refused() -> None:
    """The dark channel's, in a sentence."""
    make: Callable[..., object] = adversity.create
    with pytest.raises(AdversityError, match=r"window must be odd, got 24; try 25"):
        make("restoration", "blind_dark_channel", window=24)
