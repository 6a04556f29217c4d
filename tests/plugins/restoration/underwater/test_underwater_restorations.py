"""Grey world, UDCP and fusion by what each promises."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from adversity import SampleRng, clip
from adversity_plugins.degradation.medium.underwater import Underwater
from adversity_plugins.restoration._pyramid import blended, smoothed
from adversity_plugins.restoration.underwater._balance import equal_means, red_compensated
from adversity_plugins.restoration.underwater.gray_world import GrayWorld
from adversity_plugins.restoration.underwater.udcp import UDCP
from adversity_plugins.restoration.underwater.underwater_fusion import UnderwaterFusion


def _under_water(photos: Tensor) -> Tensor:
    rng = SampleRng(seed=0, step="test", ids="abc")
    return Underwater(severity=3).degrade(photos, rng).images


def _imbalance(images: Tensor) -> Tensor:
    """Return greatest over least mean of the channels, `[N]`."""
    means = images.mean((2, 3))
    return means.amax(1) / means.amin(1)


def test_grey_world_gives_channels_equal_means(photos: Tensor) -> None:
    """Where nothing is cut off, to the 0.001 that keeps black finite."""
    worse = _under_water(photos) * 0.5
    assert (_imbalance(worse) > 1.1).all()
    assert (_imbalance(GrayWorld().restore(worse)) < 1.01).all()


def test_grey_world_undoes_any_scaling_of_the_channels(photos: Tensor) -> None:
    """Of an image whose own mean is grey: up to brightness the clear one comes back.

    Tolerance: the 0.001 added to means of 0.1 and more.
    """
    grey = equal_means(photos.double() * 0.5, 1.0)
    tinted = grey * torch.tensor([0.5, 0.9, 0.7]).view(1, 3, 1, 1)
    back = GrayWorld().restore(tinted)
    scale = grey.mean((1, 2, 3), keepdim=True) / back.mean((1, 2, 3), keepdim=True)
    torch.testing.assert_close(back * scale, grey, atol=0.01, rtol=0)


def test_udcp_is_exact_where_its_assumption_holds() -> None:
    """Green or blue black in each pixel, one of pure veil: light and veil come back, in float64."""
    generator = torch.Generator().manual_seed(0)
    clear = 0.1 + 0.8 * torch.rand(1, 3, 20, 16, dtype=torch.float64, generator=generator)
    black = torch.randint(1, 3, (1, 1, 20, 16), generator=generator)
    clear = clear.scatter(1, black, 0.0)
    air = torch.tensor([0.3, 0.7, 0.8], dtype=torch.float64).view(1, 3, 1, 1)
    through = 0.4 + 0.5 * torch.rand(1, 1, 20, 16, dtype=torch.float64, generator=generator)
    through[0, 0, 5, 5] = 0
    answer = UDCP(omega=1, window=1, t0=1e-6, radius=0).restore(
        through * clear + air * (1 - through)
    )
    clear[0, :, 5, 5] = air.flatten()
    torch.testing.assert_close(answer.images, clear, atol=1e-9, rtol=0)
    torch.testing.assert_close(answer.found["airlight"], air.flatten(1).float())


def test_red_is_added_where_green_is_bright_and_red_is_not() -> None:
    """Equation 4 by hand: red 0.1, green 0.6 in one half and 0.2 in the other."""
    images = torch.full((1, 3, 2, 2), 0.1)
    images[:, 1, 0], images[:, 1, 1] = 0.6, 0.2
    red = red_compensated(images, 1.0)[0, 0]
    lost = 0.4 - 0.1
    torch.testing.assert_close(red[0, 0], torch.tensor(0.1 + lost * 0.9 * 0.6))
    torch.testing.assert_close(red[1, 1], torch.tensor(0.1 + lost * 0.9 * 0.2))


@pytest.mark.parametrize("size", [(48, 64), (17, 31), (5, 3)])
def test_pyramids_give_back_an_image_blended_with_itself(size: tuple[int, int]) -> None:
    """Weights that sum to 1 at each pixel sum to 1 at each scale. Tolerance: float64."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, *size, dtype=torch.float64, generator=generator)
    weight = torch.rand(2, 1, *size, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(blended([image, image], [weight, 1 - weight]), image)


def test_pyramids_leave_no_seam() -> None:
    """Black and white halves meet in a ramp, whose steps are a fraction of the edge's."""
    black, white = torch.zeros(1, 1, 64, 64), torch.ones(1, 1, 64, 64)
    left = torch.zeros(1, 1, 64, 64)
    left[..., :32] = 1
    mixed = blended([black, white], [left, 1 - left])
    assert mixed.diff(dim=3).abs().max() < 0.15
    assert mixed[..., 0].max() < 0.1
    assert mixed[..., -1].min() > 0.9


def test_smoothing_keeps_what_is_flat_and_halves_what_alternates_away() -> None:
    """The binomial filter has gain 1 at frequency 0 and 0 at the highest one."""
    torch.testing.assert_close(
        smoothed(torch.full((1, 2, 9, 7), 0.3)), torch.full((1, 2, 9, 7), 0.3)
    )
    stripes = (torch.arange(12) % 2).double().expand(1, 1, 10, 12)
    torch.testing.assert_close(
        smoothed(stripes)[..., 2:-2], torch.full((1, 1, 10, 8), 0.5).double()
    )


def test_fusion_balances_and_sharpens(photos: Tensor) -> None:
    """Channels come within a tenth of each other, and fine detail is more than in balanced ones."""
    worse = _under_water(photos)
    fused = UnderwaterFusion().restore(worse)
    assert (_imbalance(fused) < 1.1).all()
    plain = clip(equal_means(red_compensated(worse, 1.0), 1.0))
    detail = [(one - smoothed(one)).abs().mean((1, 2, 3)) for one in (plain, fused)]
    assert (detail[1] > detail[0]).all()
