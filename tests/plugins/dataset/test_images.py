"""Every common image format is decoded to the right pixels, or refused with a reason."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps, features

from adversity_plugins.dataset._read_images.decode import IMAGE_SUFFIXES, Unreadable, read

COLOUR = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
SMOOTH = np.linspace(20, 230, 16 * 24 * 3).reshape(16, 24, 3).astype(np.uint8)
GREY = COLOUR[:, :, 0]


def saved(tmp_path, image, name, **options):
    path = tmp_path / name
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def png(values):
    """Write a PNG by hand (PNG specification): [H, W, C] of uint8 or uint16, no filter."""
    height, width, channels = values.shape
    bits = 8 * values.dtype.itemsize
    rows = b"".join(b"\0" + row.astype(values.dtype.newbyteorder(">")).tobytes() for row in values)

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, bits, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


LOSSLESS = [
    ("a.png", {}),
    ("a.PNG", {}),
    ("a.bmp", {}),
    ("a.tiff", {}),
    ("a.tif", {"compression": "tiff_lzw"}),
    ("a.webp", {"lossless": True}),
    ("a.ppm", {}),
    ("a.jp2", {"irreversible": False}),
]


@pytest.mark.parametrize(("name", "options"), LOSSLESS, ids=[n for n, _ in LOSSLESS])
def test_lossless_formats_give_the_pixels_back(tmp_path, name, options):
    """A lossless format gives back exactly the RGB pixels that were saved."""
    decoded = read(saved(tmp_path, COLOUR, name, **options))
    np.testing.assert_array_equal(decoded.pixels, COLOUR)
    assert decoded.pixels.dtype == np.uint8


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.avif", "a.webp"])
def test_lossy_formats_come_close(tmp_path, name):
    """A lossy format of high quality is within 12 grey levels of a smooth ramp (chroma is halved)."""
    if name.endswith("avif") and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    pixels = read(saved(tmp_path, SMOOTH, name, quality=95)).pixels
    assert np.abs(pixels.astype(int) - SMOOTH).max() <= 12


@pytest.mark.parametrize("name", ["g.png", "g.bmp", "g.tif", "g.pgm"])
def test_grey_stays_grey(tmp_path, name):
    """A grey image is [H, W], not three equal channels."""
    np.testing.assert_array_equal(read(saved(tmp_path, GREY, name)).pixels, GREY)


def test_one_bit_images_are_black_and_white(tmp_path):
    """A one-bit image has the grey levels 0 and 255."""
    bits = GREY > 100
    np.testing.assert_array_equal(read(saved(tmp_path, bits, "b.png")).pixels, bits * np.uint8(255))


def test_palette_becomes_rgb(tmp_path):
    """A palette image shows its palette's colours, not its indices."""
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    pixels = read(saved(tmp_path, image, "p.png")).pixels
    assert pixels.tolist() == [[[10, 20, 30], [200, 100, 50]]]


def test_first_frame_of_an_animation(tmp_path):
    """An animated GIF gives its first frame."""
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    path = saved(tmp_path, frames[0], "a.gif", save_all=True, append_images=frames[1:])
    assert read(path).pixels[0, 0].tolist() == [255, 0, 0]


def test_cmyk_jpeg_has_the_right_colours(tmp_path):
    """CMYK becomes RGB by 255 - min(255, C + K) and so on: red stays red, white stays white.

    10 grey levels are JPEG's loss on flat colour.
    """
    for ink, wanted in (((0, 255, 255, 0), (255, 0, 0)), ((0, 0, 0, 0), (255, 255, 255))):
        path = saved(tmp_path, Image.new("CMYK", (16, 16), ink), "c.jpg", quality=95)
        assert np.abs(read(path).pixels.astype(int) - wanted).max() <= 10


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_keep_all_bits(tmp_path, channels):
    """Each of the 65 536 levels of a 16-bit PNG is told apart: value / 65535 in float32."""
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1).repeat(channels, axis=2)
    (tmp_path / "d.png").write_bytes(png(values))
    pixels = read(tmp_path / "d.png").pixels
    assert pixels.dtype == np.float32
    wanted = values.squeeze().astype(np.float32) / np.float32(65535)
    np.testing.assert_array_equal(pixels, wanted)


def test_sixteen_bit_grey_tiff(tmp_path):
    """A 16-bit grey TIFF is read like a 16-bit grey PNG."""
    values = np.array([[0, 1, 257, 65535]], np.uint16)
    pixels = read(saved(tmp_path, values, "d.tif")).pixels
    np.testing.assert_array_equal(pixels, values.astype(np.float32) / np.float32(65535))


def test_float_tiff_in_range(tmp_path):
    """A floating-point TIFF passes if it lies in [0, 1] and is refused otherwise."""
    values = np.array([[0, 0.25], [0.5, 1]], np.float32)
    np.testing.assert_array_equal(read(saved(tmp_path, values, "f.tif")).pixels, values)
    with pytest.raises(Unreadable, match=r"must lie in \[0, 1\], got 0 .. 255"):
        read(saved(tmp_path, values * 255, "f.tif"))


@pytest.mark.parametrize(("background", "level"), [("white", 255), ("black", 0)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_transparency_is_laid_on_the_background(tmp_path, background, level, dtype):
    """Clear pixels show the background, opaque ones their colour, half-clear ones the mean.

    One grey level is the rounding of 8-bit blending.
    """
    top = np.iinfo(dtype).max
    values = np.zeros((1, 3, 4), dtype)
    values[0, :, 0] = top
    values[0, :, 3] = [0, top // 2 + 1, top]
    (tmp_path / "t.png").write_bytes(png(values))
    decoded = read(tmp_path / "t.png", background)
    pixels = decoded.pixels * (1 if dtype == np.uint8 else 255.0)
    wanted = [[level] * 3, [(255 + level) / 2, level / 2, level / 2], [255, 0, 0]]
    np.testing.assert_allclose(pixels[0], wanted, atol=1)
    assert decoded.transparent


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_opaque_alpha_changes_nothing(tmp_path, dtype):
    """An alpha channel that is opaque everywhere is dropped, bit for bit."""
    top = np.iinfo(dtype).max
    values = np.random.default_rng(0).integers(0, top, (4, 5, 4), dtype=dtype)
    values[:, :, 3] = top
    (tmp_path / "t.png").write_bytes(png(values))
    (tmp_path / "o.png").write_bytes(png(np.ascontiguousarray(values[:, :, :3])))
    decoded = read(tmp_path / "t.png")
    np.testing.assert_array_equal(decoded.pixels, read(tmp_path / "o.png").pixels)
    assert not decoded.transparent


def test_grey_with_alpha_stays_grey(tmp_path):
    """A grey image with alpha is [H, W] after blending."""
    (tmp_path / "la.png").write_bytes(png(np.array([[[100, 255], [100, 0]]], np.uint8)))
    assert read(tmp_path / "la.png").pixels.tolist() == [[100, 255]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["e.png", "e.tif"])
def test_exif_orientation_is_applied(tmp_path, orientation, name):
    """All eight orientations give what Pillow's own exif_transpose gives."""
    image = Image.fromarray(COLOUR)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, image, name, exif=exif)
    with Image.open(path) as opened:
        wanted = np.asarray(ImageOps.exif_transpose(opened))
    np.testing.assert_array_equal(read(path).pixels, wanted)
    assert wanted.shape[:2] == ((9, 6) if orientation >= 5 else (6, 9))


def test_phone_images_of_two_frames(tmp_path):
    """An MPO file under the name .jpg, as phones write it, gives its first frame upright."""
    frames = [Image.fromarray(SMOOTH), Image.fromarray(255 - SMOOTH)]
    path = tmp_path / "phone.jpg"
    frames[0].save(path, format="MPO", save_all=True, append_images=frames[1:], quality=95)
    assert np.abs(read(path).pixels.astype(int) - SMOOTH).max() <= 12


def test_the_content_decides_not_the_name(tmp_path):
    """A PNG called .jpg is read as the PNG it is."""
    path = tmp_path / "really_png.jpg"
    Image.fromarray(COLOUR).save(path, format="PNG")
    np.testing.assert_array_equal(read(path).pixels, COLOUR)


@pytest.mark.parametrize("name", ["a.heic", "a.TGA", "a.nef", "a", "a.txt"])
def test_a_name_of_another_format_costs_no_image(tmp_path, name):
    """A PNG is read whatever it is called, also after a format that is not read."""
    saved(tmp_path, COLOUR, "a.png").rename(tmp_path / name)
    np.testing.assert_array_equal(read(tmp_path / name).pixels, COLOUR)


@pytest.mark.parametrize("name", ["a.dng", "a.NEF", "a.raw"])
def test_raw_photos_are_not_taken_for_their_previews(tmp_path, name):
    """A raw photo is a TIFF whose first page is a preview: its name says that it is more."""
    saved(tmp_path, COLOUR, "a.tif").rename(tmp_path / name)
    with pytest.raises(Unreadable, match=r"the format .* is not read; convert it"):
        read(tmp_path / name)


def damaged(kind):
    buffer = io.BytesIO()
    Image.fromarray(SMOOTH).save(buffer, format="PNG" if "png" in kind else "JPEG")
    content = buffer.getvalue()
    if kind.startswith("cut"):
        return content[: len(content) * 2 // 3]
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jpg", b"", "the file is empty"),
        ("a.jpg", b"hello", "not an image in a format that is read"),
        ("a.jpg", damaged("cut jpg"), "damaged, or of a kind not read: .*[Tt]runcated"),
        ("a.png", damaged("cut png"), "damaged, or"),
        ("a.png", damaged("flipped png"), "damaged, or"),
        ("a.heic", b"\0\0\0\x18ftypheic", r"format \.heic is not read; convert it"),
        ("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n", r"format \.eps is not read"),
        (
            "a.png",
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
            "not an image in a format",
        ),
    ],
    ids=["empty", "text", "cut jpg", "cut png", "flipped bit", "heic", "eps", "eps as png"],
)
def test_damaged_files_have_a_reason(tmp_path, name, content, words):
    """A file that cannot be decoded whole is refused, with a reason that holds no path."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Unreadable, match=words) as error:
        read(tmp_path / name)
    assert str(tmp_path) not in str(error.value)
    assert "0x" not in str(error.value)


def test_decompression_bombs_are_refused_before_they_unfold(tmp_path):
    """A file of a few bytes that claims 20 000 x 20 000 pixels is refused without decoding."""
    bomb = png(np.zeros((1, 1, 3), np.uint8)).replace(
        struct.pack(">II", 1, 1), struct.pack(">II", 20_000, 20_000), 1
    )
    start = bomb.index(b"IHDR")
    crc = struct.pack(">I", zlib.crc32(bomb[start : start + 17]))
    (tmp_path / "bomb.png").write_bytes(bomb[: start + 17] + crc + bomb[start + 21 :])
    with pytest.raises(Unreadable, match="would take more than 1 GiB of memory"):
        read(tmp_path / "bomb.png")


@pytest.mark.parametrize("order", "<>")
def test_sixteen_bit_colour_tiff(tmp_path, order):
    """16-bit colour TIFF keeps its bits in both byte orders (TIFF 6.0, written by hand)."""
    values = np.random.default_rng(0).integers(0, 65536, (4, 5, 3))
    data = values.astype(f"{order}u2").tobytes()
    tags = [(256, 3, 1, 5), (257, 3, 1, 4), (258, 3, 3, 122), (259, 3, 1, 1), (262, 3, 1, 2)]
    tags += [(273, 4, 1, 128), (277, 3, 1, 3), (278, 3, 1, 4), (279, 4, 1, len(data))]
    entries = b"".join(
        struct.pack(f"{order}HHI", *tag[:3])
        + (
            struct.pack(f"{order}HH", tag[3], 0)
            if tag[1:3] == (3, 1)
            else struct.pack(f"{order}I", tag[3])
        )
        for tag in tags
    )
    head = struct.pack(f"{order}2sHIH", b"II" if order == "<" else b"MM", 42, 8, len(tags))
    content = (head + entries + bytes(4)).ljust(122, b"\0")
    content += struct.pack(f"{order}3H", 16, 16, 16) + data
    (tmp_path / "d.tif").write_bytes(content)
    wanted = values.astype(np.float32) / np.float32(65535)
    np.testing.assert_array_equal(read(tmp_path / "d.tif").pixels, wanted)


def test_no_reading_of_documents():
    """Formats with an interpreter behind them are not among those that are opened."""
    assert not IMAGE_SUFFIXES & {".pdf", ".ps", ".wmf", ".h5"}
