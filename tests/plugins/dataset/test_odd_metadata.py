"""What lies beside the pixels may be odd: the image is kept, and what was ignored is said."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from image_writers import chunk, png, tiff
from PIL import Image

from adversity_plugins.dataset._read_images.decode import read
from adversity_plugins.dataset.folder import Folder

COLOUR = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
NONE_OF_8 = "is none of 1 to 8 and is ignored"


def exif(kind, raw):
    """Return EXIF with one entry, the orientation, of any TIFF type (2 text, 3 short, 5 ratio)."""
    size = {2: 1, 3: 2, 4: 4, 5: 8}[kind]
    where = raw.ljust(4, b"\0") if len(raw) <= 4 else struct.pack(">I", 26)
    return (
        b"MM\0*\0\0\0\x08\0\1\x01\x12"
        + struct.pack(">HI", kind, len(raw) // size)
        + where
        + bytes(4)
        + raw
    )


ODD = {
    "9": exif(3, b"\0\x09"),
    "0": exif(3, b"\0\0"),
    "text": exif(2, b"top-left\0"),
    "number as text": exif(2, b"6\0"),
    "ratio": exif(5, struct.pack(">II", 6, 1)),
    "none": b"MM\0*\0\0\0\x08\0\0\0\0\0\0",
}


def stored(kind, block):
    """Return the image as JPEG, PNG, WebP or TIFF with EXIF."""
    file = io.BytesIO()
    if kind == "png":
        return png(COLOUR, before=chunk(b"eXIf", block))
    options = {"quality": 95} if kind == "jpeg" else {"lossless": True}
    Image.fromarray(COLOUR).save(file, kind, exif=b"Exif\0\0" + block, **options)
    return file.getvalue()


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_an_odd_orientation_is_ignored_and_said(tmp_path, kind, odd):
    """An orientation that is none of the eight leaves the image upright, with a remark."""
    (tmp_path / "plain").write_bytes(stored(kind, ODD["none"]))
    (tmp_path / "odd").write_bytes(stored(kind, ODD[odd]))
    image = read(tmp_path / "odd")
    np.testing.assert_array_equal(image.pixels, read(tmp_path / "plain").pixels)
    assert len(image.remarks) == (odd != "none")
    assert all(NONE_OF_8 in remark for remark in image.remarks)


@pytest.mark.parametrize(("kind", "values"), [(3, [9]), (3, [0]), (1, [200])])
def test_an_odd_orientation_of_a_tiff(tmp_path, kind, values):
    """Of a TIFF too, whose orientation is a tag of the image itself."""
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(COLOUR, photometric=2, more=[(274, kind, values)]))
    image = read(path)
    np.testing.assert_array_equal(image.pixels, COLOUR)
    assert NONE_OF_8 in image.remarks[0]


def test_a_sound_orientation_has_no_remark(tmp_path):
    """The sixth orientation turns the image by a quarter, clockwise, in each of the formats."""
    turned = np.rot90(COLOUR, -1)
    for name, content in (
        ("png", stored("png", exif(3, b"\0\6"))),
        ("webp", stored("webp", exif(3, b"\0\6"))),
        ("tiff", tiff(COLOUR, photometric=2, more=[(274, 3, [6])])),
    ):
        (tmp_path / name).write_bytes(content)
        image = read(tmp_path / name)
        np.testing.assert_array_equal(image.pixels, turned)
        assert image.remarks == ()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow says it too
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("block", [b"", b"garbage", b"MM\0*\xff\xff\xff\xff", ODD["9"][:15]])
def test_damaged_exif_costs_no_image(tmp_path, kind, block):
    """EXIF that cannot be read is ignored: the pixels do not depend on it."""
    (tmp_path / "plain").write_bytes(stored(kind, ODD["none"]))
    (tmp_path / "odd").write_bytes(stored(kind, block))
    image = read(tmp_path / "odd")
    np.testing.assert_array_equal(image.pixels, read(tmp_path / "plain").pixels)


def wrong_sum(content):
    return content[:-1] + bytes([content[-1] ^ 1])


ASIDE = {
    "checksum of a text": (wrong_sum(chunk(b"tEXt", b"a\0b")), ""),
    "checksum of EXIF": (wrong_sum(chunk(b"eXIf", exif(3, b"\0\6"))), "EXIF has a wrong checksum"),
    "empty resolution": (chunk(b"pHYs", b""), ""),
    "huge resolution": (chunk(b"pHYs", struct.pack(">IIB", 2**31 - 1, 1, 1)), ""),
    "short chromaticities": (chunk(b"cHRM", b"1"), ""),
    "gamma": (chunk(b"gAMA", struct.pack(">I", 100_000)), ""),
    "a profile that is none": (chunk(b"iCCP", b"x\0\0garbage"), ""),
    "unknown": (chunk(b"abCd", b"\5"), ""),
    "XMP that is damaged": (
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0garbage"),
        "XMP cannot be unpacked",
    ),
}


@pytest.mark.parametrize("name", ASIDE)
@pytest.mark.parametrize("where", ["before", "after"])
def test_chunks_that_no_pixel_depends_on(tmp_path, name, where):
    """Faults in text, resolution, gamma and profiles of a PNG do not cost the image."""
    part, remark = ASIDE[name]
    path = tmp_path / "A.PNG"
    path.write_bytes(png(COLOUR, **{where: part}))
    image = read(path)
    np.testing.assert_array_equal(image.pixels, COLOUR)
    assert [text[: len(remark)] for text in image.remarks] == ([remark] if remark else [])


def test_bytes_behind_the_image(tmp_path):
    """Bytes behind the end of a PNG or a JPEG, and fill bytes before a marker, mean nothing."""
    file = io.BytesIO()
    Image.fromarray(COLOUR).save(file, "JPEG", quality=95, dpi=(65535, 1))
    plain = file.getvalue()
    filled = plain[:2] + b"\xff\xff" + plain[2:]
    contents = {"plain": plain, "behind": plain + b"\xff\xd8 more", "filled": filled}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    wanted = read(tmp_path / "plain").pixels
    for name in contents:
        np.testing.assert_array_equal(read(tmp_path / name).pixels, wanted)
    (tmp_path / "a.png").write_bytes(png(COLOUR) + b"more")
    np.testing.assert_array_equal(read(tmp_path / "a.png").pixels, COLOUR)


def test_a_folder_says_what_was_ignored(tmp_path):
    """The report's facts name the oddity, how many images have it, and one of them."""
    folder = tmp_path / "data/cat"
    folder.mkdir(parents=True)
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(stored("png", ODD["9"]))
    data = Folder(path="data")
    data.open(tmp_path)
    assert len(data) == 2
    assert data.describe()["odd_metadata"] == (
        f"the orientation '9' {NONE_OF_8} (images: 2, such as cat/a.png)"
    )
