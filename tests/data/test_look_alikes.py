"""What looks alike is found, what does not is not, and the hash is that of ImageHash."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from skimage import data

from adversity.data.look_alikes import Looks, look_alikes, looks_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

PHOTOS = [
    np.asarray(getattr(data, name)()) for name in ("astronaut", "chelsea", "coffee", "rocket")
]


def _jpeg(image: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=30)
    return Image.open(stream)


SAME: dict[str, Callable[[Image.Image], Image.Image]] = {
    "compressed": _jpeg,
    "half": lambda image: image.resize((image.width // 2, image.height // 2)),
    "grey": lambda image: image.convert("L"),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
}


@pytest.mark.parametrize("how", SAME)
def test_the_same_photo_is_found(how: str) -> None:
    """Each with its own copy, and with no other photo."""
    copies = [np.asarray(SAME[how](Image.fromarray(photo))) for photo in PHOTOS]
    pairs = look_alikes(looks_of(PHOTOS), looks_of(copies))
    assert pairs == [(number, number) for number in range(len(PHOTOS))]


def test_other_photos_are_not() -> None:
    """Nor is a photo upside down, whose colours are the same."""
    turned = [photo[::-1] for photo in PHOTOS]
    assert look_alikes(looks_of(PHOTOS)) == []
    assert look_alikes(looks_of(PHOTOS), looks_of(turned)) == []


@pytest.mark.parametrize(
    ("pattern", "known"),
    [
        (lambda x, y: (127 + 60 * np.sin(x / 7) + 60 * np.cos(y / 5)).clip(0, 255), "e0fcb2b12b13386e"),
        (lambda x, y: np.stack([x * 4 % 256, y * 5 % 256, (x + y) * 2 % 256], 2), "aa11e4566217f65b"),
    ],
)  # fmt: skip
def test_the_hash_is_that_of_imagehash(
    pattern: Callable[..., NDArray[np.float64]], known: str
) -> None:
    """`imagehash.phash` of version 4.3.2, on the same pixels."""
    y, x = np.mgrid[:48, :64]
    looks = looks_of([pattern(x, y).astype(np.uint8)])
    assert f"{int(looks.hashes[0]):016x}" == known


def test_all_pairs_are_looked_at_in_any_number_of_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a double loop over few bits; parts of three rows."""
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**6, 20).astype(np.uint64)
    looks = Looks(hashes, np.zeros((20, 1024), np.uint8))
    monkeypatch.setattr("adversity.data.look_alikes._ROWS", 3)
    monkeypatch.setattr("adversity.data.look_alikes.MOST_BITS", 1)
    near = [
        (i, j)
        for i in range(20)
        for j in range(i + 1, 20)
        if (int(hashes[i]) ^ int(hashes[j])).bit_count() <= 1
    ]
    assert look_alikes(looks) == near
    assert 0 < len(near) < 190


def test_plain_images_are_alike_where_they_are_equal() -> None:
    """Without a spread there is no correlation: then levels count."""
    black, white = np.zeros((16, 16), np.uint8), np.full((16, 16), 255, np.uint8)
    assert look_alikes(looks_of([black, white, black])) == [(0, 2)]
    assert look_alikes(looks_of([])) == []
