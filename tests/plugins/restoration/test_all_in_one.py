"""all_in_one: what it sees in photos it was not made with, what it chooses, and what stands then."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.measure import blur_effect
from torch import Tensor
from torch.nn import functional

import adversity
from adversity_plugins.restoration._symptoms import blockiness, blur, haziness, luminance

USED = ("deblocked", "denoised", "dehazed", "brightened", "deblurred")
PARTS = ("deblock", "denoise", "dehaze", "brighten", "deblur")


@pytest.fixture(scope="module")
def others() -> Tensor:
    """Twenty photos of ImageNet at 224 x 224, on which no bound was set."""
    spec = find_spec("foolbox")
    assert spec is not None
    assert spec.origin is not None
    images = []
    for file in sorted((Path(spec.origin).parent / "data").glob("imagenet_*.jpg")):
        with Image.open(file) as photo:
            image = photo.convert("RGB")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.crop((left, top, left + side, top + side))
        images.append(np.asarray(square.resize((224, 224), Image.Resampling.LANCZOS)) / 255)
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()


@pytest.mark.slow
@pytest.mark.parametrize("severity", [3, 5])
@pytest.mark.parametrize(
    ("degradation", "right", "least", "most"),
    [
        ("jpeg_compression", "deblocked", 20, 1),
        ("gaussian_noise", "denoised", 20, 0),
        ("haze", "dehazed", 17, 0),
        ("low_light", "brightened", 20, 0),
        ("gaussian_blur", "deblurred", 20, 7),
        ("motion_blur", "deblurred", 15, 5),
    ],
)
def test_it_tells_single_faults_apart(
    others: Tensor, degradation: str, right: str, least: int, most: int, severity: int
) -> None:
    """At least and at most as many of the twenty as were measured: the right one, and wrong ones.

    `gamma_correction` in each place only shows what would be used.
    """
    chooser = adversity.create(
        "restoration", "all_in_one", **dict.fromkeys(PARTS, "gamma_correction")
    )
    ids = [str(number) for number in range(len(others))]
    worse = adversity.create("degradation", degradation, severity=severity)(others, ids=ids, seed=0)
    chooser(worse)
    counts = {name: int(chooser.found[name].sum()) for name in USED}
    assert counts.pop(right) >= least
    assert sum(counts.values()) <= most


def test_clear_photos_are_mostly_left_alone(others: Tensor) -> None:
    """Two of twenty were not: one is grainy, one has nothing dark in it."""
    chooser = adversity.create(
        "restoration", "all_in_one", **dict.fromkeys(PARTS, "gamma_correction")
    )
    answer = chooser(others)
    touched = sum(chooser.found[name] for name in USED) > 0
    assert int(touched.sum()) <= 2
    assert torch.equal(answer[~touched], others[~touched])


def test_what_is_chosen_does_its_work_one_after_another(photos: Tensor) -> None:
    """Noise in the dark: both parts, noise first; the answer is that of the two by hand."""
    draw = torch.Generator().manual_seed(0)
    dark = 0.1 * photos
    noisy = torch.cat([dark[:1] + 0.08 * torch.randn(dark[:1].shape, generator=draw), dark[1:]])
    noisy = noisy.clamp(0, 1)
    parts: dict[str, Any] = {
        "denoise": {"uses": "tikhonov", "with": {"sigma": 0.1}},
        "brighten": {"uses": "gamma_correction", "with": {"gamma": 0.5}},
        "dark_below": 0.12,
    }
    chooser = adversity.create("restoration", "all_in_one", **parts)
    answer = chooser(noisy)
    assert chooser.found["denoised"].tolist() == [1, 0, 0]
    assert chooser.found["brightened"].tolist() == [1, 1, 1]
    denoise = adversity.create("restoration", "tikhonov", sigma=0.1)
    brighten = adversity.create("restoration", "gamma_correction", gamma=0.5)
    by_hand = torch.cat([brighten(denoise(noisy[:1])), brighten(noisy[1:])])
    torch.testing.assert_close(answer, by_hand, atol=1e-6, rtol=0)


def test_holes_are_filled_first_and_only_where_a_mask_tells(photos: Tensor) -> None:
    """The numbers are those of the filled image; without a mask nothing is missing."""
    mask = torch.ones(3, 1, 48, 64)
    mask[0, :, 10:30, 20:50] = 0
    chooser = adversity.create("restoration", "all_in_one", fill="inpaint_telea")
    answer = chooser(photos * mask, mask=mask)
    assert chooser.found["filled"].tolist() == [1, 0, 0]
    assert chooser.found["missing"].tolist() == pytest.approx([600 / 3072, 0, 0])
    fill = adversity.create("restoration", "inpaint_telea")
    filled = fill(photos[:1] * mask[:1], mask=mask[:1])
    torch.testing.assert_close(answer[:1], filled, atol=1e-6, rtol=0)
    torch.testing.assert_close(chooser.found["luminance"][:1], luminance(filled))
    assert torch.equal(answer[1:], photos[1:])
    assert torch.equal(chooser(photos * mask), photos * mask)


def test_a_fault_without_a_part_is_measured_and_stays(noisy: Tensor) -> None:
    """Every name is found for every image, whatever parts there are."""
    chooser = adversity.create("restoration", "all_in_one")
    assert torch.equal(chooser(noisy), noisy)
    assert set(chooser.found) == {
        *("missing", "blockiness", "noise", "haziness", "luminance", "blur"),
        *("filled", *USED),
    }
    assert (chooser.found["noise"] > 0.05).all()
    assert not chooser.found["denoised"].any()


def test_blur_is_that_of_the_paper_written_out() -> None:
    """Equations 1 to 6 of Crete et al. as loops, and the order in which scikit-image has images."""
    image = torch.rand(
        (1, 1, 12, 15), generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    grey = image[0, 0].numpy()

    def along(rows: np.ndarray) -> float:
        sharp = kept = 0.0
        padded = np.pad(rows, ((0, 0), (4, 4)), mode="edge")
        for row, wide in zip(rows, padded, strict=True):
            smooth = [wide[k : k + 9].mean() for k in range(len(row))]
            for k in range(1, len(row)):
                before, after = abs(row[k] - row[k - 1]), abs(smooth[k] - smooth[k - 1])
                sharp += before
                kept += max(0.0, before - after)
        return (sharp - kept) / sharp

    expected = max(along(grey), along(grey.T))
    assert float(blur(image)) == pytest.approx(expected, abs=1e-9)


def test_blur_grows_with_blur(photos: Tensor) -> None:
    """Six widths of a mean: ever more, and in the order of scikit-image's `blur_effect`."""
    wider = [photos[:1]]
    for size in (3, 5, 7, 9, 11):
        edge = size // 2
        padded = functional.pad(photos[:1], (edge,) * 4, mode="replicate")
        wider.append(functional.avg_pool2d(padded, size, 1))
    own = [float(blur(image)) for image in wider]
    peer = [
        float(blur_effect(image[0].permute(1, 2, 0).numpy(), channel_axis=2)) for image in wider
    ]
    assert own == sorted(own)
    assert np.argsort(own).tolist() == np.argsort(peer).tolist()
    assert float(blur(torch.full((1, 3, 9, 9), 0.5))) == 0


def test_blocks_and_haze_in_closed_form() -> None:
    """Ramps with a step of 0.1 at each border of 8; an even grey's dark channel is its darkest value.

    Within a block neighbours differ by 0.01, across by 0.11: ten times more.
    """
    steps = torch.arange(32) * 0.01 + torch.arange(32).div(8, rounding_mode="floor") * 0.1
    both = (steps[:, None] + steps[None, :]).view(1, 1, 32, 32) / 2
    assert float(blockiness(both)) == pytest.approx(10, rel=1e-4)
    shifted = functional.pad(both, (4, 0, 4, 0), mode="replicate")
    assert float(blockiness(shifted)) < 0
    assert float(blockiness(both[..., :8, :8])) == 0
    even = torch.tensor([0.9, 0.4, 0.7]).view(1, 3, 1, 1).expand(1, 3, 20, 20)
    assert float(haziness(even)) == pytest.approx(0.4)
    assert float(luminance(even)) == pytest.approx(0.299 * 0.9 + 0.587 * 0.4 + 0.114 * 0.7)
