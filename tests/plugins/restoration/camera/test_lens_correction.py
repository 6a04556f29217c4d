"""What a lens did, undone: against the lens itself, a spot of light, and lensfun's own program."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from skimage import data

from adversity import SampleRng
from adversity.contracts.project_files import bind_files
from adversity_plugins.degradation.camera.lens import Lens
from adversity_plugins.restoration.camera import _lens_places as through
from adversity_plugins.restoration.camera.lens_correction import LensCorrection

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

NONE = {
    "distortion": torch.tensor([[1.0, 0, 0, 0, 0]]),
    "chromatic": torch.tensor([[[1.0, 0, 0], [1.0, 0, 0]]]),
    "vignetting": torch.zeros(1, 3),
}
NAME = "Example 24-70mm f/2.8"


def ready(folder: Path, **parameters: Any) -> Lens:
    """Return the lens that the class writes, set up."""
    Lens.write_example_files(folder)
    plugin = Lens.model_validate({"database": "lenses", "lens": NAME, **parameters})
    bind_files(plugin, folder)
    plugin.setup("cpu")
    return plugin


def smooth(height: int, width: int) -> Tensor:
    """Return waves of 96 pixels and more, in other phases in each channel, `[1, 3, H, W]`."""
    rows, columns = torch.arange(height)[:, None] / 96, torch.arange(width) / 128
    phases = torch.tensor([0.0, 1.0, 2.0])[:, None, None]
    waves = torch.sin(2 * math.pi * columns + phases) * torch.cos(2 * math.pi * rows)
    return (0.5 + 0.3 * waves)[None].float()


def through_and_back(plugin: Lens, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return images through the lens, and corrected."""
    ids = tuple(map(str, range(len(images))))
    worse = plugin.degrade(images, SampleRng(seed=0, step="test", ids=ids))
    return worse.images, LensCorrection().restore(worse.images, **worse.side)


@pytest.mark.parametrize("focal", [24, 30, 50, 70])
@pytest.mark.parametrize("size", [(192, 256), (255, 190)])
def test_what_the_lens_did_is_undone(focal: float, size: tuple[int, int], tmp_path: Path) -> None:
    """A smooth image comes back within a tenth of a grey level, where the lens showed it at all.

    Cubic convolution is off by the cube of the wave's frequency, (2 pi / 96)^3 = 2.8e-4, times the
    height of the wave and a factor well below 1, twice: 4e-4 allows for both. A pincushion shows
    less than the image, and what it left out at the corners is not back.
    """
    images = smooth(*size)
    worse, better = through_and_back(ready(tmp_path, focal=focal, aperture=2.8), images)
    rows, columns = (slice(n // 6, -(n // 6)) for n in size)
    assert float((worse - images)[..., rows, columns].abs().max()) > 0.05
    assert float((better - images)[..., rows, columns].abs().max()) < 4e-4


def test_a_photo_comes_back_sharp(tmp_path: Path) -> None:
    """15 dB nearer at least, in the middle, after two interpolations."""
    pixels = torch.from_numpy(data.astronaut()[128:384, 128:384] / 255.0)
    photo = pixels.permute(2, 0, 1)[None].float()
    worse, better = through_and_back(ready(tmp_path, focal=24, aperture=2.8), photo)
    inner = (..., slice(16, -16), slice(16, -16))
    before, after = ((one - photo)[inner].square().mean() for one in (worse, better))
    assert 10 * math.log10(float(before / after)) > 15


def test_the_corner_goes_where_the_polynomial_says() -> None:
    """From numbers alone: at r the corrected image shows what stands at r (0.9 + 0.1 r^2)."""
    rows, columns = through.places(
        torch.tensor([0.9, 0.0, 0.1, 0.0, 0.0]), torch.tensor([[1.1, 0, 0], [1, 0, 0.2]]), 31, 41, 3
    )
    unit = math.hypot(15, 20)
    away = math.hypot(15 - 4, 20 - 7) / unit
    turned = 0.9 + 0.1 * away**2
    for channel, more in enumerate((1.1, 1.0, 1 + 0.2 * (away * turned) ** 2)):
        assert float(rows[channel, 4, 7]) == pytest.approx(15 + (4 - 15) * turned * more, abs=1e-6)
        assert float(columns[channel, 4, 7]) == pytest.approx(20 - 13 * turned * more, abs=1e-6)


def test_a_lens_without_faults_changes_nothing(photos: Tensor) -> None:
    """But for the rounding of sRGB there and back; each channel of each size."""
    for images in (photos[:1], photos[:1, :1, :7, :5], photos[:1, :, :1, :1]):
        better = LensCorrection().restore(images, **NONE)
        torch.testing.assert_close(better, images, atol=2e-6, rtol=0)


def test_each_image_has_its_own_lens(photos: Tensor, tmp_path: Path) -> None:
    """In one batch, as each by itself; parameters are the same numbers."""
    plugins = [ready(tmp_path, focal=f, aperture=2.8) for f in (24, 70)]
    rng = SampleRng(seed=0, step="test", ids=("a",))
    sides = [plugin.degrade(photos[:1], rng).side for plugin in plugins]
    both = {name: torch.cat([side[name] for side in sides]) for name in sides[0]}
    together = LensCorrection().restore(photos[:2], **both)
    for row, side in enumerate(sides):
        alone = LensCorrection().restore(photos[row : row + 1], **side)
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-6, rtol=0)


NAMED = {"database": "lenses", "lens": NAME, "focal": 24, "aperture": 2.8}


def corrector(folder: Path, **parameters: Any) -> LensCorrection:
    """Return a correction by name, set up."""
    LensCorrection.write_example_files(folder)
    plugin = LensCorrection.model_validate({**NAMED, **parameters})
    bind_files(plugin, folder)
    plugin.setup("cpu")
    return plugin


def test_a_lens_by_name_needs_no_numbers(photos: Tensor, tmp_path: Path) -> None:
    """It is corrected as by what the degradation tells; without an aperture light stays."""
    lens, rng = ready(tmp_path, focal=24, aperture=2.8), SampleRng(seed=0, step="t", ids=("a",))
    worse = lens.degrade(photos[:1], rng)
    named = corrector(tmp_path)
    found = named.estimate(worse.images)
    expected = LensCorrection().restore(worse.images, **worse.side)
    assert torch.equal(named.restore(worse.images, **found), expected)
    assert LensCorrection().estimate(worse.images) == {}
    assert not corrector(tmp_path, aperture=None).estimate(worse.images)["vignetting"].any()


def test_another_lens_than_was_told_is_refused(photos: Tensor, tmp_path: Path) -> None:
    """Whichever is right, one of the two is not."""
    side = (
        ready(tmp_path, focal=70).degrade(photos[:1], SampleRng(seed=0, step="t", ids=("a",))).side
    )
    with pytest.raises(ValueError, match=r"expected the distortion of Example .* got another one"):
        corrector(tmp_path).restore(photos[:1], **side)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"lens": NAME}, "got none for focal, database"),
        ({"aperture": 2.8, "crop": 1.6}, "aperture, crop: of a lens by name"),
        ({**NAMED, "vignetting": (0, 0, 0)}, "by name or numbers, got both: vignetting"),
        ({**NAMED, "aperture": None, "distance": 3}, "distance is for vignetting"),
    ],
)
def test_half_a_name_is_refused(given: dict[str, Any], words: str) -> None:
    """Before anything runs."""
    with pytest.raises(ValidationError, match=words):
        LensCorrection.model_validate(given)


def test_vignetting_without_light_is_refused() -> None:
    """With what it leaves."""
    with pytest.raises(ValueError, match=r"leaves light everywhere, got .* factor of -0\.500"):
        LensCorrection().restore(
            torch.rand(1, 3, 9, 9), **{**NONE, "vignetting": torch.tensor([[-1.5, 0.0, 0.0]])}
        )


MODELS = {
    "ptlens": '<distortion model="ptlens" focal="24" a="0.02" b="-0.07" c="0.01"/>'
    '<tca model="poly3" focal="24" vr="1.002" br="0.001" cr="0.0005" vb="0.998" bb="-0.001"/>',
    "poly3": '<distortion model="poly3" focal="24" k1="-0.03"/>'
    '<tca model="linear" focal="24" kr="0.998" kb="1.003"/>',
    "poly5": '<distortion model="poly5" focal="24" k1="0.04" k2="0.005"/>'
    '<tca model="poly3" focal="24" vr="1.0011" vb="0.9992"/>',
}
FILE = """<lensdatabase version="1"><lens><maker>Maker</maker><model>One 24mm f/2.8</model>
<mount>Any</mount><cropfactor>1</cropfactor><aspect-ratio>{ratio}</aspect-ratio><calibration>{rows}
<vignetting model="pa" focal="24" aperture="2.8" distance="1000" k1="-0.6" k2="-0.2" k3="0.1"/>
</calibration></lens></lensdatabase>"""


@pytest.mark.peers
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("crop", "ratio"), [(1.0, "3:2"), (1.6, "3:2"), (1.2, "4:3")])
@pytest.mark.parametrize("size", [(201, 301), (301, 201), (240, 320)])
def test_places_and_light_are_those_of_lensfun(
    model: str, crop: float, ratio: str, size: tuple[int, int], tmp_path: Path
) -> None:
    """The library itself (0.3.4, in `lensfunpy` 1.18), reading the same file.

    Tolerances: it computes in float32, most pixels to 2e-3, and some with the processor's
    approximate reciprocals, to a thousandth of their distance from the centre. Light it computes
    along a row by adding up differences.
    """
    lensfunpy = pytest.importorskip("lensfunpy")
    text = FILE.format(ratio=ratio, rows=MODELS[model])
    (tmp_path / "lenses").mkdir()
    (tmp_path / "lenses/one.xml").write_text(text, encoding="utf-8")
    given = {"database": "lenses", "lens": "One 24mm f/2.8", "focal": 24, "aperture": 2.8}
    plugin = Lens.model_validate({**given, "crop": crop})
    bind_files(plugin, tmp_path)
    plugin.setup("cpu")
    rng = SampleRng(seed=0, step="test", ids=("a",))
    side = plugin.degrade(torch.zeros(1, 3, *size), rng).side
    height, width = size
    lens = lensfunpy.Database(xml=text, load_common=False, load_bundled=False).lenses[0]
    flags = lensfunpy.ModifyFlags
    wanted = flags.DISTORTION | flags.TCA | flags.VIGNETTING
    modifier = lensfunpy.Modifier(lens, crop, width, height)
    modifier.initialize(24, 2.8, 1000, scale=1.0, pixel_format=np.float32, flags=wanted)
    theirs = modifier.apply_subpixel_geometry_distortion()
    rows, columns = through.places(side["distortion"][0], side["chromatic"][0], height, width, 3)
    ours = torch.stack([columns, rows], dim=-1).permute(1, 2, 0, 3).numpy()
    reach = math.hypot(height, width) / 2
    off = np.abs(ours - theirs)
    assert off.max() < reach / 1000
    assert np.median(off) < 2e-3
    flat = np.full((height, width, 3), 0.25, np.float32)
    modifier.apply_color_modification(flat)
    left = through.light_left(side["vignetting"][0].double(), height, width).numpy()
    np.testing.assert_allclose(flat[..., 1] * left, 0.25, rtol=0, atol=3e-5)
