"""Kernels of several sizes in a batch, and what becomes of side information with the images."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import correlate

from adversity import Degradation, Degraded, Restoration, SampleRng
from adversity.engine.calls.side_sizes import padded_to
from adversity.errors import PluginError

IMAGES = torch.rand((5, 3, 8, 10), generator=torch.Generator().manual_seed(0))
SIZES = (3, 5, 3, 1, 7)
KERNELS = [
    torch.softmax(torch.arange(size * size, dtype=torch.float32) / 9, 0).reshape(1, 1, size, size)
    for size in SIZES
]
MAP = torch.rand((2, 1, 5, 6), generator=torch.Generator().manual_seed(1))


def rng(count: int) -> SampleRng:
    return SampleRng(seed=0, step="x", ids=tuple(map(str, range(count))))


class Shakes(Degradation):
    """Correlate each image with a kernel of a size of its own; what is beyond the border is 0."""

    name: ClassVar[str] = "shakes"
    differentiable: ClassVar[bool] = True

    def degrade(self, images: torch.Tensor, rng: SampleRng) -> Degraded:
        kernel = KERNELS[int(rng.ids[0])]
        return Degraded(correlated(images, kernel), {"kernel": kernel})


class Records(Restoration):
    """Correlate with the kernel it is given, and write down which sizes came."""

    name: ClassVar[str] = "records"
    needs: ClassVar[tuple[str, ...]] = ("kernel",)
    differentiable: ClassVar[bool] = True
    seen: ClassVar[list[tuple[int, ...]]] = []

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        self.seen.append(tuple(needs["kernel"].shape))
        pairs = zip(images, needs["kernel"], strict=True)
        return torch.cat([correlated(image[None], kernel[None]) for image, kernel in pairs])


class RecordsTwo(Records):
    """The same, two images at a time."""

    name: ClassVar[str] = "records_two"
    block_rows: ClassVar[int] = 2


def correlated(images: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Return `[1, C, H, W]` correlated with `[1, 1, k, k]`."""
    planes = images.transpose(0, 1)
    return torch.nn.functional.conv2d(planes, kernel, padding="same").transpose(0, 1).clamp(0, 1)


def by_scipy(images: torch.Tensor) -> np.ndarray:
    """Correlate each image with its own kernel, in float64."""
    pairs = zip(images.double().numpy(), KERNELS, strict=True)
    return np.stack(
        [
            [correlate(c, k[0, 0].double().numpy(), mode="constant") for c in image]
            for image, k in pairs
        ]
    )


@pytest.mark.parametrize("run", ["passed", "traced"])
def test_kernels_of_a_batch_are_padded_to_the_largest(make_ready: Any, run: str) -> None:
    """Each keeps its values around its middle: SciPy correlates with either to the same image."""
    passed = getattr(make_ready(Shakes()).call, run)(IMAGES, {}, rng(5))
    kernels = passed.side["kernel"]
    assert kernels.shape == (5, 1, 7, 7)
    for padded, own, image in zip(kernels, KERNELS, IMAGES, strict=True):
        plane = image[0].double().numpy()
        wide, narrow = (
            correlate(plane, k.double().numpy().reshape(k.shape[-2:]), mode="constant")
            for k in (padded, own)
        )
        np.testing.assert_allclose(wide, narrow, rtol=0, atol=1e-12)
    np.testing.assert_allclose(passed.images.numpy(), by_scipy(IMAGES), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("plugin", "rows"), [(Records, 1), (RecordsTwo, 2)])
def test_a_restoration_gets_each_kernel_in_its_own_size(
    make_ready: Any, plugin: type[Records], rows: int
) -> None:
    """Its blocks hold one size: the same bytes in any batch, and SciPy's image for each kernel."""
    side = {"kernel": torch.cat([padded_to(9, kernel) for kernel in KERNELS])}
    call = make_ready(plugin()).call
    Records.seen.clear()
    together = call.passed(IMAGES, side, rng(5)).images
    assert {shape[-1] for shape in Records.seen} == set(SIZES)
    assert {shape[0] for shape in Records.seen} == {rows}
    np.testing.assert_allclose(together.numpy(), by_scipy(IMAGES), rtol=0, atol=1e-6)
    order = [4, 2, 0, 3, 1]
    other = call.passed(IMAGES[order], {"kernel": side["kernel"][order]}, rng(5)).images
    assert torch.equal(other, together[order])
    for row, kernel in enumerate(KERNELS):
        alone = call.passed(IMAGES[row : row + 1], {"kernel": kernel}, rng(1)).images
        assert torch.equal(alone, together[row : row + 1])


@pytest.mark.parametrize("plugin", [Records, RecordsTwo])
def test_gradients_go_to_their_own_images(make_ready: Any, plugin: type[Records]) -> None:
    """Through kernels of several sizes: that of a row is its weights convolved with its kernel."""
    side = {"kernel": torch.cat([padded_to(7, kernel) for kernel in KERNELS])}
    images = (0.5 * IMAGES).requires_grad_()
    weights = torch.rand(IMAGES.shape, generator=torch.Generator().manual_seed(2))
    traced = make_ready(plugin()).call.traced(images, side, rng(5)).images
    (gradient,) = torch.autograd.grad(traced, images, weights)
    flipped = (
        [correlate(w, k[0, 0].double().numpy()[::-1, ::-1], mode="constant") for w in row]
        for row, k in zip(weights.double().numpy(), KERNELS, strict=True)
    )
    np.testing.assert_allclose(gradient.numpy(), np.stack(list(flipped)), rtol=0, atol=1e-5)


class Doubles(Restoration):
    """Twice as high and wide, by repeating pixels."""

    name: ClassVar[str] = "doubles"
    scale: ClassVar[int] = 2
    differentiable: ClassVar[bool] = True

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return images.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


class Crops(Degradation):
    """Keep the left half, and say what it is in haze of its own."""

    name: ClassVar[str] = "crops"
    resizes: ClassVar[bool] = True
    differentiable: ClassVar[bool] = True

    def degrade(self, images: torch.Tensor, rng: SampleRng) -> Degraded:
        half = images[..., : images.shape[-1] // 2]
        return Degraded(half.contiguous(), {"transmission": torch.ones_like(half[:, :1])})


SAID = {
    "sigma": torch.tensor([0.1, 0.2]),
    "gain": torch.tensor([0.3, 0.4]),
    "airlight": torch.rand(2, 3),
    "kernel": torch.full((2, 1, 3, 3), 1 / 9),
    "mask": (MAP > 0.5).float(),
    "depth": MAP,
    "transmission": MAP / 2,
    "lens": torch.rand(2, 4),
    "labels_of_pixels": torch.rand(2, 5, 6),
}


@pytest.mark.parametrize("run", ["passed", "traced"])
def test_what_has_the_images_size_grows_with_them(make_ready: Any, run: str) -> None:
    """Masks are repeated as NumPy's `kron`, depth as Pillow's bilinear; what is in pixels goes."""
    images = torch.rand(2, 3, 5, 6)
    side = getattr(make_ready(Doubles()).call, run)(images, SAID, rng(2)).side
    assert set(side) == {"gain", "airlight", "mask", "depth", "transmission", "lens"}
    for name in ("gain", "airlight", "lens"):
        assert torch.equal(side[name], SAID[name])
    twice = np.kron(SAID["mask"].numpy(), np.ones((2, 2), np.float32))
    np.testing.assert_array_equal(side["mask"].numpy(), twice)
    for name in ("depth", "transmission"):
        for ours, small in zip(side[name], SAID[name], strict=True):
            theirs = Image.fromarray(small[0].numpy()).resize((12, 10), Image.Resampling.BILINEAR)
            np.testing.assert_allclose(ours[0].numpy(), np.asarray(theirs), rtol=0, atol=1e-6)


@pytest.mark.parametrize("run", ["passed", "traced"])
def test_a_degradation_that_resizes_leaves_what_has_no_size(make_ready: Any, run: str) -> None:
    """It may have cropped, so nothing is stretched; what it says itself is of the new images."""
    images = torch.rand(2, 3, 5, 6)
    side = getattr(make_ready(Crops()).call, run)(images, SAID, rng(2)).side
    assert set(side) == {"gain", "airlight", "lens", "transmission"}
    assert torch.equal(side["transmission"], torch.ones(2, 1, 5, 3))


def test_images_that_keep_their_size_keep_all_that_was_said(make_ready: Any) -> None:
    """Not a value is touched, and none is copied."""
    images = torch.rand(2, 3, 5, 6)

    class Same(Restoration):
        """Change nothing."""

        name: ClassVar[str] = "same"

        def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
            return images.clone()

    side = make_ready(Same()).call.passed(images, SAID, rng(2)).side
    assert list(side) == list(SAID)
    assert all(side[name] is SAID[name] for name in SAID)


@pytest.mark.parametrize(("need", "says"), [("kernel", True), ("mask", True), ("gain", False)])
def test_what_was_dropped_is_said_where_it_is_missed(
    make_ready: Any, need: str, says: bool
) -> None:
    """A need that a change of size can have taken away says so, and what to do."""

    class Needs(Restoration):
        """Need something."""

        name: ClassVar[str] = "needs_it"
        needs: ClassVar[tuple[str, ...]] = (need,)

        def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
            return images

    with pytest.raises(PluginError, match=f"needs '{need}'") as caught:
        make_ready(Needs()).call.passed(torch.rand(1, 3, 5, 6), {}, rng(1))
    assert ("changes the size of the images: restore them before it" in str(caught.value)) == says
