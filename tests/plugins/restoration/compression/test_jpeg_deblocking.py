"""JPEG's blocks taken off: Pillow's tables and files, SciPy's cosines, and what is gained."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.fft import dctn
from skimage import data
from skimage.transform import resize
from torch import Tensor

import adversity
from adversity_plugins.restoration.compression import _jpeg_blocks as jpeg
from adversity_plugins.restoration.compression.jpeg_deblocking import JpegDeblocking

LIKE = torch.zeros(1, dtype=torch.float64)


def _photo(name: str, side: int = 96, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """A photo of scikit-image as 8-bit pixels between two values."""
    pixels = resize(getattr(data, name)() / 255.0, (side, side), anti_aliasing=True)
    return (255 * (low + (high - low) * pixels)).round().astype(np.uint8)


def _stored(pixels: np.ndarray, quality: int) -> tuple[bytes, Any, Tensor]:
    """Return the file, what Pillow opened, and the decoded image `[1, C, H, W]`."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    opened = Image.open(BytesIO(file.getvalue()))
    decoded = np.asarray(opened).reshape(*pixels.shape[:2], -1).transpose(2, 0, 1)
    return file.getvalue(), opened, torch.from_numpy(decoded / np.float32(255))[None]


def _psnr(images: Tensor, clean: Tensor) -> float:
    return float(-10 * (images - clean).square().mean().log10())


def test_tables_are_those_of_pillow() -> None:
    """All 200 of them, to the number."""
    pixels = np.zeros((16, 16, 3), np.uint8)
    for quality in range(1, 101):
        opened = _stored(pixels, quality)[1]
        for place, chroma in ((0, False), (1, True)):
            theirs = np.array(opened.quantization[place]).reshape(8, 8)
            np.testing.assert_array_equal(jpeg.table_of(quality, LIKE, chroma=chroma), theirs)


def test_blocks_are_scipys_cosines() -> None:
    """Coefficients and back; luma by Pillow's conversion, which rounds."""
    plane = torch.rand(16, 24, generator=torch.Generator().manual_seed(0)).double()
    blocks = jpeg.blocks_of(plane)
    np.testing.assert_allclose(
        blocks[1, 2].numpy(), dctn(plane[8:, 16:].numpy(), norm="ortho"), atol=1e-12
    )
    torch.testing.assert_close(jpeg.plane_of(blocks), plane)
    pixels = _photo("astronaut", 16)
    image = torch.from_numpy(pixels / 255.0).permute(2, 0, 1)
    planes = jpeg.to_luma(image) + torch.tensor([128.0, 128, 128]).view(3, 1, 1)
    theirs = np.asarray(Image.fromarray(pixels).convert("YCbCr")).transpose(2, 0, 1)
    assert np.abs(planes.numpy() - theirs).max() <= 1
    torch.testing.assert_close(jpeg.from_luma(jpeg.to_luma(image)), image)


def test_the_projection_is_one() -> None:
    """Twice is once; the given plane stays; and no point of the set is nearer.

    The difference to what is projected has no positive product with the way to any other point of
    a convex set.
    """
    draw = torch.Generator().manual_seed(0)
    given = 255 * torch.rand(16, 16, generator=draw).double() - 128
    plane = given + 30 * torch.randn(16, 16, generator=draw).double()
    table = jpeg.table_of(20, LIKE)
    once = jpeg.projected(plane, given, table, 1.0)
    torch.testing.assert_close(jpeg.projected(once, given, table, 1.0), once, rtol=0, atol=1e-10)
    assert float((once - plane).abs().max()) > 1
    steps = (jpeg.blocks_of(given) / table).round()
    for _ in range(20):
        inside = (steps + torch.rand(steps.shape, generator=draw) - 0.5) * table
        other = jpeg.plane_of(inside)
        torch.testing.assert_close(
            jpeg.projected(other, given, table, 1.0), other, rtol=0, atol=1e-10
        )
        assert float(((plane - once) * (other - once)).sum()) <= 1e-8


@pytest.mark.parametrize("quality", [5, 10, 20, 50])
@pytest.mark.parametrize("name", ["camera", "coffee"])
def test_the_same_file_comes_from_what_is_restored(name: str, quality: int) -> None:
    """Rounded to 8 bits and stored again: the bytes of the file that it came from.

    Between the middle 60 % of an interval and its end is more than rounding to 8 bits moves a
    coefficient. Of photos whose values stay off 0 and 255, which would be cut off; grey, since the
    resolution of colour is not the file's any more.
    """
    pixels = _photo(name, low=0.25, high=0.75)
    pixels = pixels if pixels.ndim == 2 else pixels[..., 1]
    file, _, decoded = _stored(pixels, quality)
    restored = JpegDeblocking().restore(decoded, quality=torch.tensor([float(quality)])).images
    back = (restored[0, 0] * 255).round().byte().numpy()
    assert (back != (decoded[0, 0] * 255).round().byte().numpy()).mean() > 0.3
    assert _stored(back, quality)[0] == file


def test_coefficients_round_to_those_of_the_clean_image() -> None:
    """By SciPy's cosines of the image before JPEG and Pillow's table; ties of its integers apart."""
    pixels = _photo("camera", low=0.2, high=0.8)
    _, opened, decoded = _stored(pixels, 15)
    table = np.array(opened.quantization[0]).reshape(8, 8)
    restored = JpegDeblocking(width=0.9).restore(decoded, quality=torch.tensor([15.0])).images
    alike = []
    for top in range(0, 96, 8):
        for left in range(0, 96, 8):
            part = (slice(top, top + 8), slice(left, left + 8))
            clean = dctn(pixels[part] - 128.0, norm="ortho")
            own = dctn(255.0 * restored[0, 0].numpy()[part] - 128, norm="ortho")
            alike.append(np.round(own / table) == np.round(clean / table))
    assert np.mean(alike) > 0.9995


@pytest.mark.parametrize("quality", [7, 10, 18, 25, 50, 75, 90])
@pytest.mark.parametrize("name", ["camera", "astronaut"])
def test_the_quality_is_found(name: str, quality: int) -> None:
    """Exactly, grey and colour; of a photo that is no JPEG one whose steps change next to nothing."""
    pixels = _photo(name)
    decoded = _stored(pixels, quality)[2]
    assert JpegDeblocking().estimate(decoded)["quality"].tolist() == [float(quality)]
    raw = torch.from_numpy(pixels.reshape(96, 96, -1) / np.float32(255)).permute(2, 0, 1)[None]
    plugin = JpegDeblocking()
    found = plugin.estimate(raw)["quality"]
    assert float(found) >= 90
    assert float((plugin.restore(raw, quality=found).images - raw).abs().max()) < 6 / 255


@pytest.mark.parametrize("quality", [10, 20])
@pytest.mark.parametrize("name", ["camera", "astronaut", "coffee", "chelsea"])
def test_photos_gain(name: str, quality: int) -> None:
    """Half a decibel and more on each, but for the sharpest in colour; 0.46 to 0.9 were measured.

    A 3 x 3 mean, weighed with the image at its best, has less than half of it.
    """
    pixels = _photo(name, 256)
    clean = torch.from_numpy(pixels.reshape(256, 256, -1) / np.float32(255)).permute(2, 0, 1)[None]
    decoded = _stored(pixels, quality)[2]
    restored = JpegDeblocking().restore(decoded, quality=torch.tensor([float(quality)])).images
    before, after = _psnr(decoded, clean), _psnr(restored, clean)
    wide = torch.nn.functional.pad(decoded, (1, 1, 1, 1), mode="replicate")
    mean = torch.nn.functional.avg_pool2d(wide, 3, 1)
    plain = max(_psnr((1 - k) * decoded + k * mean, clean) for k in (0.1, 0.2, 0.3, 0.4))
    assert after > before + 0.4
    assert after > plain + 0.2


def test_the_degradation_tells_its_quality(photos: Tensor) -> None:
    """What `jpeg_compression` says of itself is what reaches the restoration, and what it finds."""
    worsening = adversity.create("degradation", "jpeg_compression", severity=3)
    worse = worsening(photos, seed=0)
    assert worsening.side["quality"].tolist() == [15.0] * 3
    own = adversity.create("restoration", "jpeg_deblocking")
    told = own(worse, **worsening.side)
    assert own.found["quality"].tolist() == [15.0] * 3
    assert torch.equal(told, JpegDeblocking().restore(worse, **worsening.side).images)


def test_a_quality_that_is_none_is_refused(photos: Tensor) -> None:
    """0 and 101 are nobody's."""
    for quality in (0.0, 101.0):
        with pytest.raises(ValueError, match=rf"from 1 to 100, got {quality:.0f}"):
            JpegDeblocking().restore(photos, quality=torch.full((3,), quality))
